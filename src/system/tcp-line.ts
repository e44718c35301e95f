/**
 * TCP connections over which little is said: a short question and an answer. Without a `net.Socket`, whose making and unmaking
 * costs more than what is said. All of the process share one descriptor of epoll(7), which stays.
 */

import type { Result } from '../base/result.ts';
import { type Course, MOST_READY, startConnecting } from './course.ts';
import { attempt, native, type SystemError } from './native.ts';

/** At most one of `ended` and `failed` comes, as the last: the line has let go of everything then. */
export type Hearer = {
  connected(): void;
  /** The bytes are the hearer's to keep. */
  heard(bytes: Buffer): void;
  /** The other end will say nothing more. */
  ended(): void;
  failed(error: SystemError): void;
};

export type Line = {
  /** Sends a text in Latin-1, at most `MOST_SAID` long, when nothing else is on its way. That it could not be sent is told later. */
  say(text: string): void;
  /** Ends the connection with a reset, or stops connecting; nobody is told anything after it. May be called again. */
  end(): void;
};

/** What a line may say at once: it fits into an empty buffer of any socket (tcp_wmem, tcp(7)). */
export const MOST_SAID = 4096;

type Open = { readonly id: number; readonly fd: number; readonly hearer: Hearer; connected: boolean };
/** `id`s are not used again, as descriptors are: what is told late of one that has ended means nobody. */
type Exchange = { readonly epoll: number; readonly lines: Map<number, Open> };

const ready = new Float64Array(MOST_READY);
const room = Buffer.allocUnsafeSlow(64 * 1024);
let exchange: Exchange | undefined;
let lastId = 0;

/** Opens a line. The error value is a refusal on this machine before anything was sent, as of `connectTcp`. */
export function openLine(course: Course, hearer: Hearer): Result<Line, SystemError> {
  const id = ++lastId;
  return attempt(() => {
    exchange ??= startExchange();
    const { epoll, lines } = exchange;
    const line: Open = { id, fd: startConnecting(course, epoll, id), hearer, connected: false };
    lines.set(id, line);
    return {
      say: (text) => say(lines, line, text),
      end: () => hangUp(lines, line),
    };
  });
}

/** An error of send(2) is that of the connection, which the next reading tells of as well. */
function say(lines: Exchange['lines'], line: Open, text: string): void {
  if (!lines.has(line.id)) return;
  const bytes = Buffer.from(text, 'latin1');
  const sent = attempt(() => native.sendBytes(line.fd, bytes));
  if (!sent.ok || sent.value === bytes.length) return;
  setImmediate(() => {
    if (!lines.has(line.id)) return;
    hangUp(lines, line);
    line.hearer.failed(
      Object.assign(new Error('send: not taken whole'), { code: 'ENOBUFS', errno: 0, syscall: 'send' }),
    );
  });
}

function hangUp(lines: Exchange['lines'], { id, fd }: Open): void {
  if (lines.delete(id)) native.reset(fd);
}

function startExchange(): Exchange {
  const started: Exchange = { epoll: native.openEpoll(), lines: new Map() };
  const poll = native.poll(started.epoll, () => {
    const count = native.readyConnects(started.epoll, ready);
    for (const told of ready.slice(0, count)) {
      const line = started.lines.get(Math.abs(told));
      if (line?.connected) listen(started, line);
      else if (line) finishConnecting(started, line, told < 0);
    }
  });
  // Whoever waits for an answer has a deadline, which holds the process.
  native.unrefPoll(poll);
  return started;
}

function finishConnecting({ epoll, lines }: Exchange, line: Open, failed: boolean): void {
  const connected = attempt(() => {
    if (failed) native.endConnect(line.fd);
    native.watchInput(epoll, line.fd, line.id);
  });
  line.connected = true;
  if (connected.ok) return line.hearer.connected();
  hangUp(lines, line);
  line.hearer.failed(connected.error);
}

/** An end is told again and again until the descriptor is closed, so it is closed at once. */
function listen({ lines }: Exchange, line: Open): void {
  const received = attempt(() => native.receiveBytes(line.fd, room));
  if (received.ok && received.value === undefined) return;
  if (received.ok && received.value) return line.hearer.heard(Buffer.from(room.subarray(0, received.value)));
  hangUp(lines, line);
  if (received.ok) line.hearer.ended();
  else line.hearer.failed(received.error);
}
