/** The other end of the control socket, for the command line: one request and its answer, or the events as they come. */

import type { IncomingMessage, RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { err, ok, type Result } from '../base/result.ts';
import type { Event } from './event.ts';
import type { ErrorReply } from './http.ts';
import { request as httpRequest } from './node-http.ts';

export type Call = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** TOML. */
  readonly body?: string;
  /** Sent as JSON, in place of `body`. */
  readonly json?: unknown;
  /** From the call to the whole answer, ms. Default 30,000. */
  readonly timeout?: number;
};

/** `body` is JSON where the answer said so, else text. */
export type Reply = { readonly status: number; readonly body: unknown };

/** Nobody answered. `code` is an errno name, or `TIMEOUT`, or `BAD_ANSWER`. */
export type Unreachable = { readonly code: string; readonly message: string };

export async function call(socket: string, { timeout = 30_000, ...what }: Call): Promise<Result<Reply, Unreachable>> {
  const { method, path } = what;
  const sent = what.json === undefined ? what.body : JSON.stringify(what.json);
  const type = what.json === undefined ? 'application/toml' : 'application/json';
  const headers = sent === undefined ? {} : { 'content-type': type };
  const opened = await open(socket, { method, path, headers }, sent, AbortSignal.timeout(timeout));
  if (!opened.ok) return opened;
  const response = opened.value;
  try {
    const body = await text(response);
    const json = response.headers['content-type']?.startsWith('application/json') === true;
    return ok({ status: response.statusCode ?? 0, body: json ? JSON.parse(body) : body });
  } catch (error) {
    return err(unreachable(socket, error instanceof SyntaxError ? 'BAD_ANSWER' : codeOf(error)));
  }
}

/**
 * The answer to `GET /events?…&follow=1`, event by event, until `signal` is aborted; when the daemon ends it, the last
 * item is that error.
 */
export async function* follow(
  socket: string,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<Result<Event, Unreachable>> {
  const opened = await open(socket, { method: 'GET', path: `/events?${query}` }, undefined, signal);
  if (!opened.ok) {
    if (!signal.aborted) yield opened;
    return;
  }
  const response = opened.value;
  if (response.statusCode !== 200) {
    const refusal = JSON.parse(await text(response)) as Partial<ErrorReply>;
    yield err({ code: 'REFUSED', message: `${refusal.what}. ${refusal.todo}` });
    return;
  }
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield ok(JSON.parse(line) as Event);
    }
  } catch (error) {
    if (error instanceof SyntaxError) {
      yield err(unreachable(socket, 'BAD_ANSWER'));
      return;
    }
  } finally {
    response.destroy();
  }
  if (!signal.aborted)
    yield err({ code: 'ENDED', message: 'the daemon ended the stream of events: it stops or restarts' });
}

function open(
  socketPath: string,
  options: RequestOptions,
  body: string | undefined,
  signal: AbortSignal,
): Promise<Result<IncomingMessage, Unreachable>> {
  return new Promise((resolve) => {
    const request = httpRequest({ ...options, socketPath, agent: false, signal }, (response) => resolve(ok(response)));
    request.on('error', (error) => resolve(err(unreachable(socketPath, codeOf(error)))));
    request.end(body);
  });
}

const codeOf = (error: unknown): string => {
  const { code, name, message } = error as NodeJS.ErrnoException;
  return name === 'TimeoutError' || name === 'AbortError' ? 'TIMEOUT' : (code ?? message);
};

function unreachable(socket: string, code: string): Unreachable {
  return { code, message: `cannot reach the daemon on ${socket}: ${ADVICE[code] ?? code}` };
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket. Is it running (`systemctl status lvskeeper`)? --socket names another one',
  ECONNREFUSED: 'nobody listens there: the daemon that made the socket is dead (`systemctl status lvskeeper`)',
  EACCES: 'permission denied; run this as root',
  EPERM: 'permission denied; run this as root',
  ENOTSOCK: 'that is not a socket',
  TIMEOUT: 'it does not answer in time',
  ECONNRESET: 'it broke the connection: it stops or restarts',
  BAD_ANSWER: 'the answer is not JSON; another program listens there',
};
