/** One request and its answer, over whatever version of HTTP: what a check asks, and how it is told what comes back. */

import { formatEndpoint } from '../base/address.ts';
import type { Finding, Learned } from './attempt.ts';
import type { ProbeTarget } from './probe.ts';
import { codeOf } from './socket-error.ts';

/** Header or trailer fields of an answer by name, in lower case. Several of one name are one value, joined with commas. */
export type Fields = { get(name: string): string | undefined };

export type Head = {
  readonly code: number;
  /** The words beside the code; HTTP/2 has none. */
  readonly phrase: string;
  readonly fields: Fields;
};

/** Without any: HTTP/1 trailers are passed over. */
export const NO_FIELDS: Fields = { get: () => undefined };

/** Told in this order: `head` once, `body` any number of times, `end`; or `failed` at any time, and nothing after it. */
export type Listener = {
  /** The final answer's; interim ones (1xx) are passed over. */
  head(head: Head): void;
  body(bytes: Buffer): void;
  end(trailers: Fields): void;
  failed(failure: Failure): void;
};

export type Failure =
  /** The connection ended, in words that "before an answer" can follow. `untouched`: no byte of an answer had come. */
  | { readonly kind: 'lost'; readonly why: string; readonly untouched: boolean }
  /** What came is not what the protocol allows, or more than is taken; or the connection failed in another way. */
  | { readonly kind: 'fault'; readonly finding: Finding };

export type Asked = {
  readonly method: string;
  readonly path: string;
  /** What the server is called: `Host`, or `:authority`. */
  readonly authority: string;
  /** Header fields besides those of the protocol itself, as they are written in HTTP/1. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
};

/** An open connection over which requests are asked, one at a time. */
export type Link = {
  /** `last`: no other request follows, so the server may close. */
  ask(asked: Asked, last: boolean, listener: Listener): void;
  /** Whether another request may be asked: the last answer is complete, and the connection has not ended. */
  usable(): boolean;
  /** Forgets who was told of the last answer: nothing is asked for a while. */
  rest(): void;
  /** Ends the connection; nobody is told anything after it. May be called again. */
  end(): void;
  /** Of the server's certificate. */
  learned(): Learned;
};

const RESETS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);
/** Whether an error says no more than that the server has ended the connection roughly. */
export const isReset = (error: Error): boolean => RESETS.has(codeOf(error));

/** What the server is called in a request: `host`, or its address and port. */
export const authorityOf = (host: string | null, { address }: ProbeTarget): string => host ?? formatEndpoint(address);

/** What its certificate must be for without `sni`: `host` without its port, or the address. */
export const nameOf = (host: string | null, { address }: ProbeTarget): string =>
  host === null ? address.address : host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
