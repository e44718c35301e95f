/**
 * What `status` says of routers and services whose process is dead or does not answer: that nothing is known. A value
 * from before would be a confident lie.
 */

import { formatEndpoint, formatPrefix } from '../base/address.ts';
import type { ServiceConfig, VrrpConfig } from '../config/config.ts';
import type { RouterStatus, ServiceStatus } from '../control/status.ts';

export const unansweredRouter = (config: VrrpConfig, since: Date): RouterStatus => ({
  name: config.name,
  interface: config.interface,
  routerId: config.routerId,
  version: config.version,
  state: 'init',
  since: since.toISOString(),
  cause: 'unknown: the vrrp process does not answer',
  priority: config.priority,
  interval: config.interval,
  masterInterval: config.interval,
  master: null,
  addresses: config.addresses.map((a) => ({ address: formatPrefix(a), present: false })),
  counters: {
    advertsSent: 0,
    advertsReceived: 0,
    priorityZeroSent: 0,
    priorityZeroReceived: 0,
    becameMaster: 0,
    dropped: {},
    worstLateness: 0,
  },
});

export const unansweredService = (config: ServiceConfig, since: Date): ServiceStatus => ({
  name: config.name,
  address: formatEndpoint(config.address),
  protocol: config.protocol,
  forward: config.forward,
  scheduler: config.scheduler,
  quorum: { needed: config.quorum, up: 0, held: false },
  servers: config.servers.map((server) => ({
    name: server.name,
    address: formatEndpoint(server.address),
    state: 'unknown',
    since: since.toISOString(),
    reason: 'the checker process does not answer',
    configuredWeight: server.weight,
    weight: null,
    connections: null,
    check: null,
  })),
});
