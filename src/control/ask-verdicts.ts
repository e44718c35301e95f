/**
 * Asks another director for its verdicts, each time on a connection of its own: one that was kept would be the first thing
 * to be dead after a failure. Whatever answers there, it ends within the deadline and within bounds.
 */

import type { IncomingMessage } from 'node:http';
import { type Endpoint, formatEndpoint } from '../base/address.ts';
import { excerpt } from '../base/printable.ts';
import { err, type Result } from '../base/result.ts';
import { type Duration, formatDuration, seconds } from '../base/time.ts';
import { codeOf, explainSocketError } from '../checkers/socket-error.ts';
import { request } from './node-http.ts';
import { decodeVerdicts, type Verdicts } from './verdicts.ts';

/** For the whole question, to the end of the answer. */
const WITHIN = seconds(2);
/** Bytes of an answer: some 100,000 servers. */
const MOST_BYTES = 16 << 20;

type Bounds = { readonly within: Duration; readonly mostBytes: number };

/** Settles within `within`, or soon after `signal` is aborted; never rejects. The error is in words: `no answer in 2 s`. */
export function askVerdicts(
  peer: Endpoint,
  signal: AbortSignal,
  { within, mostBytes }: Bounds = { within: WITHIN, mostBytes: MOST_BYTES },
): Promise<Result<Verdicts, string>> {
  return new Promise((resolve) => {
    const asking = request({
      ...{ host: peer.address, port: peer.port, path: '/verdicts', agent: false },
      headers: { accept: 'application/json', 'user-agent': 'lvskeeper', host: formatEndpoint(peer) },
    });
    const settle = (result: Result<Verdicts, string>): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      asking.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => settle(err(`no answer in ${formatDuration(within)}`)), within);
    const cancel = (): void => settle(err('given up'));
    signal.addEventListener('abort', cancel);
    // Also after it is settled, when nobody else listens.
    asking.on('error', (error) => settle(err(brokenBy(error))));
    asking.on('response', (response) => hear(response, mostBytes, settle));
    asking.end();
    if (signal.aborted) cancel();
  });
}

function hear(response: IncomingMessage, most: number, settle: (result: Result<Verdicts, string>) => void): void {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('error', () => settle(err('the connection broke in the middle of its answer')));
  if (status !== 200) return settle(err(refusalOf(status, headers.location)));
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > most) return settle(err(`its answer has more than ${most} bytes`));
    chunks.push(chunk);
  });
  response.on('end', () => settle(decodeVerdicts(Buffer.concat(chunks).toString('utf8'))));
}

/** Node's parser of HTTP says what it could not read by a code of its own. */
const brokenBy = (error: Error): string =>
  codeOf(error).startsWith('HPE_') ? 'what answers there is no HTTP' : explainSocketError(error, null).reason;

function refusalOf(status: number, location: string | undefined): string {
  if (location !== undefined) return `HTTP ${status}, a redirect to ${excerpt(location)}, which is not followed`;
  if (status === 404) return 'HTTP 404: what answers there knows no verdicts';
  if (status === 503) return 'HTTP 503: its checks do not run';
  return `HTTP ${status}`;
}
