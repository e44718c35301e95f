/** A clock that moves when told, and what tests of watchers wait with. */

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { type Duration, type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { Clock, Finding } from '../../../src/trackers/watch.ts';

export type FakeClock = Clock & {
  /** Moves on to `to` ms from the start, stopping at every timer on the way. */
  run(to: number): Promise<void>;
  /** Moves on to `to` at one stroke, as a process that stood still. */
  jump(to: number): Promise<void>;
  /** Timers that would fire. */
  armed(): number;
};

export function fakeClock(): FakeClock {
  let now = 0;
  const timers = new Set<{ at: Instant | undefined; readonly due: (lateness: Duration) => void }>();
  const next = () =>
    [...timers].filter((t) => t.at !== undefined).sort((a, b) => (a.at as number) - (b.at as number))[0];

  async function fire(to: number): Promise<void> {
    for (let timer = next(); timer?.at !== undefined && timer.at <= to; timer = next()) {
      now = Math.max(now, timer.at);
      const lateness = milliseconds(now - timer.at);
      timer.at = undefined;
      timer.due(lateness);
      await settle();
    }
  }

  return {
    now: () => instant(now),
    timer(due) {
      const timer = { at: undefined as Instant | undefined, due };
      timers.add(timer);
      return {
        arm: (at) => {
          timer.at = at;
        },
        disarm: () => {
          timer.at = undefined;
        },
        close: () => void timers.delete(timer),
      };
    },
    async run(to) {
      await fire(to);
      now = to;
    },
    async jump(to) {
      now = to;
      await fire(to);
    },
    armed: () => [...timers].filter((t) => t.at !== undefined).length,
  };
}

/** Lets everything run that waits for nothing outside. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

/** Waits for what the machine does in its own time. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (condition()) return;
    await pause(5);
  }
  throw new Error(`not within 10 s: ${what}`);
}

export const inWords = ({ outcome, reason, factor }: Finding): string =>
  `${outcome}${factor === null ? '' : ` ${factor}`}: ${reason}`;
