/** Something done again and again, never twice at a time. */

import type { Duration } from '../base/time.ts';
import { nextDue } from '../health/schedule.ts';
import type { Clock, Watcher } from './watch.ts';

export type Repeat = Watcher & {
  /** Once more as soon as may be, besides the times that it is due. */
  again(): void;
};

/**
 * Does `task` every `interval`, for the first time at once. When it is due while it is under way, that is told to `missed`,
 * and it begins anew as soon as it is over: something that takes its whole interval to fail does so once an interval.
 * `task` must not reject.
 */
export function repeat(clock: Clock, interval: Duration, task: () => Promise<void>, missed = () => {}): Repeat {
  let due = clock.now();
  let busy = false;
  let wanted = false;
  let closed = false;

  const timer = clock.timer(() => {
    due = nextDue(due, interval, clock.now());
    timer.arm(due);
    if (busy) {
      wanted = true;
      missed();
    } else void run();
  });
  timer.arm(due);

  async function run(): Promise<void> {
    busy = true;
    do {
      wanted = false;
      await task();
    } while (wanted && !closed);
    busy = false;
  }

  return {
    again() {
      if (closed) return;
      wanted = true;
      if (!busy) void run();
    },
    close() {
      closed = true;
      timer.close();
    },
  };
}
