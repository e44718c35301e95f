/**
 * Masquerading as the nftables table `inet lvskeeper`, in the JSON of libnftables-json(5), both ways.
 *
 *     postrouting (type nat)    is it for one of our servers? go on by family to …
 *     ipv4, ipv6                the mark, or else what the client asked for, is looked up in maps, which lead to …
 *     by-interface, by-ADDRESS  masquerade, or snat
 *
 * However many services and servers there are, a packet passes a handful of rules. Ranges of ports in a map of two fields
 * need Linux 5.6.
 */

import { type Family, type IpAddress, parseIp } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Listener, type Masquerading, masqueradingOf, type Rule, type Source } from './masquerade.ts';
import type { Protocol } from './table.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Fields = { readonly [key: string]: Json };
/** `{ "chain": { "name": "ip4", … } }` */
export type NftObject = { readonly [kind: string]: Fields };

/** What a listing says. `whole`: there is nothing in the table but this, and of our making. */
export type NftTable = { readonly masquerading: Masquerading; readonly whole: boolean };

const TABLE = 'lvskeeper';
export const NFT_TABLE = ['inet', TABLE] as const;
const IN_TABLE = { family: 'inet', table: TABLE } as const;

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const satisfies readonly Protocol[];
/** IPPROTO_*, as `nft -n` writes them; the names are those of /etc/protocols, which need not be there. */
const NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
const FAMILIES = [4, 6] as const;
const NFT_FAMILY = { 4: 'ip', 6: 'ip6' } as const satisfies Record<Family, string>;

const marksMap = (family: Family): string => `marks${family}`;
const portsMap = (protocol: Protocol, family: Family): string => `${protocol}${family}`;
/** Of services for every port. */
const wideMap = (family: Family): string => `every-port${family}`;
const serversSet = (family: Family): string => `servers${family}`;
/** Not `ip` and `ip6`, which are words of the language, as a name in a file for `nft -f` must not be. */
const familyChain = (family: Family): string => `ipv${family}`;
/** A name cannot have a colon. */
const sourceChain = (source: Source): string => `by-${source.replaceAll(':', '-')}`;

/** The commands that make the table, whatever was there, in one transaction. `null`: there is to be none. */
export function nftCommands(masquerading: Masquerading | null): Json {
  const table = { table: { family: 'inet', name: TABLE } };
  const made = masquerading === null ? [] : nftObjects(masquerading);
  // What is not there cannot be deleted, so it is added first.
  return { nftables: [{ add: table }, { delete: table }, ...made.map((object) => ({ add: object }))] };
}

/** The table with all that is in it, in an order in which it can be made. */
export function nftObjects({ rules, servers }: Masquerading): readonly NftObject[] {
  const all = [...rules.values()];
  const sources = [...new Set(all.map(({ source }) => source))].filter((source) => source !== 'client');
  return [
    { table: { family: 'inet', name: TABLE } },
    ...sources.flatMap((source) => chain(sourceChain(source), [translate(source)])),
    ...FAMILIES.flatMap((family) => [
      ...mapsOf(family, all),
      set(
        serversSet(family),
        [...servers].filter((address) => address.includes(':') === (family === 6)),
      ),
      ...chain(familyChain(family), lookups(family)),
    ]),
    ...chain(
      'postrouting',
      FAMILIES.map((family) => [
        match({ payload: { protocol: NFT_FAMILY[family], field: 'daddr' } }, `@${serversSet(family)}`),
        { jump: { target: familyChain(family) } },
      ]),
      { type: 'nat', hook: 'postrouting', prio: 100, policy: 'accept' },
    ),
  ];
}

const chain = (name: string, rules: readonly Json[], hook: Fields = {}): readonly NftObject[] => [
  { chain: { ...IN_TABLE, name, ...hook } },
  ...rules.map((expr) => ({ rule: { ...IN_TABLE, chain: name, expr } })),
];

