/**
 * Reads a socket whenever it has something, and dates what it reads.
 *
 * A datagram's date is the kernel's, moved from the wall clock to the monotonic one (`Datagram.at`). A step of the wall
 * clock between arrival and reading would put it anywhere, so it is held between two moments that are certain: it came
 * after the socket was last seen empty, and before it was read.
 */

import { type Instant, instant } from '../base/time.ts';
import { now } from './clock.ts';
import { type Datagram, isSystemError, native, type SystemError } from './native.ts';

export type Receiver = { close(): void; ref(): void; unref(): void };

/** Read in one turn of the event loop at most, unless said otherwise, so that a flood cannot keep timers waiting. */
const AT_ONCE = 64;

/** The date of a datagram: `claimed`, if it lies between `emptyAt` and `readAt`; else the nearer of the two. */
export function arrival(claimed: number | undefined, emptyAt: Instant, readAt: Instant): Instant {
  if (claimed === undefined) return readAt;
  return instant(Math.min(Math.max(claimed, emptyAt), readAt));
}

/**
 * Delivers until closed; `close()` may be called from within either callback. The descriptor stays the caller's.
 * An error of the socket (ENETDOWN: its link went down) is told, and receiving goes on.
 */
export function createReceiver(
  fd: number,
  deliver: (datagram: Datagram, receivedAt: Instant) => void,
  fail: (error: SystemError) => void,
  atOnce = AT_ONCE,
): Receiver {
  let closed = false;
  let emptyAt = now();

  const poll = native.poll(fd, () => {
    for (let n = 0; n < atOnce && !closed; n++) {
      const before = now();
      let datagram: Datagram | undefined;
      try {
        datagram = native.receive(fd);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        fail(error);
        continue;
      }
      if (datagram === undefined) {
        emptyAt = before;
        return;
      }
      deliver(datagram, arrival(datagram.at, emptyAt, now()));
    }
  });

  return {
    close() {
      closed = true;
      native.closePoll(poll);
    },
    ref: () => native.refPoll(poll),
    unref: () => native.unrefPoll(poll),
  };
}
