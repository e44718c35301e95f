/** A plan for people: a diff of the kernel, and what it costs. */

import { printable } from '../base/printable.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Paint } from './verb.ts';

const STYLE = { '+': 'green', '~': 'yellow', '-': 'red' } as const;

export function renderPlan(changes: readonly PlannedChange[], paint: Paint): string {
  if (changes.length === 0) return 'nothing in the kernel would change\n';
  const lines = changes.map(({ sign, what, breaks }) => {
    const cost = breaks === 0 ? '' : paint('red', `  breaks ${connections(breaks)}`);
    return `${paint(STYLE[sign], `${sign} ${printable(what)}`)}${cost}\n`;
  });
  const broken = changes.reduce((sum, change) => sum + change.breaks, 0);
  const count = `${changes.length} change${changes.length === 1 ? '' : 's'}`;
  return `${lines.join('')}${count}, ${broken === 0 ? 'no live connection breaks' : `${connections(broken)} would break`}\n`;
}

const connections = (n: number): string => `${n} live connection${n === 1 ? '' : 's'}`;
