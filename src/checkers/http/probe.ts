/**
 * The `http` and `https` checks: one request on a connection of its own, HTTP/1.1, redirects not followed. The server is
 * up when the status is an accepted one and the body ends (or reaches `BODY_LIMIT`) in time and matches.
 *
 * Connecting is part of what is checked, so no connection is kept between probes. A probe that is over is ended by
 * ending its socket and never by undici's `abort`, which leaves the aborted request at the head of its queue and
 * opens another connection for it.
 */

import { isIP } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import errors from 'undici/lib/core/errors.js';
import Client from 'undici/lib/dispatcher/client.js';
import { formatEndpoint } from '../../base/address.ts';
import { toLinear } from '../../base/linear-pattern.ts';
import { printable } from '../../base/printable.ts';
import type { HttpCheckConfig } from '../../config/config.ts';
import { type Attempt, attempt, down, type Finding, localError, up } from '../attempt.ts';
import { type Connection, explainConnectionError, open } from '../connection.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { codeOf } from '../socket-error.ts';
import type { Trust } from '../trust.ts';

/** How many bytes of headers a server may send. */
const HEADER_LIMIT = 64 * 1024;
/**
 * How many bytes of a body are looked at; the rest is not read. It bounds memory, and, as the time of a match is linear
 * in it, how long a match holds up the process: mostly 5 to 10 ms on so long a body, 60 ms with the worst pattern.
 */
const BODY_LIMIT = 64 * 1024;

export function createHttpProber(check: HttpCheckConfig, target: ProbeTarget): Prober {
  const trust = check.type === 'https' ? trustOf(check, target) : null;
  const pattern = check.body === null ? null : toLinear(check.body);
  let current: Attempt | undefined;
  let connect: (callback: buildConnector.Callback) => void = () => undefined;

  const client = new Client(`${check.type}://${formatEndpoint(target.address)}`, {
    connect: (_options, callback) => connect(callback),
    allowH2: false,
    maxHeaderSize: HEADER_LIMIT,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const request: Dispatcher.DispatchOptions = {
    path: check.path,
    method: check.method,
    headers: { ...(check.host === null ? {} : { host: check.host }), 'user-agent': 'lvskeeper', accept: '*/*' },
    reset: true,
  };

  function run() {
    current = attempt(check.timeout, (settle) => {
      let connection: Connection | undefined;
      let over = false;
      let refuse: (why: string) => void = () => undefined;
      const answer = createAnswer(check.status, pattern, target, settle);
      connect = (callback) => {
        refuse = (why) => {
          refuse = () => undefined;
          callback(new Error(why), null);
        };
        if (over) return refuse('the probe is over');
        connection = open(target, trust, (result) => {
          if (result.ok) {
            refuse = () => undefined;
            callback(null, result.value);
          } else {
            settle(result.error);
            refuse(result.error.reason);
          }
        });
      };
      client.dispatch(request, answer.handler);
      return {
        waitingFor: () => WAITING[connection?.phase() ?? 'connecting'] ?? answer.waitingFor(),
        release: () => {
          over = true;
          connection?.end();
          refuse('the probe is over');
        },
      };
    });
    return current.result;
  }

  function close(): void {
    current?.giveUp();
    void client.destroy();
  }

  return { run, close };
}

const WAITING = { connecting: 'no answer', securing: 'TLS handshake not finished', open: null } as const;

/** The name to prove is the first of `sni`, `host` without its port, and the address; only names are sent as SNI. */
function trustOf(check: HttpCheckConfig, target: ProbeTarget): Trust {
  const identity = check.sni ?? (check.host === null ? target.address.address : hostname(check.host));
  return {
    verify: check.verify,
    ca: check.ca,
    identity,
    serverName: isIP(identity) === 0 ? identity : null,
    alpn: ['http/1.1'],
  };
}

const hostname = (host: string): string => host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/** Reads one answer and settles on it. What is under way by then still arrives, and is ignored. */
function createAnswer(
  accepted: HttpCheckConfig['status'],
  pattern: RegExp | null,
  target: ProbeTarget,
  settle: (finding: Finding) => void,
) {
  let status = '';
  let judged = false;
  let chunks: Buffer[] = [];
  let size = 0;

  function judge(finding: () => Finding): void {
    if (judged) return;
    const found = finding();
    judged = true;
    chunks = [];
    settle(found);
  }
  const judgeWhole = () => judge(() => (pattern === null ? up(status) : judgeBody(pattern, chunks, status)));

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, code, _headers, message) => {
      if (code < 200) return;
      status = `HTTP ${code}${message ? ` ${excerpt(message)}` : ''}`;
      if (!accepted.some(({ from, to }) => from <= code && code <= to))
        judge(() => down(`${status}, expected ${accepted.map(formatRange).join(', ')}`));
    },
    onResponseData: (_controller, chunk) => {
      if (judged) return;
      if (pattern !== null) chunks.push(chunk);
      size += chunk.length;
      if (size >= BODY_LIMIT) judgeWhole();
    },
    onResponseEnd: judgeWhole,
    onResponseError: (_controller, error) => judge(() => explainHttpError(error, status, target)),
  };
  return { handler, waitingFor: () => (status === '' ? 'connected, but no answer' : `${status}, but no end of body`) };
}

function judgeBody(pattern: RegExp, chunks: readonly Buffer[], status: string): Finding {
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, BODY_LIMIT));
  if (pattern.test(text)) return up(`${status}, body matches`);
  const seen = text === '' ? 'it is empty' : `it begins: ${excerpt(text)}`;
  return down(`body does not match /${pattern.source}/ (${seen})`);
}

const formatRange = (range: { from: number; to: number }): string =>
  range.from === range.to ? `${range.from}` : `${range.from}-${range.to}`;

/** What a server sent, for one line of a log: at most 60 characters. */
const excerpt = (text: string): string => printable(text.length > 60 ? `${text.slice(0, 60)}…` : text).trim();

function explainHttpError(error: Error, status: string, target: ProbeTarget): Finding {
  const code = codeOf(error);
  const where = status === '' ? 'before an answer' : 'in the middle of the body';
  if (code === 'ECONNRESET' || code === 'EPIPE') return down(`connection reset ${where}`);
  if (code === 'UND_ERR_SOCKET' && /^bad (response|upgrade)$/.test(error.message))
    return down('an interim answer (100 or 101) that was not asked for');
  if (code === 'UND_ERR_SOCKET') return down(`connection closed ${where}`);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return down(`more than ${HEADER_LIMIT / 1024} KiB of headers`);
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return down('body is not as long as its content-length says');
  if (error instanceof errors.HTTPParserError) {
    const why = /\((.*)\)$/.exec(error.message)?.[1] ?? error.message;
    return down(why === 'Invalid EOF state' ? `connection closed ${where}` : `not HTTP: ${why}`);
  }
  if (code === 'UND_ERR_INVALID_ARG') return localError(`the request is not valid: ${error.message}`);
  return explainConnectionError(error, target.source);
}