function translate(source: Source): Json {
  if (source === 'interface') return [{ masquerade: null }];
  return [{ snat: { family: source.includes(':') ? 'ip6' : 'ip', addr: source } }];
}

const match = (left: Json, right: Json): Json => ({ match: { op: '==', left, right } });

/** As IPVS looks for the service of a packet (ip_vs_service_find): the mark first, every port last. */
function lookups(family: Family): readonly Json[] {
  const asked = { ct: { key: `${NFT_FAMILY[family]} daddr`, dir: 'original' } };
  const port = { ct: { key: 'proto-dst', dir: 'original' } };
  const protocol = { meta: { key: 'l4proto' } };
  const vmap = (key: Json, name: string): Json => ({ vmap: { key, data: `@${name}` } });
  return [
    [vmap({ meta: { key: 'mark' } }, marksMap(family))],
    // What is a port depends on the protocol, so each has a map of its own.
    ...PROTOCOLS.map((one) => [match(protocol, NUMBERS[one]), vmap({ concat: [asked, port] }, portsMap(one, family))]),
    [vmap({ concat: [asked, protocol] }, wideMap(family))],
  ];
}

type Element = readonly [key: Json, verdict: Json];

function mapsOf(family: Family, rules: readonly Rule[]): readonly NftObject[] {
  const elements = new Map<string, Element[]>();
  for (const { listener, source } of rules) {
    const { map, key, of } = placeOf(listener);
    if (of !== family) continue;
    const there = elements.get(map) ?? [];
    elements.set(map, there);
    there.push([key, verdict(source)]);
  }
  const address = `ipv${family}_addr`;
  const map = (name: string, type: Json, flags: Fields = {}): NftObject => ({
    map: { ...IN_TABLE, name, type, map: 'verdict', ...flags, ...elementsOf(elements.get(name) ?? []) },
  });
  return [
    map(marksMap(family), 'mark'),
    ...PROTOCOLS.map((one) => map(portsMap(one, family), [address, 'inet_service'], { flags: ['interval'] })),
    map(wideMap(family), [address, 'inet_proto']),
  ];
}

const set = (name: string, elements: readonly Json[]): NftObject => ({
  set: { ...IN_TABLE, name, type: `ipv${name.endsWith('6') ? 6 : 4}_addr`, ...elementsOf(elements) },
});

const elementsOf = (elem: readonly Json[]): Fields => (elem.length === 0 ? {} : { elem });

/** In which map a listener is, and as what. */
function placeOf(listener: Listener): { readonly map: string; readonly key: Json; readonly of: Family } {
  if (listener.fwmark !== undefined)
    return { map: marksMap(listener.family), key: listener.fwmark, of: listener.family };
  const { protocol, range } = listener;
  const { address, port, lastPort } = range;
  const of = address.includes(':') ? 6 : 4;
  if (port === 0) return { map: wideMap(of), key: { concat: [address, NUMBERS[protocol]] }, of };
  const ports = port === lastPort ? port : { range: [port, lastPort] };
  return { map: portsMap(protocol, of), key: { concat: [address, ports] }, of };
}

const verdict = (source: Source): Json =>
  source === 'client' ? { return: null } : { goto: { target: sourceChain(source) } };

/** Reads what `nft -j -n list table` prints. */
export function decodeNftTable(text: string): Result<NftTable, string> {
  const objects = objectsIn(text);
  if (objects === undefined) return err('what nft prints cannot be read');
  const rules = objects.flatMap(({ map }) => (map === undefined ? [] : elementsIn(map, ruleOf)));
  const servers = objects.flatMap(({ set }) => (set === undefined ? [] : elementsIn(set, (elem) => addressOf(elem))));
  const masquerading = masqueradingOf(rules, servers);
  // What is not understood is not in it, and so neither in the table that would be made of it.
  return ok({ masquerading, whole: sameObjects(objects, nftObjects(masquerading)) });
}

