/**
 * Echo requests under way, of all probers: one raw socket a family carries them, which is open only while an answer is
 * waited for, so that nothing stays when the last prober is gone.
 *
 * A request is known by its id and sequence, 32 bits that are counted up from a chance beginning, and its answer by these,
 * by the address that it comes from, and by its data: other programs of the machine ping too.
 */

import { randomInt } from 'node:crypto';
import { type Family, familyOf, type IpAddress } from '../../base/address.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { between, type Duration, type Instant } from '../../base/time.ts';
import { now } from '../../system/clock.ts';
import { type EchoPath, type EchoSocket, openEchoSocket } from '../../system/echo-socket.ts';
import type { SystemError } from '../../system/native.ts';
import { ANSWER_TYPES, decode, encodeRequest } from '../../wire/icmp.ts';

export type EchoOutcome =
  | { readonly answered: true; readonly took: Duration }
  /** In words: `host unreachable`. */
  | { readonly answered: false; readonly why: string };

export type Echoes = {
  /** Sends a request. `done` is called at most once, later; what is returned gives the request up, and may be called again. */
  send(path: EchoPath, data: Uint8Array, done: (outcome: EchoOutcome) => void): Result<() => void, SystemError>;
};

type Waiting = {
  readonly destination: IpAddress;
  readonly data: Uint8Array;
  readonly sentAt: Instant;
  readonly done: (outcome: EchoOutcome) => void;
};

/** Of one family. */
function createEchoes(family: Family): Echoes {
  const waiting = new Map<number, Waiting>();
  let socket: EchoSocket | undefined;
  let last = randomInt(2 ** 32);

  /** Takes the request out, and closes the socket behind the last one. */
  function take(key: number): void {
    if (!waiting.delete(key) || waiting.size > 0) return;
    socket?.close();
    socket = undefined;
  }

  function hear(message: Uint8Array, from: IpAddress, receivedAt: Instant): void {
    const read = decode(family, message);
    if (!read.ok) return;
    const answer = read.value;
    const key = answer.id * 0x10000 + answer.sequence;
    const request = waiting.get(key);
    if (request === undefined) return;
    const { destination, data, sentAt, done } = request;
    if (destination !== (answer.kind === 'reply' ? from : answer.destination)) return;
    if (answer.kind === 'reply' && Buffer.compare(answer.data, data) !== 0) return;
    take(key);
    done(
      answer.kind === 'reply'
        ? { answered: true, took: between(sentAt, receivedAt) }
        : { answered: false, why: answer.why },
    );
  }

  return {
    send(path, data, done) {
      if (socket === undefined) {
        const opened = openEchoSocket(family, ANSWER_TYPES[family], hear);
        if (!opened.ok) return opened;
        socket = opened.value;
      }
      do last = (last + 1) % 2 ** 32;
      while (waiting.has(last));
      const key = last;
      const message = encodeRequest(family, { id: Math.floor(key / 0x10000), sequence: key % 0x10000, data });
      waiting.set(key, { destination: path.destination, data, sentAt: now(), done });
      const sent = socket.send(message, path);
      if (sent.ok) return ok(() => take(key));
      take(key);
      return err(sent.error);
    },
  };
}

const families: Readonly<Record<Family, Echoes>> = { 4: createEchoes(4), 6: createEchoes(6) };

/** Those of this process. */
export const echoes: Echoes = {
  send: (path, data, done) => families[familyOf(path.destination)].send(path, data, done),
};
