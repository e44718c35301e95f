/** Which services and servers of the running config an operator's words mean, and what is said where they mean none. */

import { formatEndpoint, parseEndpoint, parseIp } from '../base/address.ts';
import { nearest } from '../base/nearest.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ServerConfig, ServiceConfig } from '../config/config.ts';
import { describeServer } from '../config/service-words.ts';
import type { OrderRefusal, ServerTarget } from '../control/director.ts';
import { serverName } from '../control/render.ts';
import { type Orderable, orderable } from './server-orders.ts';

export type Found = Orderable & { readonly config: ServiceConfig; readonly entry: ServerConfig };

export const foundIn = (config: ServiceConfig, entry: ServerConfig): Found => ({
  ...orderable(config, entry),
  config,
  entry,
});

/** The service of that name. */
export function serviceCalled(services: readonly ServiceConfig[], name: string): Result<ServiceConfig, OrderRefusal> {
  if (services.length === 0) return err(NO_SERVICES);
  const service = services.find((one) => one.name === name);
  return service === undefined ? err(noSuchService(services, name)) : ok(service);
}

const noSuchService = (services: readonly ServiceConfig[], name: string): OrderRefusal =>
  unknown('no-such-service', `there is no service ${name}`, name, namesOf(services));

/** The servers that are meant, in the order of the config. */
export function serversCalled(
  services: readonly ServiceConfig[],
  { server, service }: ServerTarget,
): Result<readonly Found[], OrderRefusal> {
  if (services.length === 0) return err(NO_SERVICES);
  const among = services.filter(({ name }) => service === null || name === service);
  if (service !== null && among.length === 0) return err(noSuchService(services, service));
  const found = among.flatMap((config) =>
    config.servers.filter((one) => isCalled(config, one, server)).map((one) => foundIn(config, one)),
  );
  if (found.length > 0) return ok(found);
  const where = service === null ? '' : ` in ${service}`;
  const all = among.flatMap((config) => config.servers.map((one) => ({ ...orderable(config, one), at: one.address })));
  const names = new Set(all.map(serverName));
  const words = all.flatMap(({ server: name, address, at }) => [name, at.address, address]);
  return err(unknown('no-such-server', `there is no server ${server}${where}`, server, [...names], words));
}

/** By its name, or by its address with or without the port. */
export function isCalled(
  service: ServiceConfig,
  server: Pick<ServerConfig, 'name' | 'address'>,
  word: string,
): boolean {
  if (server.name === word || parseIp(word) === server.address.address) return true;
  const endpoint = parseEndpoint(word);
  return endpoint !== undefined && formatEndpoint(endpoint) === describeServer(service, server.address);
}

const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

/** How many names an answer lists. */
const LISTED = 20;

/** `words`: by which they are known. */
function unknown(
  error: OrderRefusal['error'],
  what: string,
  word: string,
  names: readonly string[],
  words: readonly string[] = names,
): OrderRefusal {
  const near = nearest(word, words);
  const more = names.length > LISTED ? `, and ${names.length - LISTED} more` : '';
  return {
    error,
    what: near === undefined ? what : `${what}, did you mean ${near}?`,
    todo: `There are: ${names.slice(0, LISTED).join(', ')}${more}.`,
  };
}

const NO_SERVICES: OrderRefusal = {
  error: 'no-services',
  what: 'this director has no service',
  todo: 'The running config has no [[service]].',
};
