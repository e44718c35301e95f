/** The two clocks of the machine, and a timer on the one that counts. */

import { type Duration, type Instant, instant, milliseconds } from '../base/time.ts';
import { native } from './native.ts';

/** CLOCK_MONOTONIC: the same for every process of this boot, never stepped, and still while the machine is suspended. */
export const now = (): Instant => instant(Number(process.hrtime.bigint()) / 1e6);

/** The time of day, for people and logs only: it may be set at any moment. */
export const wallClock = (): Date => new Date();

/** An instant as the time of day that the wall clock, as it stands now, gives it: RFC 3339 with milliseconds, UTC. */
export const dateOf = (at: Instant): string => new Date(wallClock().getTime() - (now() - at)).toISOString();

export type Timer = {
  /** Fires once, at `at` or as soon after as the process gets to run; an instant that is past fires at once. Replaces what was armed. */
  arm(at: Instant): void;
  /** Not fired yet: it will not. */
  disarm(): void;
  close(): void;
};

/**
 * A one-shot timer by timerfd: never early, and as fine as the kernel's own timers, where Node's count whole
 * milliseconds. Like Node's it keeps the process alive only while it is armed. `due` is told how late it is.
 */
export function createTimer(due: (lateness: Duration) => void): Timer {
  const fd = native.openTimer();
  let armed: Instant | undefined;
  let closed = false;

  const poll = native.poll(fd, () => {
    const fired = native.expired(fd);
    if (!fired || armed === undefined) return;
    const lateness = milliseconds(Math.max(0, now() - armed));
    armed = undefined;
    native.unrefPoll(poll);
    due(lateness);
  });
  native.unrefPoll(poll);

  return {
    arm(at) {
      if (closed) return;
      armed = at;
      native.armTimer(fd, at);
      native.refPoll(poll);
    },
    disarm() {
      if (closed || armed === undefined) return;
      armed = undefined;
      native.armTimer(fd);
      native.unrefPoll(poll);
    },
    close() {
      if (closed) return;
      closed = true;
      native.closePoll(poll);
      native.close(fd);
    },
  };
}
