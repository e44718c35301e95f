/** What a master holds in the kernel, as values: addresses, routes and rules, and the same as text, in ip(8)'s own words. */

import {
  type Family,
  familyOf,
  formatPrefix,
  type IpAddress,
  inPrefix,
  type Prefix,
  parseIp,
  parsePrefix,
} from '../base/address.ts';
import type { RouteConfig, RuleConfig, VirtualAddress, VrrpConfig } from '../config/config.ts';

export type HeldAddress = {
  readonly kind: 'address';
  /** The device it is on: an interface, or the macvlan with the virtual MAC. */
  readonly interface: string;
  readonly prefix: Prefix;
  readonly peer: IpAddress | null;
};
export type HeldRoute = Omit<RouteConfig, 'interface'> & { readonly kind: 'route'; readonly interface: string };
export type HeldRule = RuleConfig & { readonly kind: 'rule'; readonly family: Family };
export type Held = HeldAddress | HeldRoute | HeldRule;

/** `address 192.0.2.10/24 dev eth0`, `route 203.0.113.0/24 via 192.0.2.1 dev eth0 table 254`, `rule inet from … table …`. */
export function formatHeld(held: Held): string {
  const { kind, interface: dev } = held;
  if (kind === 'address') return say({ address: held.prefix, peer: held.peer, dev });
  if (kind === 'route') {
    const { to, via, source, table, metric } = held;
    return say({ route: to, via, dev, src: source, table, metric });
  }
  const { from, to, fwmark, table, priority } = held;
  return say({ rule: held.family === 4 ? 'inet' : 'inet6', from, to, fwmark, iif: dev, table, priority });
}

/** Each that is there, as `name value`. */
function say(words: { readonly [name: string]: Prefix | string | number | null }): string {
  const text = (value: Prefix | string | number): string | number =>
    typeof value === 'object' ? formatPrefix(value) : value;
  return Object.entries(words)
    .flatMap(([name, value]) => (value === null ? [] : [`${name} ${text(value)}`]))
    .join(' ');
}

/** Reads what `formatHeld` writes; `undefined`: anything else. */
export function parseHeld(text: string): Held | undefined {
  const [kind, head = '', ...rest] = text.split(' ');
  const words = new Map<string, string>();
  for (let i = 0; i < rest.length; i += 2) words.set(rest[i] as string, rest[i + 1] ?? '');
  const held = readers.get(kind)?.(head, words);
  // What does not come out again as it went in has something that was not understood.
  return held !== undefined && formatHeld(held) === text ? held : undefined;
}

type Words = ReadonlyMap<string, string>;
const readers = new Map<string | undefined, (head: string, words: Words) => Held | undefined>([
  ['address', readAddress],
  ['route', readRoute],
  ['rule', readRule],
]);

function readAddress(head: string, words: Words): HeldAddress | undefined {
  const prefix = parsePrefix(head);
  const name = words.get('dev');
  if (prefix === undefined || name === undefined) return undefined;
  return { kind: 'address', interface: name, prefix, peer: addressAt(words, 'peer') };
}

function readRoute(head: string, words: Words): HeldRoute | undefined {
  const to = parsePrefix(head);
  const name = words.get('dev');
  const table = numberAt(words, 'table');
  if (to === undefined || name === undefined || table === null) return undefined;
  const [via, source] = [addressAt(words, 'via'), addressAt(words, 'src')];
  return { kind: 'route', interface: name, to, via, source, table, metric: numberAt(words, 'metric') };
}

function readRule(head: string, words: Words): HeldRule | undefined {
  const [table, priority] = [numberAt(words, 'table'), numberAt(words, 'priority')];
  if (table === null || priority === null) return undefined;
  const [from = null, to = null] = [parsePrefix(words.get('from') ?? ''), parsePrefix(words.get('to') ?? '')];
  const family = head === 'inet' ? 4 : 6;
  const fwmark = numberAt(words, 'fwmark');
  return { kind: 'rule', family, from, to, fwmark, interface: words.get('iif') ?? null, table, priority };
}

const addressAt = (words: Words, name: string): IpAddress | null => parseIp(words.get(name) ?? '') ?? null;
function numberAt(words: Words, name: string): number | null {
  const text = words.get(name) ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

export const sameHeld = (a: Held, b: Held): boolean => formatHeld(a) === formatHeld(b);

/** `some` and what of `more` is not among them. */
export function withHeld(some: readonly Held[], more: readonly Held[]): readonly Held[] {
  const there = new Set(some.map(formatHeld));
  return [...some, ...more.filter((one) => !there.has(formatHeld(one)))];
}
export function withoutHeld(all: readonly Held[], some: readonly Held[]): readonly Held[] {
  const gone = new Set(some.map(formatHeld));
  return all.filter((one) => !gone.has(formatHeld(one)));
}

export type WantedAddress = { readonly held: HeldAddress; readonly config: VirtualAddress };
export type Wanted = {
  readonly addresses: readonly WantedAddress[];
  readonly routes: readonly HeldRoute[];
  readonly rules: readonly HeldRule[];
};

/**
 * What a config wants of one family. `device`: where that is which belongs on the router's interface, a macvlan or the
 * interface itself. What names an interface is on that one, with its own MAC: there the VRID may be somebody else's.
 */
export function wantedOf(config: VrrpConfig, family: Family, device: string): Wanted {
  const addresses = config.addresses
    .filter(({ address }) => familyOf(address.address) === family)
    .map((one): WantedAddress => {
      const { address: prefix, peer } = one;
      return { held: { kind: 'address', interface: one.interface ?? device, prefix, peer }, config: one };
    });
  const here = addresses.filter(({ held }) => held.interface === device).map(({ held }) => held.prefix);
  const routes = config.routes
    .filter(({ to }) => familyOf(to.address) === family)
    .map((route): HeldRoute => ({ ...route, kind: 'route', interface: wayOut(route, config.interface, device, here) }));
  const rules = config.rules
    .filter((rule) => [null, family].includes(familyOfRule(rule)))
    .map((rule): HeldRule => ({ ...rule, kind: 'rule', family }));
  return { addresses, routes, rules };
}

/** A gateway is reached by the macvlan only if an address there is in its network; by the interface itself otherwise. */
function wayOut({ via, ...route }: RouteConfig, own: string, device: string, here: readonly Prefix[]): string {
  if (route.interface !== null) return route.interface;
  return via === null || here.some((prefix) => inPrefix(via, prefix)) ? device : own;
}

/** `null`: a rule that names no network is for each family of its router. */
function familyOfRule({ from, to }: RuleConfig): Family | null {
  const network = from ?? to;
  return network === null ? null : familyOf(network.address);
}
