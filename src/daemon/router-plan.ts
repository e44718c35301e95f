/**
 * What a config changes of virtual routers, and what that means for their roles. Only what follows from what this director
 * knows is said: the priority of a backup's master is known from its adverts, that of a master's peers is not.
 */

import type { Config, VrrpConfig } from '../config/config.ts';
import { type Change, describeField } from '../config/diff.ts';
import type { PlannedChange } from '../control/director.ts';
import type { RouterStatus } from '../control/status.ts';
import { carriesOn } from './carries-on.ts';

/** What of the state of a router counts here. */
export type SeenRouter = Pick<
  RouterStatus,
  'name' | 'state' | 'priority' | 'priorityParts' | 'master' | 'order' | 'syncGroup'
>;

/** `found`: what differs between the two; `seen`: routers as they are now, none where nobody can be asked. */
export function routerPlan(
  found: readonly Change[],
  before: Config,
  after: Config,
  seen: readonly SeenRouter[],
): readonly PlannedChange[] {
  const ours = found.filter(({ section }) => section === 'vrrp');
  // A role that depends on others which change too is not foretold.
  const moving = new Set(ours.flatMap(({ name }) => groupOf(after, name) ?? groupOf(before, name) ?? []));
  const alone = (name: string): boolean =>
    !moving.has(groupOf(before, name) ?? '') && !moving.has(groupOf(after, name) ?? '');
  return ours.map((change): PlannedChange => {
    const old = routerOf(before, oldName(change));
    const next = routerOf(after, change.name);
    const now = seen.find(({ name }) => name === old?.name);
    const director = after.director.name;
    if (old === undefined || change.what === 'added') return line('+', added(change.name, next), begins(next));
    if (next === undefined) return line('-', `${change.name}: removed`, leaves(director, now, 'hands over'));
    if (old.name !== next.name || !carriesOn(old, next))
      return line('~', `${old.name}: made anew: ${fieldsOf(change)}`, [
        ...leaves(director, now, 'resigns'),
        ...begins(next),
      ]);
    const role = now === undefined || !alone(next.name) ? [] : roleAfter(director, old, next, now);
    return line('~', `${next.name}: ${fieldsOf(change)}`, role);
  });
}

const line = (sign: PlannedChange['sign'], what: string, notes: readonly string[]): PlannedChange => ({
  ...{ part: 'vrrp', sign, what, breaks: 0, drains: 0 },
  notes,
});

const routerOf = ({ vrrp }: Config, name: string): VrrpConfig | undefined =>
  vrrp.find((router) => router.name === name);
const groupOf = (config: Config, name: string): string | null => routerOf(config, name)?.syncGroup ?? null;

/** A router may have another name in the new config. */
function oldName({ name, fields }: Change): string {
  const from = fields.find(({ key }) => key === 'name')?.from;
  return from == null ? name : (JSON.parse(from) as string);
}

const fieldsOf = ({ fields }: Change): string => fields.map((field) => describeField(field, '→')).join(', ');

function added(name: string, router: VrrpConfig | undefined): string {
  if (router === undefined) return `${name}: new router`;
  const { interface: on, routerId, priority, addresses } = router;
  const count = `${addresses.length} address${addresses.length === 1 ? '' : 'es'}`;
  return `${name}: new router ${routerId} on ${on}, priority ${priority}, ${count}`;
}

/** RFC 9568, 6.4.1: the owner of the addresses is master at once. */
const begins = (router: VrrpConfig | undefined): string[] =>
  router?.priority === OWNER ? ['it is the owner, and becomes master at once'] : ['it begins as backup'];
const OWNER = 255;

const leaves = (director: string, now: SeenRouter | undefined, does: string): string[] =>
  now?.state === 'master' ? [`${director} is master, and ${does}`] : [];

function roleAfter(director: string, old: VrrpConfig, next: VrrpConfig, now: SeenRouter): string[] {
  if (now.order !== null) return [`${director} is ${now.order.kind}d by ${now.order.by}, whatever the priorities`];
  const priority = priorityAfter(old, next, now);
  if (priority === undefined) return [];
  if (now.state === 'master') return [masterAfter(director, priority, now.priority)];
  return now.state === 'backup' ? backupAfter(director, next, priority, now.master) : [];
}

/** The one that adverts would carry; `undefined`: it depends on what has not been looked at yet. */
function priorityAfter(old: VrrpConfig, next: VrrpConfig, now: SeenRouter): number | undefined {
  if (JSON.stringify(old.track) !== JSON.stringify(next.track)) return undefined;
  if (next.priority === OWNER || old.priority === OWNER) return next.priority === OWNER ? OWNER : undefined;
  const sum = now.priorityParts.reduce((total, { delta }) => total + delta, 0) + next.priority - old.priority;
  return Math.min(254, Math.max(1, sum));
}

function masterAfter(director: string, priority: number, before: number): string {
  return priority >= before
    ? `${director} stays master, with priority ${priority}`
    : `${director} is master, and may lose the role to a peer of a priority above ${priority}`;
}

function backupAfter(director: string, next: VrrpConfig, priority: number, master: SeenRouter['master']): string[] {
  if (master === null) return [];
  const its = `${master.address} is master with priority ${master.priority}`;
  if (priority <= master.priority) return [`${director} stays backup: ${its}`];
  return next.preempt
    ? [`${director} takes the role over: ${its}, and ${director} has ${priority}`]
    : [`${director} stays backup: preempt is off, and ${its}`];
}
