/** A plan for people: a diff in parts, and what each line costs. */

import { PLAN_PARTS, type PlannedChange } from '../control/director.ts';
import { hanging, type View } from './table.ts';

export type PlanView = Omit<View, 'now'>;

const STYLE = { '+': 'green', '~': 'yellow', '-': 'red' } as const;

const TITLES: Readonly<Record<PlannedChange['part'], string>> = {
  vrrp: 'VIRTUAL ROUTERS',
  address: 'ADDRESSES',
  setting: 'KERNEL SETTINGS',
  masquerade: 'MASQUERADING',
  ipvs: 'IPVS TABLE',
  check: 'CHECKS',
  service: 'SERVICES',
  other: 'OTHER',
};

export function renderPlan(changes: readonly PlannedChange[], view: PlanView): string {
  if (changes.length === 0) return 'nothing would change\n';
  const parts = PLAN_PARTS.flatMap((part) => {
    const its = changes.filter((change) => change.part === part);
    return its.length === 0
      ? []
      : [`${view.paint('bold', TITLES[part])}\n${its.map((c) => renderChange(c, view)).join('')}`];
  });
  return `${parts.join('\n')}\n${summary(changes)}\n`;
}

function renderChange(change: PlannedChange, view: PlanView): string {
  const { sign, what, notes } = change;
  const lines = hanging(`${sign} `, what, view, STYLE[sign]);
  const cost = costOf(change);
  const plain = hanging(`${sign} `, what, { ...view, paint: (_, text) => text }).at(-1) ?? '';
  const fits = [...plain].length - 1 + 2 + cost.length <= view.width;
  const style = change.breaks > 0 ? 'red' : 'yellow';
  if (cost !== '' && fits) lines.push(`${lines.pop()?.trimEnd()}  ${view.paint(style, cost)}\n`);
  else if (cost !== '') lines.push(...hanging('    ', cost, view, style));
  return [...lines, ...notes.flatMap((note) => hanging('    ', note, view))].join('');
}

function costOf({ breaks, drains }: PlannedChange): string {
  const costs = [
    ...(breaks === 0 ? [] : [`breaks ${connections(breaks)}`]),
    ...(drains === 0 ? [] : [`drains ${connections(drains)}`]),
  ];
  return costs.join(', ');
}

function summary(changes: readonly PlannedChange[]): string {
  const sum = (of: 'breaks' | 'drains'): number => changes.reduce((n, change) => n + change[of], 0);
  const [broken, drained] = [sum('breaks'), sum('drains')];
  const count = `${changes.length} change${changes.length === 1 ? '' : 's'}`;
  const rest = drained === 0 ? '' : `, ${connections(drained)} would drain`;
  return `${count}, ${broken === 0 ? 'no live connection breaks' : `${connections(broken)} would break`}${rest}`;
}

const connections = (n: number): string => `${n} live connection${n === 1 ? '' : 's'}`;
