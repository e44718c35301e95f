/**
 * Gets the list of servers from a web server, each time on a connection of its own: one that was kept would be the first
 * thing to be dead after a failover. A server that knows entity tags need not send a list that has not changed (RFC 9110,
 * 13.1.2). undici is loaded with the first request.
 */

import net from 'node:net';
import tls from 'node:tls';
import type { buildConnector, Dispatcher } from 'undici';
import { err, ok, type Result } from '../../base/result.ts';
import { formatDuration, milliseconds, seconds } from '../../base/time.ts';
import { contextFor } from '../../checkers/trust.ts';
import { readTargets, type Targets } from '../../config/discovered-servers.ts';
import type { HttpDiscoveryConfig } from '../../config/discovery-config.ts';
import { readWhole } from '../../system/folder.ts';
import { decodeTargets } from '../../wire/prometheus-sd.ts';
import type { Answer, Source } from '../source.ts';

/** Bytes of an answer, with room for as many targets as are taken. */
const MOST_BYTES = 8 << 20;
const MOST_TOKEN = 64 << 10;
const RETRY = seconds(5);

/** The last list that came whole, and the entity tag that it came with. */
type Known = { readonly tag: string; readonly targets: Targets };

export function httpSource(config: HttpDiscoveryConfig): Source {
  const url = new URL(config.url);
  let known: Known | undefined;

  async function ask(signal: AbortSignal): Promise<Answer> {
    const headers = await headersOf(config, known);
    if (!headers.ok) return headers;
    const answer = await get(config, url, headers.value, signal);
    if (!answer.ok) return answer;
    const { status, tag, text } = answer.value;
    if (status === 304)
      return known ? ok({ ...known.targets, again: null }) : err('answers HTTP 304 to a first request');
    const listed = decodeTargets(text);
    if (!listed.ok) return err(`its answer: ${listed.error}`);
    const targets = readTargets(listed.value, config);
    known = tag === undefined ? undefined : { tag, targets };
    return ok({ ...targets, again: null });
  }

  return {
    // Without the query, which may hold a secret.
    what: url.origin + url.pathname,
    interval: config.interval,
    retry: milliseconds(Math.min(RETRY, config.interval)),
    ask,
  };
}

type Headers = Readonly<Record<string, string>>;

async function headersOf(
  { bearerTokenFile: file, interval }: HttpDiscoveryConfig,
  known: Known | undefined,
): Promise<Result<Headers, string>> {
  const headers = {
    accept: 'application/json',
    'user-agent': 'lvskeeper',
    // As Prometheus tells it.
    'x-prometheus-refresh-interval-seconds': String(interval / 1000),
    ...(known && { 'if-none-match': known.tag }),
  };
  if (file === null) return ok(headers);
  const token = await readWhole(file, MOST_TOKEN);
  if (!token.ok) return err(`bearer_token_file ${file} ${token.error}`);
  const word = token.value.trim();
  // RFC 6750, 2.1.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(word)) return err(`bearer_token_file ${file} holds no token`);
  return ok({ ...headers, authorization: `Bearer ${word}` });
}

type Got = { readonly status: 200 | 304; readonly tag: string | undefined; readonly text: string };

/** One request within one deadline. Settles soon after `signal` is aborted. */
async function get(
  { timeout, ca }: HttpDiscoveryConfig,
  url: URL,
  headers: Headers,
  signal: AbortSignal,
): Promise<Result<Got, string>> {
  const context = url.protocol === 'https:' ? trusting(ca) : ok(null);
  if (!context.ok) return context;
  // A CommonJS package: in the bundle only its default export is there.
  const { Client } = (await import('undici')).default;
  let socket: net.Socket | undefined;
  const client = new Client(url.origin, {
    connect: (_options, opened) => {
      socket = connect(url, context.value, opened);
    },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const giveUp = (why: string): void => void client.destroy(new Error(why));
  const timer = setTimeout(giveUp, timeout, `no answer in ${formatDuration(timeout)}`);
  const cancel = (): void => giveUp('given up');
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  try {
    return await read(await client.request({ method: 'GET', path: url.pathname + url.search, headers }));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    client.destroy().catch(() => {});
    socket?.destroy();
  }
}

async function read({ statusCode: status, headers, body }: Dispatcher.ResponseData): Promise<Result<Got, string>> {
  // Whoever ends the connection ends the body too, and nobody may be listening then.
  body.on('error', () => {});
  if (status !== 200 && status !== 304) {
    const to = headers.location === undefined ? '' : `, a redirect to ${headers.location}, which is not followed`;
    return err(`answers HTTP ${status}${to}`);
  }
  const { etag } = headers;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) return err(`answers with more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return ok({ status, tag: typeof etag === 'string' ? etag : undefined, text: Buffer.concat(chunks).toString('utf8') });
}

const trusting = (ca: string | null): Result<tls.SecureContext, string> =>
  contextFor({ verify: true, ca, certificate: null, key: null, serverName: null, identity: '', alpn: [] });

/** Connects, with TLS where there is a context; `opened` is called once. */
function connect(
  { protocol, hostname, port }: URL,
  context: tls.SecureContext | null,
  opened: buildConnector.Callback,
): net.Socket {
  // A URL has an IPv6 address in brackets.
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const to = { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  const socket =
    context === null
      ? net.connect(to)
      : tls.connect({ ...to, ...name, ALPNProtocols: ['http/1.1'], secureContext: context });
  const failed = (error: Error): void => opened(error, null);
  socket.once('error', failed);
  socket.once(context === null ? 'connect' : 'secureConnect', () => {
    socket.off('error', failed);
    opened(null, socket);
  });
  // Nobody else listens to a socket that is destroyed while it connects.
  socket.on('error', () => {});
  return socket;
}
