/** The table that the kernel should hold: the services as configured, each server with the weight it has earned. */

import { type Endpoint, type Family, familyOf, type IpAddress } from '../base/address.ts';
import type { Duration } from '../base/time.ts';
import {
  type Destination,
  type Forward,
  flagBits,
  type Protocol,
  type Service,
  type ServiceFlag,
  type ServiceId,
  serviceKey,
  type Table,
  type Tunnel,
  tableOf,
} from './table.ts';

/** An address with its ports, from `port` to `lastPort`. Port 0 is every port. */
export type PortRange = { readonly address: IpAddress; readonly port: number; readonly lastPort: number };

/** What of a server the kernel is told. */
export type ServerDefinition = {
  /** Port 0: that of the service. */
  readonly address: Endpoint;
  /** `null`: as the service says. */
  readonly forward: Forward | null;
  readonly tunnel: Tunnel | null;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
};

/** What of a configured service the kernel is told. Each port of each range, and each mark, is a service to the kernel. */
export type ServiceDefinition<Server extends ServerDefinition = ServerDefinition> = {
  readonly protocol: Protocol;
  readonly addresses: readonly PortRange[];
  readonly fwmarks: readonly number[];
  /** `null`: that of the first server. */
  readonly fwmarkFamily: 'ipv4' | 'ipv6' | null;
  readonly forward: Forward;
  readonly tunnel: Tunnel | null;
  readonly scheduler: string;
  readonly flags: readonly ServiceFlag[];
  /** Every packet is scheduled by itself. */
  readonly ops: boolean;
  /** Whole seconds; `null`: not persistent. */
  readonly persistence: Duration | null;
  /** Prefix lengths. */
  readonly persistenceGranularity: number;
  readonly persistenceGranularityIpv6: number;
  readonly persistenceEngine: string | null;
  readonly servers: readonly Server[];
};

/** 0 to 65535, 0 for no new connections; or not in the table at all. */
export type Weight = number | 'absent';

/** `weightOf` is asked once for each server of each service. */
export function desired<S extends ServiceDefinition>(
  services: readonly S[],
  weightOf: (service: S, server: S['servers'][number]) => Weight,
): Table {
  return tableOf(services.flatMap((service) => servicesFrom(service, (server) => weightOf(service, server))));
}

const known = new WeakMap<Pick<ServiceDefinition, 'addresses'>, readonly ServiceId[]>();

/** The services of the kernel that a configured one is made of, in the order of the config. */
export function idsOf(service: ServiceDefinition): readonly ServiceId[] {
  let ids = known.get(service);
  if (ids === undefined) {
    const { protocol, addresses, fwmarks } = service;
    const family = familyOfMarks(service);
    ids = [
      ...addresses.flatMap(({ address, port, lastPort }) =>
        Array.from({ length: lastPort - port + 1 }, (_, i) => ({ protocol, address: { address, port: port + i } })),
      ),
      ...fwmarks.map((fwmark) => ({ fwmark, family })),
    ];
    known.set(service, ids);
  }
  return ids;
}

const knownKeys = new WeakMap<readonly ServiceId[], readonly string[]>();

/** The keys of `idsOf`, in the same order. */
export function keysOf(service: ServiceDefinition): readonly string[] {
  const ids = idsOf(service);
  let keys = knownKeys.get(ids);
  if (keys === undefined) {
    keys = ids.map(serviceKey);
    knownKeys.set(ids, keys);
  }
  return keys;
}

/** The family of the service's marked packets. */
export function familyOfMarks({ fwmarkFamily, servers }: Pick<ServiceDefinition, 'fwmarkFamily' | 'servers'>): Family {
  if (fwmarkFamily !== null) return fwmarkFamily === 'ipv6' ? 6 : 4;
  const first = servers[0];
  return first === undefined ? 4 : familyOf(first.address.address);
}

/** Where packets for a service go: a server without a port has that of the service. */
export function endpointFor(id: ServiceId, { address }: Pick<ServerDefinition, 'address'>): Endpoint {
  if (address.port !== 0 || id.fwmark !== undefined) return address;
  return { address: address.address, port: id.address.port };
}

function servicesFrom<S extends ServiceDefinition>(
  service: S,
  weightOf: (server: S['servers'][number]) => Weight,
): Service[] {
  const { scheduler, persistence, servers } = service;
  const placed = servers.flatMap((server) => {
    const weight = weightOf(server);
    return weight === 'absent' ? [] : [{ server, weight }];
  });
  const common = {
    scheduler,
    persistence: persistence === null ? null : Math.round(persistence / 1000),
    engine: service.persistenceEngine,
    flags: flagBits(scheduler, service.flags, service.ops) ?? 0,
  };
  return idsOf(service).map((id) => {
    const family = id.fwmark === undefined ? familyOf(id.address.address) : id.family;
    return {
      id,
      ...common,
      granularity: family === 4 ? service.persistenceGranularity : service.persistenceGranularityIpv6,
      destinations: placed.map(({ server, weight }) => destinationFrom(service, id, server, weight)),
    };
  });
}

export const IPIP: Tunnel = { type: 'ipip', port: 0, checksum: 'none' };

function destinationFrom(
  service: ServiceDefinition,
  id: ServiceId,
  server: ServerDefinition,
  weight: number,
): Destination {
  const forward = server.forward ?? service.forward;
  const { upperThreshold, lowerThreshold } = server;
  const tunnel = forward === 'tun' ? (server.tunnel ?? service.tunnel ?? IPIP) : null;
  return { address: endpointFor(id, server), forward, weight, upperThreshold, lowerThreshold, tunnel };
}
