/**
 * The webhook sink: one POST an alert, each on a connection of its own (alerts are rare, and a kept connection would be
 * the first thing to be dead after a failover).
 *
 * undici's own timers are coarse, and a client destroyed while it connects leaves its socket open. So the connection is
 * made here, and one deadline of ours covers the whole attempt. undici is loaded with the first alert.
 */

import net from 'node:net';
import tls from 'node:tls';
import type { buildConnector } from 'undici';
import { formatDuration } from '../../base/time.ts';
import type { WebhookAlertConfig } from '../../config/config.ts';
import type { Send, Sent } from '../alert.ts';

/** Bytes of a refusal's body that are kept for the log. */
const REASON = 200;
/** Statuses, besides 5xx, that say "not now" and not "never": timeout, too early, too many requests (RFC 9110, 8470, 6585). */
const TRANSIENT: readonly number[] = [408, 425, 429];

export function webhookSender(config: WebhookAlertConfig): Send {
  const url = new URL(config.url);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'lvskeeper',
    ...(url.username !== '' && { authorization: basic(url) }),
  };
  for (const [name, value] of Object.entries(config.headers)) headers[name.toLowerCase()] = value;

  return async (alert, signal) => {
    // A CommonJS package: in the bundle only its default export is there.
    const { Client } = (await import('undici')).default;
    let socket: net.Socket | undefined;
    const client = new Client(url.origin, {
      connect: (_options, opened) => {
        socket = connect(url, opened);
      },
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const giveUp = (why: string): void => void client.destroy(new Error(why));
    const timer = setTimeout(giveUp, config.timeout, `no answer in ${formatDuration(config.timeout)}`);
    const cancel = (): void => giveUp('cancelled');
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      const answer = await client.request({
        method: 'POST',
        path: url.pathname + url.search,
        headers,
        body: JSON.stringify(alert),
      });
      if (answer.statusCode >= 200 && answer.statusCode <= 299) return { ok: true };
      return refusal(answer.statusCode, answer.headers.location, await beginningOf(answer.body));
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : String(error), again: true };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      client.destroy().catch(() => {});
      socket?.destroy();
    }
  };
}

/**
 * A receiver that understood and refused will refuse again, and meanwhile holds up the alerts behind: only what can
 * pass by itself is tried again. A redirect is not followed: it would turn the POST into a GET or carry headers elsewhere.
 */
function refusal(status: number, location: string | string[] | undefined, body: string): Sent {
  const reason = [`HTTP ${status}`, location === undefined ? '' : `redirect to ${location}`, body].filter(
    (part) => part !== '',
  );
  return { ok: false, reason: reason.join(': '), again: status >= 500 || TRANSIENT.includes(status) };
}

async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    if (text.length >= REASON) break;
  }
  return text.slice(0, REASON).trim();
}

const basic = (url: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`;

/** Connects, with TLS for `https`; `opened` is called once. */
function connect({ protocol, hostname, port }: URL, opened: buildConnector.Callback): net.Socket {
  // A URL has an IPv6 address in brackets.
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = protocol === 'https:';
  const to = { host, port: Number(port || (secure ? 443 : 80)) };
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  const socket = secure
    ? tls.connect({ ...to, ...name, ALPNProtocols: ['http/1.1'], secureContext: trusted() })
    : net.connect(to);
  const failed = (error: Error): void => opened(error, null);
  socket.once('error', failed);
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    socket.off('error', failed);
    opened(null, socket);
  });
  // Nobody else listens to a socket that is destroyed while it connects.
  socket.on('error', () => {});
  return socket;
}

let context: tls.SecureContext | undefined;

/** What the system trusts, as well as what Node does, read once. */
function trusted(): tls.SecureContext {
  const ca = () => [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
  context ??= tls.createSecureContext({ ca: ca() });
  return context;
}
