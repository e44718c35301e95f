/** Connections that go with a virtual address: no line of the IPVS table tells them, since the table stays. */

import { parseEndpoint } from '../base/address.ts';
import type { PlannedChange } from '../control/director.ts';
import { connections } from '../ipvs/leaving.ts';
import type { Table } from '../ipvs/table.ts';

/** Live connections by the service of the kernel; without those that have none. */
export type LiveConnections = ReadonlyMap<string, number>;

export function liveConnections(table: Table): LiveConnections {
  const live = new Map<string, number>();
  for (const [key, { destinations }] of table) {
    const sum = destinations.reduce((n, destination) => n + connections(destination), 0);
    if (sum > 0) live.set(key, sum);
  }
  return live;
}

/** `changes`, with what breaks as an address goes on the line of the address: each connection counts once. */
export function withAddressBreaks(changes: readonly PlannedChange[], live: LiveConnections): readonly PlannedChange[] {
  const rest = new Map(live);
  for (const { service, breaks } of changes)
    if (service !== undefined) rest.set(service, Math.max(0, (rest.get(service) ?? 0) - breaks));
  const left = Map.groupBy(rest, ([key]) => addressOf(key));
  const gone = new Set<string>();
  const counted = changes.map((change) => {
    const { address } = change;
    if (address === undefined || gone.has(address)) return change;
    gone.add(address);
    return { ...change, breaks: change.breaks + (left.get(address) ?? []).reduce((sum, [, n]) => sum + n, 0) };
  });
  // What breaks does not drain.
  return counted.map((change) =>
    change.drains > 0 && gone.has(addressOf(change.service ?? '') ?? '') ? { ...change, drains: 0 } : change,
  );
}

/** `192.0.2.10` of `tcp 192.0.2.10:80`; none of a mark, whose addresses netfilter alone knows. */
const addressOf = (service: string): string | undefined => parseEndpoint(service.split(' ')[1] ?? '')?.address;
