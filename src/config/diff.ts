/**
 * What differs between two configs, section by section, for `reload` to say in words and to act on.
 *
 * A router or a service is the same one when its name is, or else when what the kernel or the network knows it by is
 * (interface, router_id and families; protocol and address): then it was renamed. What is a list of tables in the file (servers,
 * virtual addresses, peers, tracked things) is compared item by item, each known by what it is about.
 */

import { formatPrefix } from '../base/address.ts';
import { type Options, type Plain, type Values, writeTable } from '../base/option.ts';
import { inline } from '../base/option-render.ts';
import { idsOf } from '../ipvs/desired.ts';
import { serviceKey } from '../ipvs/table.ts';
import type { Config } from './config.ts';
import { familiesOf } from './families.ts';
import { DIRECTOR, DOCUMENT, LOG, METRICS, WHOLE_SERVICE } from './options.ts';
import { IPVS } from './options-ipvs.ts';
import { SERVER, writeServerAddress } from './options-service.ts';
import { VRRP } from './options-vrrp.ts';
import { trackName } from './track-name.ts';

export type Section = 'director' | 'metrics' | 'log' | 'vrrp' | 'ipvs' | 'service' | 'alert';
export type Change = {
  readonly section: Section;
  /** The name in the new config, or in the old one for what is gone; empty for a section that is there once. */
  readonly name: string;
  readonly what: 'added' | 'removed' | 'changed';
  /** Empty unless changed. */
  readonly fields: readonly FieldChange[];
};
/** `key` as in the file: `check.interval`, `server 10.0.0.21:80 weight`. Values as in the file; `null`: not there. */
export type FieldChange = { readonly key: string; readonly from: string | null; readonly to: string | null };

type Table = { readonly [key: string]: Plain };

/** Every change in words, one line each; empty when the two are the same. */
export const diff = (before: Config, after: Config): readonly string[] => changes(before, after).map(describe);

export function changes(before: Config, after: Config): readonly Change[] {
  const once = (section: Section, options: Options, value: (config: Config) => object): Change[] => {
    const fields = fieldsOf(write(options, value(before)), write(options, value(after)));
    return fields.length === 0 ? [] : [{ section, name: '', what: 'changed', fields }];
  };
  return [
    ...once('director', DIRECTOR, (c) => c.director),
    ...once('metrics', METRICS, (c) => c.metrics),
    ...once('log', LOG, (c) => c.log),
    ...once('ipvs', IPVS, (c) => c.ipvs),
    ...many(
      'vrrp',
      before.vrrp,
      after.vrrp,
      (r) => `${r.interface} ${r.routerId} ${familiesOf(r).join()}`,
      writeRouter,
    ),
    ...many(
      'service',
      before.services,
      after.services,
      (s) => idsOf(s).slice(0, 1).map(serviceKey).join(),
      writeService,
    ),
    ...many(
      'alert',
      before.alerts,
      after.alerts,
      () => undefined,
      (a) => (DOCUMENT.alert.is.write([a]) as readonly Table[])[0] as Table,
    ),
  ];
}

const write = (options: Options, values: object): Table => writeTable(options, values as Values<Options>);

/** A service with its servers as a table by address, and its checks each by itself: several by their names. */
function writeService(service: Config['services'][number]): Table {
  const servers = service.servers.map((s) => [writeServerAddress(s.address), write(SERVER, s)] as const);
  const { check, discovery, ...rest } = write(WHOLE_SERVICE, service) as {
    readonly [K in 'check' | 'discovery']: readonly Table[];
  };
  const checks = check.map((table) => [check.length === 1 ? 'check' : `check ${table.name}`, table] as const);
  const found = discovery.map((table) => [table.name as string, table] as const);
  const named = { discovery: Object.fromEntries(found), server: Object.fromEntries(servers) };
  return { ...rest, ...Object.fromEntries(checks), ...named };
}

/** A virtual router with its addresses, peers and tracked things as tables, by what each is about. */
function writeRouter(router: Config['vrrp'][number]): Table {
  const { addresses, peers, track, ...rest } = write(VRRP, router) as { readonly [key: string]: readonly Plain[] };
  const by = <T>(items: readonly T[], written: readonly Plain[] | undefined, key: (item: T) => string): Table =>
    Object.fromEntries(items.map((item, i) => [key(item), tableOf(written?.[i])]));
  return {
    ...rest,
    address: by(
      router.addresses,
      addresses,
      (a) => `${formatPrefix(a.address)}${a.interface ? ` on ${a.interface}` : ''}`,
    ),
    peer: by(router.peers, peers, ({ address }) => address),
    track: by(router.track, track, (t) => trackName(t) ?? ''),
  };
}

/** What is said of a thing besides its address, which is its name; nothing when it is written as text alone. */
function tableOf(value: Plain | undefined): Table {
  if (!isTable(value)) return {};
  const { address: _, ...rest } = value;
  return rest;
}

/** The tables whose keys are names of things: these stand behind a space, not a dot. */
const NAMED = new Set(['discovery', 'server', 'address', 'peer', 'track']);

function many<T extends { readonly name: string }>(
  section: Section,
  before: readonly T[],
  after: readonly T[],
  identity: (item: T) => string | undefined,
  written: (item: T) => Table,
): Change[] {
  const byName = new Map(before.map((item) => [item.name, item]));
  const names = new Set(after.map(({ name }) => name));
  const byIdentity = new Map(before.filter(({ name }) => !names.has(name)).map((item) => [identity(item), item]));
  byIdentity.delete(undefined);
  const found: Change[] = [];
  const kept = new Set<T>();
  for (const item of after) {
    const old = byName.get(item.name) ?? byIdentity.get(identity(item));
    if (old === undefined) {
      found.push({ section, name: item.name, what: 'added', fields: [] });
      continue;
    }
    kept.add(old);
    if (old === item) continue;
    const fields = fieldsOf(written(old), written(item));
    if (fields.length > 0) found.push({ section, name: item.name, what: 'changed', fields });
  }
  const removed = before.filter((item) => !kept.has(item));
  return [...removed.map(({ name }): Change => ({ section, name, what: 'removed', fields: [] })), ...found];
}

/** Differences of two tables, those of inner tables by their path. */
function fieldsOf(before: Table, after: Table, path = ''): FieldChange[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key): FieldChange[] => {
    const [from, to] = [before[key], after[key]];
    if (isTable(from) && isTable(to))
      return fieldsOf(from, to, `${path}${key}${path.endsWith(' ') || NAMED.has(key) ? ' ' : '.'}`);
    const [old, now] = [from === undefined ? null : inline(from), to === undefined ? null : inline(to)];
    return old === now ? [] : [{ key: `${path}${key}`, from: old, to: now }];
  });
}

const isTable = (value: Plain | undefined): value is Table => typeof value === 'object' && !Array.isArray(value);

/** One line a change: `service web changed: quorum 1 -> 2, server 10.0.0.21:80 weight 1 -> 5`. */
export function describe(change: Change): string {
  const what = change.name === '' ? `[${change.section}]` : `${change.section} ${change.name}`;
  if (change.what !== 'changed') return `${what} ${change.what}`;
  return `${what} changed: ${change.fields.map((field) => describeField(field)).join(', ')}`;
}

/** `quorum 1 -> 2`, `track service web added` */
export function describeField({ key, from, to }: FieldChange, arrow = '->'): string {
  if (from === null) return to?.startsWith('{') ? `${key} added` : `${key} ${to} added`;
  return to === null ? `${key} removed` : `${key} ${from} ${arrow} ${to}`;
}
