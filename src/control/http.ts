/** The little of HTTP that the control API and the metrics listener share: routes, JSON replies, errors with advice. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { nearest } from '../base/nearest.ts';
import { createServer } from './node-http.ts';

export type Route = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A part `NAME` stands for any one. */
  readonly path: string;
  /** One line for `GET /`. */
  readonly summary: string;
  /** Replies, or leaves the reply to go on by itself. What it throws becomes a reply: an `HttpError` its own, the rest 500. */
  readonly handle: (request: Request, response: ServerResponse) => void | Promise<void>;
};

export type Request = {
  /** What stands for `NAME` in the path, decoded; empty where the path has none. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** The whole body as text. Throws an `HttpError` when it is too long or not UTF-8. */
  readonly body: () => Promise<string>;
};

/** What every refused request gets. */
export type ErrorReply = { readonly error: string; readonly what: string; readonly todo: string };

export class HttpError extends Error {
  readonly status: number;
  readonly reply: ErrorReply;
  constructor(status: number, error: string, what: string, todo: string) {
    super(what);
    this.status = status;
    this.reply = { error, what, todo };
  }
}

/** A config of 50,000 servers is some 8 MB. */
const MAX_BODY = 16 << 20;
const MAX_CONNECTIONS = 100;

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`);
}

/** Only the path of a request counts. */
const ORIGIN = 'http://control';

export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/**
 * A server for `routes`. Every socket and request may fail or stall at any moment without harm: what has not sent its
 * request within 10 s is disconnected. `failed` is told of a handler's defect; the client gets a 500.
 */
export function serverFor(routes: readonly Route[], failed: (path: string, error: unknown) => void): Server {
  const server = createServer((request, response) => {
    response.on('error', () => {});
    const target = request.url ?? '/';
    // `//` and the like are no path (RFC 9112, 3.2.1), and URL throws for them.
    const url = new URL(URL.canParse(target, ORIGIN) ? target : '/', ORIGIN);
    const answer = async (): Promise<void> => {
      if (!URL.canParse(target, ORIGIN))
        throw new HttpError(400, 'bad-path', `${target} is no path`, 'GET / lists what there is.');
      const route = routeFor(routes, request.method ?? 'GET', url.pathname);
      const name = nameIn(route.path, url.pathname);
      await route.handle({ name, query: url.searchParams, body: () => bodyOf(request) }, response);
    };
    answer().catch((error: unknown) => {
      if (!(error instanceof HttpError)) failed(url.pathname, error);
      if (response.headersSent) return void response.destroy();
      if (!request.complete) response.setHeader('connection', 'close');
      const { status, reply } = error instanceof HttpError ? error : internal(error);
      if (status === 405) response.setHeader('allow', methodsOf(routes, url.pathname).join(', '));
      sendJson(response, status, reply);
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 5_000;
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

const internal = (error: unknown): HttpError =>
  new HttpError(
    500,
    'internal',
    error instanceof Error ? error.message : String(error),
    'This is a defect or a dying daemon: look into its log.',
  );

const methodsOf = (routes: readonly Route[], path: string): string[] => {
  const methods = routes.filter((route) => matches(route.path, path)).map((route) => route.method as string);
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
};

const NAME = 'NAME';

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  return (
    wanted.length === given.length && wanted.every((part, i) => part === given[i] || (part === NAME && given[i] !== ''))
  );
}

function nameIn(pattern: string, path: string): string {
  const at = pattern.split('/').indexOf(NAME);
  try {
    return at < 0 ? '' : decodeURIComponent(path.split('/')[at] ?? '');
  } catch {
    throw new HttpError(400, 'bad-name', `${path} has a name that is not percent-encoded UTF-8`, 'Encode it so.');
  }
}

function routeFor(routes: readonly Route[], method: string, path: string): Route {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const route = routes.find((candidate) => matches(candidate.path, path) && candidate.method === wanted);
  if (route) return route;
  const methods = methodsOf(routes, path);
  if (methods.length > 0)
    throw new HttpError(405, 'method-not-allowed', `${path} does not take ${method}`, `Use ${methods[0]}.`);
  const near = nearest(path, new Set(routes.map((candidate) => candidate.path)));
  throw new HttpError(
    404,
    'not-found',
    `there is no ${path}`,
    near === undefined ? 'GET / lists what there is.' : `Did you mean ${near}? GET / lists what there is.`,
  );
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY)
      throw new HttpError(413, 'too-long', `the body has more than ${MAX_BODY} bytes`, 'Send less.');
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new HttpError(400, 'not-utf8', 'the body is not UTF-8 text', 'Send UTF-8.');
  }
}