function objectsIn(text: string): readonly NftObject[] | undefined {
  try {
    const { nftables } = JSON.parse(text) as { readonly nftables?: unknown };
    if (!Array.isArray(nftables) || !nftables.every(isNftObject)) return undefined;
    return nftables.filter((object) => object.metainfo === undefined);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isNftObject = (value: unknown): value is NftObject => isObject(value) && Object.values(value).every(isObject);

function elementsIn<T>({ name, elem }: Fields, read: (elem: Json, name: string) => T | undefined): readonly T[] {
  if (!Array.isArray(elem)) return [];
  return (elem as readonly Json[]).flatMap((one) => read(one, String(name)) ?? []);
}

function ruleOf(elem: Json, map: string): Rule | undefined {
  const [key, to] = Array.isArray(elem) ? (elem as readonly Json[]) : [];
  const listener = listenerOf(key, map);
  const source = sourceOf(to);
  return listener && source && { listener, source };
}

function listenerOf(key: Json | undefined, map: string): Listener | undefined {
  const family = map.endsWith('6') ? 6 : 4;
  if (map === marksMap(family)) return typeof key === 'number' ? { fwmark: key, family } : undefined;
  const [first, second] = listIn(field(key, 'concat'));
  const address = addressOf(first);
  if (address === undefined || second === undefined) return undefined;
  if (map === wideMap(family)) {
    const protocol = PROTOCOLS.find((one) => NUMBERS[one] === second);
    return protocol && { protocol, range: { address, port: 0, lastPort: 0 } };
  }
  const protocol = PROTOCOLS.find((one) => map === portsMap(one, family));
  const [port, lastPort = port] = typeof second === 'number' ? [second] : listIn(field(second, 'range'));
  if (protocol === undefined || typeof port !== 'number' || typeof lastPort !== 'number') return undefined;
  return { protocol, range: { address, port, lastPort } };
}

function sourceOf(to: Json | undefined): Source | undefined {
  if (field(to, 'return') !== undefined) return 'client';
  const target = field(field(to, 'goto'), 'target');
  if (typeof target !== 'string' || !target.startsWith('by-')) return undefined;
  const written = target.slice('by-'.length);
  return written === 'interface' ? written : parseIp(written.replaceAll('-', ':'));
}

const field = (of: Json | undefined, name: string): Json | undefined =>
  typeof of === 'object' && of !== null && !Array.isArray(of) ? (of as Fields)[name] : undefined;
const listIn = (of: Json | undefined): readonly Json[] => (Array.isArray(of) ? (of as readonly Json[]) : []);
const addressOf = (of: Json | undefined): IpAddress | undefined => (typeof of === 'string' ? parseIp(of) : undefined);

/** Whether they mean the same. Rules have an order within their chain, elements none, and the rest neither. */
function sameObjects(a: readonly NftObject[], b: readonly NftObject[]): boolean {
  const [x, y] = [a, b].map((objects) => canonical(objects).sort().join('\n'));
  return x === y;
}

function canonical(objects: readonly NftObject[]): string[] {
  const rulesIn = new Map<Json | undefined, number>();
  return objects.map((object) => {
    const [[kind = '', fields = {}] = []] = Object.entries(object);
    const { handle: _, index: __, ...own } = fields;
    if (kind !== 'rule') return write({ kind, ...own, ...normal(own) });
    const at = rulesIn.get(own.chain) ?? 0;
    rulesIn.set(own.chain, at + 1);
    return write({ kind, at, ...own });
  });
}

/** Flags are a list or, alone, a text; elements have no order. */
function normal({ flags, elem }: Fields): Fields {
  return {
    ...(flags !== undefined && { flags: [flags].flat() as readonly Json[] }),
    ...(elem !== undefined && { elem: listIn(elem).map(write).sort() }),
  };
}

/** With keys in order. */
const write = (value: Json): string =>
  JSON.stringify(value, (_, inner: Json) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );
