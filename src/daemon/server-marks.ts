/** Marks in the status which servers are not as the file says: the checker process knows only what is to run. */

import type { ServerChange } from '../config/server-changes.ts';
import type { ChangeMark, ServiceStatus } from '../control/status.ts';

/** `addressOf`: the server's address as the status has it. */
export function marked(
  services: readonly ServiceStatus[],
  changes: readonly ServerChange[],
  addressOf: (change: ServerChange) => string,
): readonly ServiceStatus[] {
  if (changes.length === 0) return services;
  const of = Map.groupBy(changes, ({ service }) => service);
  return services.map((service) => {
    const own = of.get(service.name);
    if (own === undefined) return service;
    const added = new Map(own.filter(({ what }) => what === 'added').map((change) => [addressOf(change), change]));
    return {
      ...service,
      servers: service.servers.map((server) => ({ ...server, added: markOf(added.get(server.address)) })),
      removed: own
        .filter(({ what }) => what === 'removed')
        .map((change) => ({ name: change.server.name, address: addressOf(change), ...mark(change) })),
    };
  });
}

const mark = ({ by, reason, since }: ServerChange): ChangeMark => ({ by, reason, since });
const markOf = (change: ServerChange | undefined): ChangeMark | null => (change === undefined ? null : mark(change));
