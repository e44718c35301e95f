/**
 * Services of ours by which a check reaches one real server as clients do: a firewall mark for each way to a server, with that
 * server alone behind it. A probe to a virtual address that bears the mark goes to that server, forwarded as its service says,
 * whatever the scheduler of the service, the weight of the server, and the role of this director.
 *
 * The way is the server's alone: all virtual addresses and ports of one family share its mark, since the kernel leaves the
 * port as it is where the destination has none (ip_vs_schedule). Which mark is whose can be told from the kernel's table, so
 * it outlives the process without being written down.
 */

import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import {
  type Destination,
  flagBits,
  type Service,
  type ServiceId,
  serviceKey,
  type Table,
  type Tunnel,
} from './table.ts';

/** How packets for virtual addresses of one family get to a server that answers to clients itself. */
export type Path = {
  readonly family: Family;
  readonly server: IpAddress;
  readonly forward: 'dr' | 'tun';
  /** Of `tun`. */
  readonly tunnel: Tunnel | null;
};

/** How many marks there are, from the first of them on. */
export const PROBE_MARKS = 65_536;

/** Marks by `pathKey`. */
export type Marks = ReadonlyMap<string, number>;

export function pathKey({ family, server, forward, tunnel }: Path): string {
  const by = tunnel === null ? '' : ` ${tunnel.type} ${tunnel.port} ${tunnel.checksum}`;
  return `${family} ${server} ${forward}${by}`;
}

/** Whether a service is one of these, or in the place of one. `first`: the first mark. */
export const isProbeService = ({ fwmark }: ServiceId, first: number): boolean =>
  fwmark !== undefined && isInRange(fwmark, first);

/**
 * A mark for each path, each its own, from `first` on. A path keeps the one that it had `before`, or else the one that the
 * kernel's table says it has. A service of that mark that is not ours keeps it. Where no mark is left, a path has none.
 */
export function assignMarks(
  paths: Iterable<Path>,
  first: number,
  { before, actual, owned }: { readonly before: Marks; readonly actual: Table; readonly owned: ReadonlySet<string> },
): Marks {
  const keys = [...new Set([...paths].map(pathKey))];
  const theirs = new Set([...actual].flatMap(([key, { id }]) => (owned.has(key) ? [] : (id.fwmark ?? []))));
  const marks = new Map<string, number>();
  const taken = new Set(theirs);
  for (const known of [before, marksIn(actual, first, owned)])
    for (const key of keys) {
      const mark = known.get(key);
      if (mark === undefined || marks.has(key) || taken.has(mark) || !isInRange(mark, first)) continue;
      marks.set(key, mark);
      taken.add(mark);
    }
  // Not those either whose services are about to go: a probe may still be on its way by them.
  for (const { id } of actual.values()) if (id.fwmark !== undefined) taken.add(id.fwmark);
  let next = first;
  for (const key of keys) {
    if (marks.has(key)) continue;
    while (taken.has(next)) next += 1;
    if (!isInRange(next, first)) break;
    marks.set(key, next);
    next += 1;
  }
  return marks;
}

const isInRange = (mark: number, first: number): boolean => first <= mark && mark < first + PROBE_MARKS;

/** Which marks the table says that paths have. */
function marksIn(table: Table, first: number, owned: ReadonlySet<string>): Marks {
  const marks = new Map<string, number>();
  for (const [key, { id, destinations }] of table) {
    if (id.fwmark === undefined || !isProbeService(id, first) || !owned.has(key)) continue;
    const [only, ...more] = destinations;
    const path = only && more.length === 0 ? pathTo(id.family, only) : undefined;
    if (path !== undefined) marks.set(pathKey(path), id.fwmark);
  }
  return marks;
}

function pathTo(family: Family, { address, forward, tunnel }: Destination): Path | undefined {
  if (address.port !== 0 || (forward !== 'dr' && forward !== 'tun')) return undefined;
  return { family, server: address.address, forward, tunnel };
}

/** What the kernel is to have for these paths. Those without a mark have none. */
export function probeServices(paths: Iterable<Path>, marks: Marks): Table {
  const table = new Map<string, Service>();
  for (const path of paths) {
    const fwmark = marks.get(pathKey(path));
    if (fwmark === undefined) continue;
    const service = serviceOf(path, fwmark);
    table.set(serviceKey(service.id), service);
  }
  return table;
}

/** One-packet scheduling is of UDP alone, whose connections would else stay for minutes after each probe. */
const FLAGS = flagBits('rr', [], true) ?? 0;

function serviceOf({ family, server, forward, tunnel }: Path, fwmark: number): Service {
  const address = { address: server, port: 0 };
  return {
    id: { fwmark, family },
    scheduler: 'rr',
    ...{ persistence: null, granularity: family === 4 ? 32 : 128, engine: null, flags: FLAGS },
    destinations: [{ address, forward, weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnel }],
  };
}

/** The other family's servers are reached by a tunnel alone (ip_vs_add_dest). */
export const canReach = ({ family, server, forward }: Path): boolean =>
  forward === 'tun' || familyOf(server) === family;
