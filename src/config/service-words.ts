/** What is said of a service, and of its servers, in words and in numbers that several layers need. */

import { type Endpoint, formatEndpoint } from '../base/address.ts';
import type { PortRange } from '../ipvs/desired.ts';
import type { ServiceConfig } from './config.ts';
import { writePortRange, writeServerAddress } from './options-service.ts';

/** The port of clients, and so that of servers without one, where it is the same for all addresses; `undefined`: it is not. */
export function commonPort({ addresses }: { readonly addresses?: readonly PortRange[] }): number | undefined {
  const [first, ...others] = addresses ?? [];
  if (first === undefined || first.port === 0 || first.port !== first.lastPort) return undefined;
  return others.every(({ port, lastPort }) => port === first.port && lastPort === port) ? first.port : undefined;
}

/** `192.0.2.10:80`, `192.0.2.10:80, [2001:db8::10]:80`, `192.0.2.10:80 and 7 more`, `fwmark 7`. */
export function describeListeners({ addresses, fwmarks }: Pick<ServiceConfig, 'addresses' | 'fwmarks'>): string {
  const all = [...addresses.map(writePortRange), ...fwmarks.map((mark) => `fwmark ${mark}`)];
  return all.length <= 2 ? all.join(', ') : `${all[0]} and ${all.length - 1} more`;
}

/** `10.0.0.21:80`, with the port of the service where the server has none and that is one. */
export function describeServer(service: Pick<ServiceConfig, 'addresses'>, { address, port }: Endpoint): string {
  const known = port === 0 ? commonPort(service) : port;
  return known === undefined ? writeServerAddress({ address, port }) : formatEndpoint({ address, port: known });
}

/** Where a server is probed: at the port of the check, or else at its own, or else at that of the service. ICMP has none: 0. */
export function probedAt(
  service: Pick<ServiceConfig, 'addresses'>,
  check: { readonly type?: string; readonly port: number | null },
  { address, port }: Endpoint,
): Endpoint {
  if (check.type === 'ping') return { address, port: 0 };
  const own = port === 0 ? commonPort(service) : port;
  // A service where neither is known is refused by the rules of [service.check].
  return { address, port: check.port ?? own ?? 0 };
}
