/**
 * A netlink socket as a client: requests, dumps, and batches of changes, each with its answer.
 *
 * Answers are matched by sequence number. One exchange is under way at a time and others wait their turn: the kernel runs
 * one dump a socket, and what may be outstanding is bounded by the receive buffer. A batch goes out as several messages
 * in one send and is not awaited one by one: the kernel works through a send, in order, before it returns, so the answers
 * are there when it does. It always answers what it refuses, so of all of a send only the last asks to be acknowledged
 * (NLM_F_ACK): when its answer is there, those before it without one are done. Answers are read at once, so that what waits for them goes on in
 * the same turn of the event loop; the rest of a dump, and what a busy kernel answers later, is read as it comes.
 */

import { constants } from 'node:os';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, seconds } from '../base/time.ts';
import { takingTurns } from '../base/turns.ts';
import { acknowledged, decodeMessages, type Message, NLM_F, NLMSG, writeMessage } from '../wire/netlink.ts';
import { decodeDone, decodeError } from '../wire/netlink-error.ts';
import { clear, newSink, type Sink, written } from '../wire/netlink-sink.ts';
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
  /** Many of them. One answer for each, in the same order. */
  requests(requests: readonly Request[]): Promise<readonly Result<readonly Message[], NetlinkError>[]>;
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
/** What an answer may take of the receive buffer, the kernel's own administration included: one with data, and one without. */
const ANSWER_BYTES = { reads: 8192, writes: 2048 } as const;
/** For one send, from when the kernel took it. It answers at once; loading a module for it may take a second. */
const TIMEOUT: Duration = seconds(10);
const DUMP_TRIES = 4;
/** Sequence numbers start anew here: far enough below 2^32 that one send never crosses it. 0 is left to notifications. */
const SEQUENCES = 0xffff_0000;

/** The kernel's own port. */
const KERNEL = 0;

const DUMP = NLM_F.REQUEST | NLM_F.DUMP;

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
  return ok(
    netlinkOver({
      ...{ port: socket.address().port, room: socket.getRecvBufferSize() },
      listen(take, failed) {
        socket.on('message', (bytes, sender) => take(bytes, sender.port));
        socket.on('error', failed);
      },
      send: (bytes) => sendNow(descriptor, bytes),
      receive: () => receiveNow(descriptor),
      close: () => socket.close(),
    }),
  );
}

/** A socket, bytes as the kernel has them. `room`: of its receive buffer, in bytes. */
export type Wire = {
  readonly port: number;
  readonly room: number;
  /** What comes while nobody receives it at once, and whose port it is from. */
  listen(take: (bytes: Uint8Array, port: number) => void, failed: (error: Error) => void): void;
  /** The answers are there when it returns, as far as they come at once. Throws what `failure` reads, as `receive` does. */
  send(bytes: Uint8Array): void;
  receive(): { readonly bytes: Uint8Array; readonly port: number } | undefined;
  close(): void;
};

