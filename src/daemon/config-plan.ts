/**
 * What a config changes besides routers, addresses and the kernel: checks, how servers are pooled, alerts, metrics, log,
 * director. What the lines of the kernel tell already is not told again; everything else is, so that nothing is silent.
 */

import { formatDuration } from '../base/time.ts';
import type { Config, ServiceConfig } from '../config/config.ts';
import { type Change, describeField, type FieldChange } from '../config/diff.ts';
import { SERVER, SERVICE } from '../config/options-service.ts';
import type { PlannedChange } from '../control/director.ts';
import { idsOf } from '../ipvs/desired.ts';
import { serviceKey } from '../ipvs/table.ts';

/** `found`: what differs between the two; `kernel`: the lines of the kernel's settings and table. */
export const configPlan = (
  found: readonly Change[],
  before: Config,
  after: Config,
  kernel: readonly PlannedChange[],
): readonly PlannedChange[] =>
  found.flatMap((change): readonly PlannedChange[] => {
    if (change.section === 'vrrp') return [];
    if (change.section === 'service') return servicePlan(change, before, after, kernel);
    if (change.section === 'ipvs') return otherPlan({ ...change, fields: change.fields.filter(unsaidIn(kernel)) });
    return otherPlan(change);
  });

const line = (part: PlannedChange['part'], sign: PlannedChange['sign'], what: string): PlannedChange => ({
  ...{ part, sign, what, breaks: 0, drains: 0, notes: [] },
});

const SIGN = { added: '+', changed: '~', removed: '-' } as const;

function otherPlan({ section, name, what, fields }: Change): PlannedChange[] {
  if (what !== 'changed') return [line('other', SIGN[what], `${section} ${name}`)];
  const words = fieldsOf(fields);
  return words === '' ? [] : [line('other', '~', `${name === '' ? `[${section}]` : `${section} ${name}`}: ${words}`)];
}

const fieldsOf = (fields: readonly FieldChange[]): string =>
  fields.map((field) => describeField(field, '→')).join(', ');

/** Of [ipvs]: whether no line of the kernel's settings tells it. */
function unsaidIn(kernel: readonly PlannedChange[]): (field: FieldChange) => boolean {
  const said = kernel.filter(({ part }) => part === 'setting').map(({ what }) => what);
  return ({ key }) => {
    const word = key.startsWith('sync') && !key.startsWith('sync_') ? 'sync daemon' : (key.split('.').at(-1) ?? key);
    return !said.some((what) => what.startsWith(`${word} `));
  };
}

function servicePlan(change: Change, before: Config, after: Config, kernel: readonly PlannedChange[]): PlannedChange[] {
  const { name, what } = change;
  const keys = new Set([...keysOf(before, oldName(change)), ...keysOf(after, name)]);
  const table = kernel.filter(({ part, service }) => part === 'ipvs' && service !== undefined && keys.has(service));
  if (what !== 'changed') {
    const check = checkOf(what === 'added' ? after : before, name);
    return [
      ...(check === undefined ? [] : [line('check', SIGN[what], `${name}: ${check}`)]),
      ...(table.length > 0 ? [] : [line('service', SIGN[what], `service ${name}`)]),
    ];
  }
  const isCheck = ({ key }: FieldChange): boolean => /^check(?:$|[. ])/.test(key);
  const checks = change.fields.filter(isCheck);
  const others = change.fields.filter((field) => !isCheck(field) && !isSaid(field, table));
  return [
    ...(checks.length === 0 ? [] : [checkLine(name, checks, after)]),
    ...(others.length === 0 ? [] : [line('service', '~', `${name}: ${fieldsOf(others)}`)]),
  ];
}

function checkLine(name: string, fields: readonly FieldChange[], after: Config): PlannedChange {
  const [whole] = fields.filter(({ key }) => key === 'check');
  if (whole === undefined) return line('check', '~', `${name}: ${fieldsOf(fields)}`);
  return whole.from === null || whole.from === 'false'
    ? line('check', '+', `${name}: ${checkOf(after, name) ?? 'check'}`)
    : line('check', '-', `${name}: no check any more: every server counts as up`);
}

/** `http check of 3 servers, every 2 s` */
function checkOf(config: Config, name: string): string | undefined {
  const service = serviceOf(config, name);
  if (service === undefined || service.checks.length === 0) return undefined;
  const { checks, servers } = service;
  const count = `${servers.length} server${servers.length === 1 ? '' : 's'}`;
  return checks.map(({ type, interval }) => `${type} check of ${count}, every ${formatDuration(interval)}`).join('; ');
}

const serviceOf = ({ services }: Config, name: string): ServiceConfig | undefined =>
  services.find((service) => service.name === name);

function keysOf(config: Config, name: string): readonly string[] {
  const service = serviceOf(config, name);
  return service === undefined ? [] : idsOf(service).map(serviceKey);
}

/** A service may have another name in the new config. */
function oldName({ name, fields }: Change): string {
  const from = fields.find(({ key }) => key === 'name')?.from;
  return from == null ? name : (JSON.parse(from) as string);
}

/** What the kernel is told of a service, or of a server; the rest of their options only we know. */
const OURS: ReadonlySet<string> = new Set(['name', 'active', 'vrrp', 'drain_timeout']);
const OF_SERVICE = new Set(Object.keys(SERVICE).filter((key) => !OURS.has(key)));
const OF_SERVER = new Set(Object.keys(SERVER).filter((key) => !OURS.has(key)));

/** Whether the lines of the table tell it. */
function isSaid({ key }: FieldChange, table: readonly PlannedChange[]): boolean {
  const [, address, option] = /^server (\S+)(?: (.+))?$/.exec(key) ?? [];
  if (address === undefined) return table.length > 0 && OF_SERVICE.has(key.split('.')[0] ?? '');
  if (option !== undefined && !OF_SERVER.has(option.split('.')[0] ?? '')) return false;
  return table.some(({ server }) => server === undefined || isAt(server, address));
}

/** `address` may be without the port of the service. */
const isAt = (server: string, address: string): boolean =>
  server === address || server.startsWith(`${address}:`) || server.startsWith(`[${address}]:`);
