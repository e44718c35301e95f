/** One event for people. */

import type { Event } from '../control/event.ts';
import { describe, severityOf } from '../control/render.ts';
import { wrap } from './table.ts';
import type { Paint } from './verb.ts';
import { stamp } from './when.ts';

/** `2026-03-01 12:01:03  edge: BACKUP → MASTER: …`, wrapped under itself. */
export function renderEvent(event: Event, { width, paint }: { readonly width: number; readonly paint: Paint }): string {
  const time = `${stamp(event.time)}  `;
  const severity = severityOf(event);
  const lines = wrap(describe(event, stamp), Math.max(20, width - time.length)).map((line) => {
    if (severity === 'info') return line;
    return paint(severity === 'error' ? 'red' : 'yellow', line);
  });
  return lines.map((line, i) => `${i === 0 ? paint('dim', time) : ' '.repeat(time.length)}${line}\n`).join('');
}
