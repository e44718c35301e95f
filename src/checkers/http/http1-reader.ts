/**
 * Reads one HTTP/1 answer out of the pieces in which it arrives (RFC 9112): interim answers, head, body by length, by chunks,
 * or until the server closes. Memory is bounded by `HEADER_LIMIT`; of the body nothing is kept here.
 */

import { down } from '../attempt.ts';
import { type Listener, NO_FIELDS } from '../exchange.ts';
import { beginsWell, type Framing, framingOf, parseHead, persists, quote } from './http1-head.ts';

/** How many bytes of headers, those of interim answers and trailers included, a server may send. */
export const HEADER_LIMIT = 64 * 1024;
/** How long the line before a chunk may be: a length, and extensions that nobody uses. */
const CHUNK_LINE_LIMIT = 4096;

export type Http1Reader = {
  push(bytes: Buffer): void;
  /** The server will send nothing more; `how` completes "connection …" when that is too early. */
  finish(how: 'closed' | 'reset'): void;
  /** The listener is told nothing more. */
  stop(): void;
  /** Whether the answer is complete and the connection fit for another. */
  reusable(): boolean;
};

/** Reads on from a place, and gives where the next step begins; `MORE`: what begins there is not all there yet. */
type Step = (input: Buffer, at: number) => number;
const MORE = -1;

export function createHttp1Reader(bodiless: boolean, listener: Listener): Http1Reader {
  let step: Step | null = readHead;
  let framing: Framing | null = null;
  let persistent = false;
  let reusable = false;
  /** The answer is, and nobody has been told yet. */
  let complete = false;
  /** Bytes of what is not all there yet. */
  let pending: Buffer | null = null;
  let headers = 0;
  let left = 0;
  let untouched = true;

  function push(bytes: Buffer): void {
    const input = pending === null ? bytes : Buffer.concat([pending, bytes]);
    pending = null;
    untouched = false;
    let at = 0;
    while (step !== null && at < input.length) {
      const next = step(input, at);
      if (next === MORE) {
        pending = input.subarray(at);
        return;
      }
      at = next;
    }
    // Of what comes after the answer nobody knows to which request it belongs.
    reusable = (complete ? persistent : reusable) && at === input.length;
    if (!complete) return;
    complete = false;
    listener.end(NO_FIELDS);
  }

  function fail(why: string): number {
    step = null;
    listener.failed({ kind: 'fault', finding: down(why) });
    return MORE;
  }
  function endAnswer(): void {
    step = null;
    complete = true;
  }
  /** Counts header bytes; false when they are too many, which then has been told. */
  function within(bytes: number): boolean {
    if (headers + bytes <= HEADER_LIMIT) return true;
    fail(`more than ${HEADER_LIMIT / 1024} KiB of headers`);
    return false;
  }

  function readHead(input: Buffer, at: number): number {
    const end = input.indexOf('\r\n\r\n', at, 'latin1');
    const size = (end < 0 ? input.length : end + 4) - at;
    if (isTls(input, at)) return fail('not HTTP: the server speaks TLS on this port');
    if (!beginsWell(input.toString('latin1', at, at + 12)))
      return fail(`not HTTP: it begins ${quote(input.toString('latin1', at, at + 80))}`);
    if (!within(size)) return MORE;
    if (end < 0) return input.includes('\n\n', at, 'latin1') ? fail('not HTTP: lines end without CR') : MORE;
    headers += size;
    const head = parseHead(input.toString('latin1', at, end));
    if (!head.ok) return fail(`not HTTP: ${head.error}`);
    if (head.value.code === 101) return fail('HTTP 101, a switch of protocols that was not asked for');
    if (head.value.code < 200) return end + 4;
    const framed = framingOf(head.value, bodiless);
    if (!framed.ok) return fail(`not HTTP: ${framed.error}`);
    framing = framed.value;
    persistent = persists(head.value, framing);
    step = { length: readBody, chunked: readChunkLine, close: readBody }[framing.kind];
    left = framing.kind === 'length' ? framing.length : Number.POSITIVE_INFINITY;
    listener.head(head.value);
    if (step !== null && left === 0) endAnswer();
    return end + 4;
  }

  function readBody(input: Buffer, at: number): number {
    const end = Math.min(input.length, at + left);
    left -= end - at;
    listener.body(input.subarray(at, end));
    if (step !== null && left === 0) endAnswer();
    return end;
  }

  function readChunkLine(input: Buffer, at: number): number {
    const end = input.indexOf('\r\n', at, 'latin1');
    const line = input.toString('latin1', at, Math.min(end < 0 ? input.length : end, at + CHUNK_LINE_LIMIT));
    if (line.length === CHUNK_LINE_LIMIT) return fail('not HTTP: a chunk begins with an endless line');
    const length = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;.*|[ \t]*)$/.exec(line)?.[1];
    if (end < 0 && /^[0-9A-Fa-f]/.test(line)) return MORE;
    if (length === undefined) return fail(`not HTTP: chunk length ${quote(line)}`);
    left = Number.parseInt(length, 16);
    step = left === 0 ? readTrailer : readChunk;
    return end + 2;
  }

  function readChunk(input: Buffer, at: number): number {
    const end = Math.min(input.length, at + left);
    left -= end - at;
    if (left === 0) step = readChunkEnd;
    listener.body(input.subarray(at, end));
    return end;
  }

  function readChunkEnd(input: Buffer, at: number): number {
    if (input.length - at < 2 && input[at] === CR) return MORE;
    if (input[at] !== CR || input[at + 1] !== LF) return fail('not HTTP: a chunk longer than its length');
    step = readChunkLine;
    return at + 2;
  }

  /** Trailers are passed over, up to an empty line. */
  function readTrailer(input: Buffer, at: number): number {
    const end = input.indexOf('\r\n', at, 'latin1');
    if (!within((end < 0 ? input.length : end + 2) - at)) return MORE;
    if (end < 0) return MORE;
    headers += end + 2 - at;
    if (end === at) endAnswer();
    return end + 2;
  }

  function finish(how: 'closed' | 'reset'): void {
    if (step === null) return;
    step = null;
    if (framing?.kind === 'close' && how === 'closed') return listener.end(NO_FIELDS);
    listener.failed({ kind: 'lost', why: `connection ${how}`, untouched });
  }

  function stop(): void {
    step = null;
    complete = false;
  }

  return { push, finish, stop, reusable: () => reusable };
}

/** An alert, with which a server of TLS answers a request (RFC 8446, 5.1). */
const isTls = (input: Buffer, at: number): boolean => input[at] === 21 && input[at + 1] === 3;

const CR = 13;
const LF = 10;
