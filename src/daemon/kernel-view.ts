/** What the kernel's table, as it was read, has of the servers of a configured service. */

import { endpointFor, idsOf, keysOf, type ServerDefinition, type ServiceDefinition } from '../ipvs/desired.ts';
import { type Destination, destinationKey, type Service, sumCounts, type Table } from '../ipvs/table.ts';

type Seen = Pick<Destination, 'weight' | 'counts'>;

/** The destinations of a service of the kernel by address; made once for each time that it was read. */
const indexes = new WeakMap<Service, ReadonlyMap<string, Destination>>();

function indexOf(service: Service): ReadonlyMap<string, Destination> {
  let index = indexes.get(service);
  if (index === undefined) {
    index = new Map(service.destinations.map((destination) => [destinationKey(destination), destination]));
    indexes.set(service, index);
  }
  return index;
}

/** A server as the kernel has it in all that the service is there: the weight of the first, the connections of all. */
export function destinationIn(
  kernel: Table,
  service: ServiceDefinition,
  server: Pick<ServerDefinition, 'address'>,
): Seen | undefined {
  if (kernel.size === 0) return undefined;
  const keys = keysOf(service);
  const all: Destination[] = [];
  for (const [i, id] of idsOf(service).entries()) {
    const there = kernel.get(keys[i] as string);
    const found = there && indexOf(there).get(destinationKey({ address: endpointFor(id, server) }));
    if (found !== undefined) all.push(found);
  }
  const [first] = all;
  if (first === undefined || all.length === 1) return first;
  return { weight: first.weight, ...(first.counts !== undefined && { counts: sumCounts(all) }) };
}
