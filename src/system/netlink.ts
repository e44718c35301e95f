/**
 * A netlink socket as a client: requests, dumps, and batches of changes, each with its answer.
 *
 * Answers are matched by sequence number. One exchange is under way at a time and others wait their turn: the kernel runs
 * one dump a socket, and what may be outstanding is bounded by the receive buffer. A batch goes out as several messages
 * in one send and is not awaited one by one: the kernel works through a send before it returns, so the answers are there
 * when it does. They are read at once, so that what waits for them goes on in the same turn of the event loop; the rest
 * of a dump, and what a busy kernel answers later, is read as it comes.
 */

import { constants } from 'node:os';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, seconds } from '../base/time.ts';
import { decodeMessages, type Message, NLM_F, NLMSG, writeMessage } from '../wire/netlink.ts';
import { decodeDone, decodeError } from '../wire/netlink-error.ts';
import { newSink, type Sink, written } from '../wire/netlink-sink.ts';
import { failure, type NetlinkError, openSocket, receiveNow, sendNow, systemError } from './netlink-socket.ts';

export { NETLINK, type NetlinkError } from './netlink-socket.ts';

export type Request = {
  readonly type: number;
  /** NLM_F bits beside those that every request of its kind has. */
  readonly flags?: number;
  readonly payload: (sink: Sink) => void;
};

export type Netlink = {
  /** A request that only reads, and what the kernel answers. */
  request(request: Request): Promise<Result<readonly Message[], NetlinkError>>;
  /** All of a kind. Asked for again when the kernel says that it changed meanwhile. */
  dump(request: Request, restless?: Restless): Promise<Result<readonly Message[], NetlinkError>>;
  /** Changes, in order; one that is refused does not stop the next. One answer for each, in the same order. */
  batch(requests: readonly Request[]): Promise<readonly Result<null, NetlinkError>[]>;
  /** Messages sent so far: those of `request` and `dump`, and those of `batch`. */
  readonly sent: { readonly reads: number; readonly writes: number };
  close(): void;
};

/** The kernel takes a send in one piece of memory; more than this at once gains nothing. */
const SEND_BYTES = 64 << 10;
/** What an answer without data may take of the receive buffer, the kernel's own administration included. */
const ANSWER_BYTES = 2048;
/** For one send, from when the kernel took it. It answers at once; loading a module for it may take a second. */
const TIMEOUT: Duration = seconds(10);
const DUMP_TRIES = 4;
/** Sequence numbers start anew here: far enough below 2^32 that one send never crosses it. 0 is left to notifications. */
const SEQUENCES = 0xffff_0000;

/** The kernel's own port. */
const KERNEL = 0;

const READ = NLM_F.REQUEST | NLM_F.ACK;
const DUMP = NLM_F.REQUEST | NLM_F.DUMP;
const CHANGE = NLM_F.REQUEST | NLM_F.ACK;

const CLOSED = systemError(constants.errno.ECANCELED, 'the netlink socket was closed');
const SILENT = systemError(constants.errno.ETIMEDOUT, `the kernel did not answer in ${TIMEOUT / 1000} s`);
const UNREADABLE = systemError(constants.errno.EBADMSG, 'the kernel gave an answer that cannot be read');
const RESTLESS = systemError(constants.errno.EAGAIN, `it changed during each of ${DUMP_TRIES} attempts to read it`);

/** What becomes of a dump that changed under every attempt, and may lack entries: for who hears of changes, better than none. */
type Restless = 'refuse' | 'accept';

