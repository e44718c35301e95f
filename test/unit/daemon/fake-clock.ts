/** A clock that stands until it is told to go on, and timers on it. */

import { after, type Duration, type Instant, instant, milliseconds } from '../../../src/base/time.ts';

export type FakeClock = {
  now(): Instant;
  timer(due: (lateness: Duration) => void): { arm(at: Instant): void; disarm(): void; close(): void };
  /** Goes on by so many milliseconds; each timer that comes due meanwhile fires at its moment. */
  pass(by: number): void;
  /** Goes on without anything firing, as when the process is held up; what is due fires with the next `pass`. */
  stall(by: number): void;
};

/** A timer that arms itself without end would keep `pass` busy for ever. */
const MOST_FIRINGS = 1_000_000;

export function createFakeClock(): FakeClock {
  let at = instant(1000);
  const armed = new Map<object, { readonly at: Instant; readonly due: (lateness: Duration) => void }>();
  return {
    now: () => at,
    timer(due) {
      const key = {};
      return {
        arm: (when) => void armed.set(key, { at: when, due }),
        disarm: () => void armed.delete(key),
        close: () => void armed.delete(key),
      };
    },
    pass(by) {
      const end = after(at, milliseconds(by));
      for (let n = 0; ; n++) {
        if (n > MOST_FIRINGS) throw new Error('a timer fires without end');
        const [first] = [...armed].sort(([, a], [, b]) => a.at - b.at);
        if (first === undefined || first[1].at > end) break;
        const [key, { at: when, due }] = first;
        armed.delete(key);
        at = instant(Math.max(at, when));
        due(milliseconds(at - when));
      }
      at = end;
    },
    stall(by) {
      at = after(at, milliseconds(by));
    },
  };
}
