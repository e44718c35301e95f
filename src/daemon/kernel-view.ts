/** What the kernel's table, as it was read, has of the servers of a configured service. */

import { endpointFor, idsOf, type ServerDefinition, type ServiceDefinition } from '../ipvs/desired.ts';
import { type Destination, memberKey, serviceKey, sumCounts, type Table } from '../ipvs/table.ts';

/** The kernel's destinations by service and address; made once for each table read. */
const indexes = new WeakMap<Table, ReadonlyMap<string, Destination>>();

function indexOf(kernel: Table): ReadonlyMap<string, Destination> {
  let index = indexes.get(kernel);
  if (index === undefined) {
    const entries = [...kernel].flatMap(([key, { destinations }]) =>
      destinations.map((d) => [memberKey(key, d), d] as const),
    );
    index = new Map(entries);
    indexes.set(kernel, index);
  }
  return index;
}

/** A server as the kernel has it in all that the service is there: the weight of the first, the connections of all. */
export function destinationIn(
  kernel: Table,
  service: ServiceDefinition,
  server: Pick<ServerDefinition, 'address'>,
): Pick<Destination, 'weight' | 'counts'> | undefined {
  if (kernel.size === 0) return undefined;
  const index = indexOf(kernel);
  const all = idsOf(service).flatMap(
    (id) => index.get(memberKey(serviceKey(id), { address: endpointFor(id, server) })) ?? [],
  );
  const [first] = all;
  if (first === undefined || all.length === 1) return first;
  return { weight: first.weight, ...(first.counts !== undefined && { counts: sumCounts(all) }) };
}