export function netlinkOver(wire: Wire): Netlink {
  const { port, room } = wire;
  const sent = { reads: 0, writes: 0 };
  // A send is over before the next is written, so all of them have one buffer.
  const sink = newSink();
  let last = 0;
  let current: Exchange | undefined;
  const inTurn = takingTurns();
  let closed = false;

  function take(bytes: Uint8Array, sender: number): void {
    if (sender !== KERNEL) return;
    const messages = decodeMessages(bytes);
    // It may have been a refusal, whose absence would mean that all is well.
    if (!messages.ok) return current?.end(UNREADABLE);
    for (const message of messages.value) if (message.port === port >>> 0) current?.receive(message);
  }
  wire.listen(take, (error) => current?.end(failure(error)));

  /** Sends the first of `requests`, as many as may be outstanding, and settles when all of them are answered. */
  function exchange(requests: Iterable<Request>, flags: number, counter: keyof typeof sent): Promise<readonly Reply[]> {
    const outstanding = Math.max(1, Math.floor(room / ANSWER_BYTES[counter]));
    clear(sink);
    const first = last + 1;
    let count = 0;
    let start = 0;
    for (const { type, flags: more = 0, payload } of requests) {
      start = writeMessage(sink, { type, flags: flags | more, sequence: first + count, port }, payload);
      count++;
      if (count === outstanding || sink.length > SEND_BYTES) break;
    }
    // A dump has an end of its own.
    if (flags !== DUMP) acknowledged(sink, start);
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
        wire.send(written(sink));
        // Data and an acknowledgement for each is all that is there by now.
        for (let n = 0; n < 2 * count && current === mine; n++) {
          const received = wire.receive();
          if (received === undefined) break;
          take(received.bytes, received.port);
        }
      } catch (thrown) {
        return mine.end(failure(thrown));
      }
      if (current === mine) timer = setTimeout(() => mine.end(SILENT), TIMEOUT);
    });
  }

  async function dump(request: Request, restless: Restless): Promise<Result<readonly Message[], NetlinkError>> {
    for (let left = DUMP_TRIES; ; left--) {
      const [reply] = await exchange([request], DUMP, 'reads');
      const all = answerOf(reply as Reply);
      if (!all.ok || all.value.every((message) => (message.flags & NLM_F.DUMP_INTR) === 0)) return all;
      if (left === 1) return restless === 'refuse' ? err(RESTLESS) : all;
    }
  }

  /** In as many sends as it takes. */
  async function all(requests: readonly Request[], counter: keyof typeof sent): Promise<readonly Reply[]> {
    const replies: Reply[] = [];
    while (replies.length < requests.length)
      replies.push(...(await exchange(from(requests, replies.length), NLM_F.REQUEST, counter)));
    return replies;
  }

  const read = (requests: readonly Request[]) => inTurn(async () => (await all(requests, 'reads')).map(answerOf));

  return {
    sent,
    request: async (request) => (await read([request]))[0] as Result<readonly Message[], NetlinkError>,
    requests: read,
    dump: (request, restless = 'refuse') => inTurn(() => dump(request, restless)),
    batch: (requests) =>
      inTurn(async () => (await all(requests, 'writes')).map(({ error }) => (error === undefined ? DONE : err(error)))),
    close() {
      if (closed) return;
      closed = true;
      wire.close();
      current?.end(CLOSED);
    },
  };
}

function* from<T>(items: readonly T[], start: number): Generator<T> {
  for (let i = start; i < items.length; i++) yield items[i] as T;
}

/** What came for one request: data, and why it failed; `undefined`: it did not. */
type Reply = { readonly messages: Message[]; error: NetlinkError | undefined };

const answerOf = ({ messages, error }: Reply): Result<readonly Message[], NetlinkError> =>
  error === undefined ? ok(messages) : err(error);

const DONE = ok(null);

type Exchange = {
  receive(message: Message): void;
  /** Nothing more is to come: what has no answer yet failed with `error`. */
  end(error: NetlinkError): void;
};

/**
 * Gathers the answers to requests `first`, `first + 1`, …; `done` is called once, when the last of them is answered. What
 * has no answer by then was carried out, since the kernel answers in order; when the end is an untimely one nobody knows.
 */
function collect(first: number, count: number, done: (replies: readonly Reply[]) => void): Exchange {
  const replies = Array.from({ length: count }, (): Reply => ({ messages: [], error: undefined }));
  return {
    receive(message) {
      const index = message.sequence - first;
      const reply = replies[index];
      if (reply === undefined) return;
      if (message.type !== NLMSG.ERROR && message.type !== NLMSG.DONE) {
        reply.messages.push(message);
        return;
      }
      reply.error = ending(message);
      if (index === count - 1) done(replies);
    },
    end(error) {
      for (const reply of replies) reply.error ??= error;
      done(replies);
    },
  };
}

function ending(message: Message): NetlinkError | undefined {
  const answer = message.type === NLMSG.ERROR ? decodeError(message) : decodeDone(message);
  if (!answer.ok) return UNREADABLE;
  const { errno, text } = answer.value;
  return errno === 0 ? undefined : systemError(errno, text);
}
