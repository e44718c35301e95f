/** The table that the kernel should hold: the services as configured, each server with the weight it has earned. */

import type { Endpoint } from '../base/address.ts';
import type { Duration } from '../base/time.ts';
import { type Destination, type Forward, type Protocol, type Service, type Table, tableOf } from './table.ts';

/** What of a configured service the kernel is told. */
export type ServiceDefinition<Server extends { readonly address: Endpoint } = { readonly address: Endpoint }> = {
  readonly protocol: Protocol;
  readonly address: Endpoint;
  readonly forward: Forward;
  readonly scheduler: string;
  /** Whole seconds; `null`: not persistent. */
  readonly persistence: Duration | null;
  readonly servers: readonly Server[];
};

/** 0 to 65535, 0 for no new connections; or not in the table at all. */
export type Weight = number | 'absent';

/** `weightOf` is asked once for each server of each service. */
export function desired<S extends ServiceDefinition>(
  services: readonly S[],
  weightOf: (service: S, server: S['servers'][number]) => Weight,
): Table {
  return tableOf(services.map((service) => serviceFrom(service, (server) => weightOf(service, server))));
}

function serviceFrom<S extends ServiceDefinition>(
  { protocol, address, forward, scheduler, persistence, servers }: S,
  weightOf: (server: S['servers'][number]) => Weight,
): Service {
  const destinations: Destination[] = [];
  for (const server of servers) {
    const weight = weightOf(server);
    if (weight === 'absent') continue;
    destinations.push({ address: server.address, forward, weight, upperThreshold: 0, lowerThreshold: 0 });
  }
  return {
    id: { protocol, address },
    scheduler,
    persistence: persistence === null ? null : Math.round(persistence / 1000),
    flags: 0,
    destinations,
  };
}
