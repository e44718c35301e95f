/**
 * Which way the probes of a check go to a server: directly, or through IPVS to the virtual addresses of its service, as those
 * of clients do.
 */

import { type Endpoint, familyOf, type IpAddress } from '../base/address.ts';
import { IPIP, type ServerDefinition, type ServiceDefinition } from '../ipvs/desired.ts';
import { canReach, type Path } from '../ipvs/probe-services.ts';
import type { Protocol } from '../ipvs/table.ts';
import type { CheckConfig, Via } from './config.ts';

/** The protocols of services that clients of each kind of check speak. Others connect to no address of a service. */
const SPEAKS: Readonly<Partial<Record<string, readonly Protocol[]>>> = {
  tcp: ['tcp'],
  http: ['tcp'],
  https: ['tcp'],
  smtp: ['tcp'],
  grpc: ['tcp'],
  dns: ['tcp', 'udp'],
  udp: ['udp'],
};

/** Whether a kind of check connects to an address and port, which can be a virtual one. */
export const canGoThrough = (type: string): boolean => SPEAKS[type] !== undefined;

type Checked = Pick<ServiceDefinition, 'protocol' | 'addresses' | 'forward' | 'tunnel'>;
type Checking = Pick<CheckConfig, 'type' | 'via'>;
type Server = Pick<ServerDefinition, 'address' | 'forward' | 'tunnel'>;

/**
 * As the check says; or else both ways, where answers do not come back by the director and the probed `port` is one that clients
 * of the service use; or else directly.
 */
export function viaOf(service: Checked, check: Checking, server: Server, port: number): Via {
  if (check.via !== null) return check.via;
  const answersItself = (server.forward ?? service.forward) !== 'nat';
  const ofClients = SPEAKS[check.type]?.includes(service.protocol) && service.addresses.some(has(port));
  return answersItself && ofClients ? 'both' : 'direct';
}

const has =
  (wanted: number) =>
  ({ port, lastPort }: { readonly port: number; readonly lastPort: number }): boolean =>
    port === 0 || (port <= wanted && wanted <= lastPort);

/** A virtual address with the port that is probed there, and the way from it to the server. */
export type Way = { readonly to: Endpoint; readonly path: Path };

/** The ways to a server through IPVS, one from each virtual address of its service. */
export function waysTo(service: Checked, server: Server, port: number): readonly Way[] {
  const forward = server.forward ?? service.forward;
  if (forward === 'nat') return [];
  const tunnel = forward === 'tun' ? (server.tunnel ?? service.tunnel ?? IPIP) : null;
  const addresses = new Set<IpAddress>(service.addresses.map(({ address }) => address));
  return [...addresses]
    .map((address): Way => {
      const path: Path = { family: familyOf(address), server: server.address.address, forward, tunnel };
      return { to: { address, port }, path };
    })
    .filter(({ path }) => canReach(path));
}
