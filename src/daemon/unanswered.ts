/**
 * What `status` says of routers and services whose process is dead or does not answer: that nothing is known. A value
 * from before would be a confident lie.
 */

import { type Family, formatPrefix } from '../base/address.ts';
import type { ServiceConfig, VrrpConfig } from '../config/config.ts';
import { addressesOf, familiesOf, groupOf, peersOf } from '../config/families.ts';
import { describeListeners, describeServer } from '../config/service-words.ts';
import type { RouterOrder, RouterStatus, ServiceStatus } from '../control/status.ts';
import { needed, sum } from '../pool/quorum.ts';
import { masqueradeStatus } from './masquerade-status.ts';
import { type ServerOrders, serverOrderKey } from './server-orders.ts';

/** One of each family that the [[vrrp]] has addresses of. */
export const unansweredRouters = (
  config: VrrpConfig,
  since: Date,
  order: RouterOrder | null,
): readonly RouterStatus[] => familiesOf(config).map((family) => unansweredRouter(config, family, since, order));

const unansweredRouter = (
  config: VrrpConfig,
  family: Family,
  since: Date,
  order: RouterOrder | null,
): RouterStatus => ({
  name: config.name,
  family,
  interface: config.interface,
  routerId: config.routerId,
  version: config.version,
  state: 'init',
  since: since.toISOString(),
  cause: 'unknown: the vrrp process does not answer',
  priority: config.priority,
  priorityParts: [{ what: 'configured', delta: config.priority }],
  interval: config.interval,
  masterInterval: config.interval,
  master: null,
  source: null,
  transport: config.transport,
  destinations: destinationsOf(config, family),
  auth: config.auth?.type ?? 'none',
  syncGroup: config.syncGroup,
  addresses: addressesOf(config, family).map((a) => ({
    address: formatPrefix(a.address),
    interface: a.interface ?? config.interface,
    present: false,
    advertised: a.advertise,
  })),
  tracks: [],
  order,
  rival: null,
  refused: null,
  counters: {
    advertsSent: 0,
    advertsReceived: 0,
    priorityZeroSent: 0,
    priorityZeroReceived: 0,
    becameMaster: 0,
    splitBrains: 0,
    addressListErrors: 0,
    dropped: {},
    worstLateness: 0,
  },
});

function destinationsOf(config: VrrpConfig, family: Family): readonly string[] {
  const peers = peersOf(config, family).map(({ address }) => address);
  return peers.length > 0 ? peers : [groupOf(config, family)];
}

export const unansweredService = (config: ServiceConfig, since: Date, orders: ServerOrders): ServiceStatus => ({
  name: config.name,
  address: describeListeners(config),
  protocol: config.protocol,
  forward: config.forward,
  masquerade: masqueradeStatus(config, null),
  scheduler: config.scheduler,
  away: null,
  quorum: {
    needed: needed(config.quorum, sum(config.quorumBy, config.servers)),
    ...{ up: 0, held: false, by: config.quorumBy },
  },
  panic: false,
  servers: config.servers.map((server) => ({
    name: server.name,
    address: describeServer(config, server.address),
    state: 'unknown',
    since: since.toISOString(),
    reason: 'the checker process does not answer',
    configuredWeight: server.weight,
    advisedWeight: server.weight,
    weight: null,
    why: 'unknown',
    connections: null,
    order: orders.get(serverOrderKey(config, server)) ?? null,
    added: null,
    discovered: null,
    disagreement: null,
    checks: [],
  })),
  removed: [],
  leaving: [],
  discovery: [],
  sorryServers: config.sorryServers.map((address) => ({
    address: describeServer(config, address),
    weight: null,
    connections: null,
  })),
});
