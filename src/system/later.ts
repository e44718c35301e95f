/** Work that can wait, on Node's own timers: to the millisecond at best. What must be on time has `createTimer`. */

import type { Duration } from '../base/time.ts';

/** Does it once, so long from now, unless it is cancelled before. */
export function later(after: Duration, work: () => void): { cancel(): void } {
  const timer = setTimeout(work, Math.max(0, after));
  return { cancel: () => clearTimeout(timer) };
}
