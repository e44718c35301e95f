/**
 * TCP connections that are only opened, to see whether somebody takes them, and then reset: without a `net.Socket`, which
 * costs more than the connection. All that are under way in the process share one descriptor of epoll(7), which stays.
 */

import { ok, type Result } from '../base/result.ts';
import { type Course, MOST_READY, startConnecting } from './course.ts';
import { attempt, native, type SystemError } from './native.ts';

export type Dial = {
  /** Stops connecting; `done` is not called after it. May be called at any time, and again. */
  end(): void;
};

type Done = (result: Result<void, SystemError>) => void;

/** Those under way. `id`s are not used again, as descriptors are: what is told late of one that has ended means nobody. */
type Dialling = { readonly epoll: number; readonly under: Map<number, { readonly fd: number; readonly done: Done }> };

const ready = new Float64Array(MOST_READY);
let dialling: Dialling | undefined;
let lastId = 0;

/**
 * Connects; `done` is called once, later, when the connection has been there and is reset, or with why it could not be. The
 * error value is a refusal on this machine before anything was sent, as of `connectTcp`: also EMFILE, ENETUNREACH.
 */
export function dialTcp(course: Course, done: Done): Result<Dial, SystemError> {
  const id = ++lastId;
  return attempt(() => {
    dialling ??= startDialling();
    const { epoll, under } = dialling;
    const fd = startConnecting(course, epoll, id);
    under.set(id, { fd, done });
    return {
      end() {
        if (under.delete(id)) native.reset(fd);
      },
    };
  });
}

const CONNECTED = ok(undefined);

function startDialling(): Dialling {
  const epoll = native.openEpoll();
  const under: Dialling['under'] = new Map();
  const poll = native.poll(epoll, () => {
    const count = native.readyConnects(epoll, ready);
    for (const told of ready.slice(0, count)) {
      const id = Math.abs(told);
      const dial = under.get(id);
      if (dial === undefined) continue;
      under.delete(id);
      const connected = told < 0 ? attempt(() => native.endConnect(dial.fd)) : CONNECTED;
      native.reset(dial.fd);
      dial.done(connected);
    }
  });
  // Whoever connects has a deadline, which holds the process.
  native.unrefPoll(poll);
  return { epoll, under };
}
