/** Things to be told that may happen at any rate: each kind of them is told once a minute at most. */

import type { Instant } from '../base/time.ts';
import type { Happening } from '../control/event.ts';

/** `what`: one of a few texts, never what somebody sent. `detail`: anything, and made only when it is told. */
export type Complain = (what: string, detail: () => string, severity?: 'warning' | 'error') => void;

const REPEAT_AFTER = 60_000;

export function createComplaints(now: () => Instant, report: (happening: Happening) => void): Complain {
  const told = new Map<string, Instant>();
  return (what, detail, severity = 'warning') => {
    const at = now();
    const last = told.get(what);
    if (last !== undefined && at - last < REPEAT_AFTER) return;
    told.set(what, at);
    report({ kind: 'trouble', severity, what, detail: detail() });
  };
}
