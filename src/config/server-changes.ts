/**
 * The servers that an operator has added and removed at run time, laid over the services of the file. What results obeys the
 * rules of the file, with the file's own words. The file wins: a change that it says itself by now, or that it contradicts,
 * ceases to be one, and never hinders a reload.
 */

import { formatEndpoint } from '../base/address.ts';
import { inFile, type Reading, writeTable } from '../base/option.ts';
import { countIn } from '../base/option-kinds.ts';
import { familyOfMarks } from '../ipvs/desired.ts';
import type { Issue, ServerConfig, ServiceConfig } from './config.ts';
import { SERVERS_OF_A_SERVICE } from './options.ts';
import { SERVER } from './options-service.ts';
import type { Rules } from './rules.ts';
import { checkServices } from './rules-service.ts';
import { sayChange } from './say-change.ts';
import { describeServer } from './service-words.ts';

type Terms = {
  readonly by: string;
  readonly reason: string;
  /** RFC 3339. */
  readonly since: string;
};
/** `service`: its name. A server is its address: another name is the same server. */
export type ServerChange = Terms & { readonly service: string } & (
    | { readonly what: 'added'; readonly server: ServerConfig }
    | { readonly what: 'removed'; readonly server: Pick<ServerConfig, 'name' | 'address'> }
  );

export type Overlay = {
  /** Those without a change are the very ones of the file. */
  readonly services: readonly ServiceConfig[];
  /** In the order given. */
  readonly inForce: readonly ServerChange[];
  readonly ceased: readonly { readonly change: ServerChange; readonly why: string }[];
};

/** Lays `changes` over `services`. What is in force, laid over the same services again, is all in force again. */
export function overlay(services: readonly ServiceConfig[], changes: readonly ServerChange[]): Overlay {
  if (changes.length === 0) return { services, inForce: changes, ceased: [] };
  const of = Map.groupBy(changes, ({ service }) => service);
  const why = new Map<ServerChange, string>();
  const there = new Set(services.map(({ name }) => name));
  for (const change of changes) if (!there.has(change.service)) why.set(change, sayChange.noService());
  return {
    services: services.map((service) => {
      const own = of.get(service.name);
      return own === undefined ? service : settle(service, own, why);
    }),
    inForce: changes.filter((change) => !why.has(change)),
    ceased: changes.flatMap((change) => {
      const reason = why.get(change);
      return reason === undefined ? [] : [{ change, why: reason }];
    }),
  };
}

/** The service with its changes; `why` gets those that cease. */
function settle(
  service: ServiceConfig,
  changes: readonly ServerChange[],
  why: Map<ServerChange, string>,
): ServiceConfig {
  const wanted: ServerChange[] = [];
  for (const change of changes) {
    const said = saidByFile(service, change);
    if (said === undefined) wanted.push(change);
    else why.set(change, said);
  }
  const whole = withChanges(service, wanted);
  return isWrong(faults(service, whole)) ? withChanges(service, compatible(service, wanted, why)) : whole;
}

/** As many of the changes as the file allows, the earlier ones first: one may be what makes an earlier one possible. */
function compatible(
  service: ServiceConfig,
  wanted: readonly ServerChange[],
  why: Map<ServerChange, string>,
): readonly ServerChange[] {
  let held: readonly ServerChange[] = [];
  // Halved until what is wrong stands alone: one among thousands costs no look at each of them.
  const take = (some: readonly ServerChange[]): void => {
    const wrong = faults(service, withChanges(service, [...held, ...some])).find(isError);
    if (wrong === undefined) {
      held = [...held, ...some];
      for (const change of some) why.delete(change);
      return;
    }
    const half = some.length >> 1;
    if (half === 0) for (const change of some) why.set(change, sayChange.contradicts(wrong.message));
    else for (const part of [some.slice(0, half), some.slice(half)]) take(part);
  };
  for (let before = -1; held.length > before && held.length < wanted.length; ) {
    before = held.length;
    const there = new Set(held);
    take(wanted.filter((change) => !there.has(change)));
  }
  return held;
}

