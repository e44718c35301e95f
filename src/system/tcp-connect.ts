/**
 * TCP connections that are only opened, to see whether somebody takes them, and then reset: without a `net.Socket`, which
 * costs more than the connection. All that are under way in the process share one descriptor of epoll(7), which stays.
 */

import { type Endpoint, familyOf } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { attempt, native, type SystemError } from './native.ts';
import { packSockaddr } from './sockaddr.ts';
import { openTcpSocket, type TcpOptions } from './tcp-socket.ts';

export type Dial = {
  /** Stops connecting; `done` is not called after it. May be called at any time, and again. */
  end(): void;
};

type Done = (result: Result<void, SystemError>) => void;

/** Those under way. `id`s are not used again, as descriptors are: what is told late of one that has ended means nobody. */
type Dialling = { readonly epoll: number; readonly under: Map<number, { readonly fd: number; readonly done: Done }> };

/** Taken in one turn of the event loop at most. */
const ready = new Float64Array(256);
let dialling: Dialling | undefined;
let lastId = 0;

/**
 * Connects to `to`; `done` is called once, later, when the connection has been there and is reset, or with why it could
 * not be. The error value is a refusal on this machine before anything was sent, as of `connectTcp`: also EMFILE, ENETUNREACH.
 */
export function dialTcp(to: Endpoint, options: TcpOptions, done: Done): Result<Dial, SystemError> {
  const opened = openTcpSocket({ ...options, family: familyOf(to.address) });
  if (!opened.ok) return opened;
  const fd = opened.value;
  const id = ++lastId;
  return attempt(() => {
    try {
      dialling ??= startDialling();
      native.startConnect(fd, packSockaddr({ address: to.address, port: to.port, scope: 0 }));
      native.watchConnect(dialling.epoll, fd, id);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    const { under } = dialling;
    under.set(id, { fd, done });
    return {
      end() {
        if (under.delete(id)) native.reset(fd);
      },
    };
  });
}

function startDialling(): Dialling {
  const epoll = native.openEpoll();
  const under: Dialling['under'] = new Map();
  const poll = native.poll(epoll, () => {
    const count = native.readyConnects(epoll, ready);
    for (const id of ready.slice(0, count)) {
      const dial = under.get(id);
      if (dial === undefined) continue;
      under.delete(id);
      const connected = attempt(() => native.endConnect(dial.fd));
      native.reset(dial.fd);
      dial.done(connected);
    }
  });
  // Whoever connects has a deadline, which holds the process.
  native.unrefPoll(poll);
  return { epoll, under };
}
