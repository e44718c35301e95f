/**
 * Where an operator's word for real servers is answered: which servers it is about, what the kernel has for them at that
 * moment, and what there is to know of connections that do not end by themselves.
 */

import { ok } from '../base/result.ts';
import { formatDuration } from '../base/time.ts';
import type { ServiceConfig } from '../config/config.ts';
import type { Director, ServerOrderOutcome } from '../control/director.ts';
import { ordered } from '../control/render.ts';
import type { ServerOrder, ServerStatus, ServiceStatus } from '../control/status.ts';
import { isOut } from '../pool/ordered.ts';
import { type Found, serversCalled } from './find-server.ts';
import type { Orderable, ServerOrderBook } from './server-orders.ts';

export type ServerDesk = Pick<Director, 'orderServer' | 'takeBackServer'>;

export type ServerDeskTools = {
  readonly orders: ServerOrderBook;
  /** Those of the running config. */
  readonly services: () => readonly ServiceConfig[];
  /** How they are now; `undefined` when the checker process does not answer. */
  readonly ask: () => Promise<readonly ServiceStatus[] | undefined>;
  /** Whether the templates of a server of weight 0 are disregarded (net.ipv4.vs.expire_quiescent_template). */
  readonly templatesExpire: () => boolean;
  /** The orders have changed. */
  readonly changed: () => void;
};

export function createServerDesk({ orders, services, ask, templatesExpire, changed }: ServerDeskTools): ServerDesk {
  return {
    async orderServer(request) {
      const seen = await ask();
      const found = serversCalled(services(), request);
      if (!found.ok) return found;
      const before = orders.current();
      const order = orders.give(found.value, request);
      changed();
      const servers = found.value.map((one): ServerOrderOutcome => {
        const status = statusOf(seen, one);
        const notes = [
          ...(status === undefined ? [NO_ANSWER] : []),
          ...(isOut(order) ? emptied(seen, one, found.value) : waiting(status)),
          ...(order.kind === 'drain' ? lasting(one.config, templatesExpire()) : []),
        ];
        const replaced = before.get(one.key) ?? null;
        return { ...outcome(one, status), done: 'given', order, replaced, detail: order.reason, notes };
      });
      return ok({ servers });
    },

    async takeBackServer({ kind, by, ...target }) {
      const seen = await ask();
      const found = serversCalled(services(), target);
      if (!found.ok) return found;
      const before = orders.current();
      const isMeant = (one: Found): boolean => {
        const order = before.get(one.key);
        return order !== undefined && (kind === null || order.kind === kind);
      };
      const meant = found.value.filter(isMeant);
      orders.takeBack(meant, by);
      if (meant.length > 0) changed();
      const servers = found.value.map((one): ServerOrderOutcome => {
        const order = before.get(one.key) ?? null;
        const status = statusOf(seen, one);
        const common = { ...outcome(one, status), order, replaced: null };
        if (isMeant(one))
          return { ...common, done: 'taken-back', detail: `taken back by ${by}`, notes: waiting(status) };
        return { ...common, done: 'nothing', detail: nothingToTakeBack(order, one.server), notes: [] };
      });
      return ok({ servers });
    },
  };
}

const outcome = (
  { service, server, address }: Found,
  status: ServerStatus | undefined,
): Pick<ServerOrderOutcome, 'service' | 'server' | 'address' | 'connections'> => ({
  ...{ service, server, address },
  connections: status?.connections ?? null,
});

const TAKES_BACK: Readonly<Record<ServerOrder['kind'], (server: string) => string>> = {
  drain: (server) => `undrain ${server}`,
  disable: (server) => `enable ${server}`,
  weight: (server) => `weight ${server} --cancel`,
};

const nothingToTakeBack = (order: ServerOrder | null, server: string): string =>
  order === null
    ? 'there is no such order to take back'
    : `it is ${ordered(order)} by ${order.by}, which \`lvskeeper ${TAKES_BACK[order.kind](server)}\` takes back`;

export const NO_ANSWER = 'the checker process does not answer, and is told as soon as it does';

/** What is said where nobody else takes the traffic of a server that is taken out. */
export function emptied(seen: readonly ServiceStatus[] | undefined, one: Found, all: readonly Found[]): string[] {
  const service = seen?.find(({ name }) => name === one.service);
  const takes = (server: ServerStatus): boolean =>
    server.state === 'up' &&
    !isOut(server.order) &&
    !all.some(({ service: of, address }) => of === one.service && address === server.address);
  if (service === undefined || service.servers.some(takes)) return [];
  return [`${one.service} has no other server that is up`];
}

/** What is said of a server that gets no traffic all the same. */
const waiting = (status: ServerStatus | undefined): string[] =>
  status === undefined || status.state === 'up' ? [] : [`it is ${status.state}: this counts from when it is up`];

/** What keeps connections on a drained server longer than one would think. */
function lasting({ protocol, ops, persistence }: ServiceConfig, templatesExpire: boolean): string[] {
  const notes: string[] = [];
  if (protocol === 'udp' && !ops)
    notes.push(
      'UDP says no goodbye: a connection counts, and its client stays, until nothing has come for the timeout ' +
        '(`ipvsadm -L --timeout`, 300 s by default)',
    );
  if (persistence === null) return notes;
  const within = formatDuration(persistence);
  const known = templatesExpire
    ? `known clients go elsewhere with their next connection, and what is kept of them counts for up to ${within}`
    : `known clients still come back, for up to ${within} after their last connection ` +
      '(not so with expire_quiescent_template = true in [ipvs.sysctl])';
  return [...notes, `the service is persistent: ${known}`];
}

export function statusOf(seen: readonly ServiceStatus[] | undefined, one: Orderable): ServerStatus | undefined {
  const service = seen?.find(({ name }) => name === one.service);
  return service?.servers.find(({ address }) => address === one.address);
}