/** What makes the change needless: the file says the same, or has the last word. */
function saidByFile(service: ServiceConfig, change: ServerChange): string | undefined {
  const own = serverAt(service, change.server);
  if (change.what === 'removed') return own === undefined ? sayChange.goneFromFile() : undefined;
  if (own === undefined) return undefined;
  return sameSettings(own, change.server) ? sayChange.inFile() : sayChange.otherwiseInFile();
}

/** Its server at that address; one without a port is the one with the port of the service. */
export function serverAt(service: ServiceConfig, { address }: Pick<ServerConfig, 'address'>): ServerConfig | undefined {
  const key = describeServer(service, address);
  return service.servers.find((server) => describeServer(service, server.address) === key);
}

/** Whatever they are called. */
function sameSettings(a: ServerConfig, b: ServerConfig): boolean {
  const written = (server: ServerConfig): string =>
    JSON.stringify(writeTable(SERVER, { ...server, name: '', address: a.address }));
  return written(a) === written(b);
}

/** The service with these changes, whatever becomes of it; without any the very same. */
export function withChanges(service: ServiceConfig, changes: readonly ServerChange[]): ServiceConfig {
  if (changes.length === 0) return service;
  const key = ({ address }: Pick<ServerConfig, 'address'>): string => describeServer(service, address);
  const removed = new Set(changes.flatMap(({ what, server }) => (what === 'removed' ? [key(server)] : [])));
  const kept = service.servers.filter((server) => !removed.has(key(server)));
  return { ...service, servers: [...kept, ...changes.flatMap((c) => (c.what === 'added' ? [c.server] : []))] };
}

const isError = ({ severity }: Issue): boolean => severity === 'error';
export const isWrong = (issues: readonly Issue[]): boolean => issues.some(isError);

/** What the file would be told of the servers of `after` that it is not told of those of `before`; each at no place. */
export function faults(before: ServiceConfig, after: ServiceConfig): readonly Issue[] {
  if (before === after) return [];
  const known = new Set(judge(before).map(({ message }) => message));
  const found = judge(after).filter(({ message }) => !known.has(message));
  const family = familyOfMarks(after);
  if (after.fwmarks.length > 0 && family !== familyOfMarks(before))
    found.unshift(issue('error', sayChange.marksMove(family)));
  return found;
}

const issue = (severity: Issue['severity'], message: string): Issue => ({ severity, line: 0, column: 0, message });

function judge(service: ServiceConfig): Issue[] {
  const found: Issue[] = [];
  const rules: Rules = {
    error: (_, message) => found.push(issue('error', message)),
    warn: (_, message) => found.push(issue('warning', message)),
    facts: {},
    places: new WeakMap(),
    line: () => 0,
    sound: true,
  };
  // Among so many no other rule need be asked; and what is twice is told here, where there are no lines to speak of.
  countServers(service, rules);
  if (found.length === 0) checkTwice(service, rules);
  if (found.length === 0) checkServices([service], false, new Set(), rules);
  return found;
}

function countServers({ servers, discovery }: ServiceConfig, reading: Reading): void {
  const { most } = SERVERS_OF_A_SERVICE;
  const least = discovery.length > 0 ? 0 : SERVERS_OF_A_SERVICE.least;
  countIn(inFile([], 0), servers.length, 'server', least, most, reading);
}

function checkTwice(service: ServiceConfig, rules: Rules): void {
  const names = new Set<string>();
  const addresses = new Set<string>();
  const sorry = new Set(service.sorryServers.map((address) => describeServer(service, address)));
  for (const { name, address } of service.servers) {
    const key = describeServer(service, address);
    if (names.has(name)) rules.error(-1, sayChange.nameTaken(name));
    if (addresses.has(key)) rules.error(-1, sayChange.addressTaken(key));
    if (sorry.has(key)) rules.error(-1, sayChange.isSorry(formatEndpoint(address)));
    names.add(name);
    addresses.add(key);
  }
}