export function openNetlink(protocol: number): Result<Netlink, NetlinkError> {
  const opened = openSocket(protocol);
  if (!opened.ok) return opened;
  const { socket, descriptor } = opened.value;
  const { port } = socket.address();
  const outstanding = Math.max(1, Math.floor(socket.getRecvBufferSize() / ANSWER_BYTES));
  const sent = { reads: 0, writes: 0 };
  let last = 0;
  let current: Exchange | undefined;
  const inTurn = takingTurns();
  let closed = false;

  function take(bytes: Uint8Array, sender: number): void {
    const messages = sender === KERNEL ? decodeMessages(bytes) : undefined;
    if (messages?.ok) for (const message of messages.value) if (message.port === port >>> 0) current?.receive(message);
  }
  socket.on('message', (bytes, sender) => take(bytes, sender.port));
  socket.on('error', (error) => current?.end(failure(error)));

  /** Sends the first of `requests`, as many as may be outstanding, and settles when all of them are answered. */
  function exchange(requests: Iterable<Request>, flags: number, counter: keyof typeof sent): Promise<readonly Reply[]> {
    const sink = newSink();
    const first = last + 1;
    let count = 0;
    for (const { type, flags: more = 0, payload } of requests) {
      writeMessage(sink, { type, flags: flags | more, sequence: first + count, port }, payload);
      count++;
      if (count === outstanding || sink.length > SEND_BYTES) break;
    }
    last = (first + count - 1) % SEQUENCES;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const mine = collect(first, count, (replies) => {
        clearTimeout(timer);
        current = undefined;
        resolve(replies);
      });
      current = mine;
      if (closed) return mine.end(CLOSED);
      sent[counter] += count;
      try {
        sendNow(descriptor, written(sink));
        // Data and an acknowledgement for each is all that is there by now.
        for (let n = 0; n < 2 * count && current === mine; n++) {
          const received = receiveNow(descriptor);
          if (received === undefined) break;
          take(received.bytes, received.port);
        }
      } catch (thrown) {
        return mine.end(failure(thrown));
      }
      if (current === mine) timer = setTimeout(() => mine.end(SILENT), TIMEOUT);
    });
  }

  async function read(request: Request, flags: number): Promise<Result<readonly Message[], NetlinkError>> {
    const [reply] = await exchange([request], flags, 'reads');
    return reply?.error === undefined ? ok(reply?.messages ?? []) : err(reply.error);
  }

  async function dump(request: Request, restless: Restless): Promise<Result<readonly Message[], NetlinkError>> {
    for (let left = DUMP_TRIES; ; left--) {
      const all = await read(request, DUMP);
      if (!all.ok || all.value.every((message) => (message.flags & NLM_F.DUMP_INTR) === 0)) return all;
      if (left === 1) return restless === 'refuse' ? err(RESTLESS) : all;
    }
  }

  async function batch(requests: readonly Request[]): Promise<readonly Result<null, NetlinkError>[]> {
    const results: Result<null, NetlinkError>[] = [];
    while (results.length < requests.length)
      for (const { error } of await exchange(from(requests, results.length), CHANGE, 'writes'))
        results.push(error === undefined ? ok(null) : err(error));
    return results;
  }

  return ok({
    sent,
    request: (request) => inTurn(() => read(request, READ)),
    dump: (request, restless = 'refuse') => inTurn(() => dump(request, restless)),
    batch: (requests) => inTurn(() => batch(requests)),
    close() {
      if (closed) return;
      closed = true;
      socket.close();
      current?.end(CLOSED);
    },
  });
}

/** Does each work when those given before it are done. A work does not reject: it gives its failure as a value. */
export function takingTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = turn.then(work);
    turn = mine;
    return mine;
  };
}

function* from<T>(items: readonly T[], start: number): Generator<T> {
  for (let i = start; i < items.length; i++) yield items[i] as T;
}

/** What came for one request: data, and why it failed; `undefined`: it did not. */
type Reply = { readonly messages: Message[]; error: NetlinkError | undefined };

type Exchange = {
  receive(message: Message): void;
  /** Nothing more is to come: what has no answer yet failed with `error`. */
  end(error: NetlinkError): void;
};

/** Gathers the answers to requests `first`, `first + 1`, …; `done` is called once, when each has one. */
function collect(first: number, count: number, done: (replies: readonly Reply[]) => void): Exchange {
  const replies = Array.from({ length: count }, (): Reply => ({ messages: [], error: undefined }));
  const open = new Set(replies.keys());
  const settle = (index: number, error: NetlinkError | undefined): void => {
    (replies[index] as Reply).error = error;
    open.delete(index);
    if (open.size === 0) done(replies);
  };
  return {
    receive(message) {
      const index = message.sequence - first;
      if (!open.has(index)) return;
      if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) settle(index, ending(message));
      else (replies[index] as Reply).messages.push(message);
    },
    end(error) {
      for (const index of [...open]) settle(index, error);
    },
  };
}

function ending(message: Message): NetlinkError | undefined {
  const answer = message.type === NLMSG.ERROR ? decodeError(message) : decodeDone(message);
  if (!answer.ok) return UNREADABLE;
  const { errno, text } = answer.value;
  return errno === 0 ? undefined : systemError(errno, text);
}
