/** The connection of one probe: TCP from where the target says, then TLS if asked. */

import type { X509Certificate } from 'node:crypto';
import type net from 'node:net';
import tls from 'node:tls';
import type { IpAddress } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { PhaseLimits } from '../config/config.ts';
import { connectTcp, watchRefusal } from '../system/tcp-socket.ts';
import { deadline, down, type Finding, type Learned, localError } from './attempt.ts';
import { type ProbeTarget, reach } from './probe.ts';
import { codeOf, explainNetworkError, explainSocketError } from './socket-error.ts';
import { contextFor, explainRefusal, type Trust } from './trust.ts';

export type Connection = {
  phase(): Phase;
  /** When the certificate of the server expires, once it has shown one; for `Opened.learned`. */
  learned(): Learned;
  /** Ends the connection, or stops connecting. May be called at any time, and again. */
  end(): void;
};
export type Phase = 'connecting' | 'securing' | 'open';

/** What is missing in a phase, to begin a sentence with; `null`: it is up to the kind of check. */
export const MISSING = {
  connecting: 'no answer',
  securing: 'TLS handshake not finished',
  open: null,
} as const satisfies Readonly<Record<Phase, string | null>>;

/** What a connection that is longer than `connect_timeout` lacks. */
export const NO_CONNECTION = (): string => 'no connection';

type Done = (result: Result<net.Socket, Finding>) => void;

/**
 * Opens a connection; `done` is called once, later, unless `end` comes first. `trust` is `null` for plain TCP. A phase
 * that is longer than its limit is a failure in words of its own: `no connection in 300 ms`.
 */
export function open(target: ProbeTarget, trust: Trust | null, limits: PhaseLimits, done: Done): Connection {
  const once = atMostOnce(done);
  const opened = connectTcp(target.address, reach(target));
  if (!opened.ok) return failed(explainSocketError(opened.error, target.source), once);
  const refused = watchRefusal(opened.value);
  // Before the listeners below, to which an error is a word of the network.
  opened.value.on('error', (error) => {
    if (refused()) once.call(err(explainSocketError(error, target.source)));
  });
  if (limits.connectTimeout !== null) once.within(limits.connectTimeout, NO_CONNECTION);
  if (trust !== null) return secure(opened.value, target.source, trust, once, limits);
  return openPlain(opened.value, target.source, once);
}

/** Begins TLS on a connection that is open and that nobody else reads any longer, as after STARTTLS. It ends with it. */
export function startTls(
  socket: net.Socket,
  target: ProbeTarget,
  trust: Trust,
  limits: PhaseLimits,
  done: Done,
): Connection {
  return secure(socket, target.source, trust, atMostOnce(done), limits);
}

function failed(finding: Finding, once: Once): Connection {
  setImmediate(() => once.call(err(finding)));
  return { phase: () => 'connecting', learned: () => ({}), end: once.forget };
}

function openPlain(socket: net.Socket, source: IpAddress | null, once: Once): Connection {
  socket.on('error', (error) => once.call(err(explainNetworkError(error, source))));
  socket.once('connect', () => once.call(ok(socket)));
  return {
    phase: () => (socket.connecting ? 'connecting' : 'open'),
    learned: () => ({}),
    end: () => {
      once.forget();
      // A reset, for the reason given in the `tcp` check: nothing of the connection stays in TIME_WAIT here. One that is
      // being shut down, as HTTP/2 does after an error, cannot be reset (uv_tcp_close_reset), and would stay open for ever.
      if (socket.connecting || socket.writableEnded) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    },
  };
}

/**
 * A TLS connection ends with a close: Node resets only a bare TCP socket, and resetting one that lies under TLS, from
 * within a TLS callback, has been seen to crash the process.
 */
function secure(
  tcp: net.Socket,
  source: IpAddress | null,
  trust: Trust,
  once: Once,
  { tlsTimeout }: PhaseLimits,
): Connection {
  const context = contextFor(trust);
  if (!context.ok) {
    tcp.destroy();
    return failed(localError(context.error), once);
  }
  const fault = (error: Error): void =>
    once.call(err(explainProtocols(error, trust) ?? explainHandshakeError(error, source, tcp.connecting)));
  // Its errors come out of the TLS socket too; unheard here they would end the process.
  tcp.on('error', fault);
  const limit = () => (tlsTimeout === null ? once.withoutLimit() : once.within(tlsTimeout, () => MISSING.securing));
  if (tcp.connecting) tcp.once('connect', limit);
  else limit();
  const socket = tls.connect({
    socket: tcp,
    secureContext: context.value,
    ...(trust.alpn.length === 0 ? {} : { ALPNProtocols: [...trust.alpn] }),
    ...(trust.serverName === null ? {} : { servername: trust.serverName }),
    // Verification is done, and its verdict read, below: a socket that Node itself refuses can no longer show why.
    rejectUnauthorized: false,
    checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(trust.identity, certificate),
  });
  let secured = false;
  let learned: Learned = {};
  socket.on('error', fault);
  socket.once('end', () => once.call(err(CLOSED_IN_HANDSHAKE)));
  socket.once('secureConnect', () => {
    secured = true;
    // Not `getPeerCertificate`: once this one was asked for, Node's other one has nothing in it.
    const certificate = socket.getPeerX509Certificate();
    learned = expiryOf(certificate);
    if (trust.verify && !socket.authorized)
      once.call(err(down(`TLS: ${explainRefusal(String(socket.authorizationError), certificate, trust)}`)));
    else once.call(ok(socket));
  });
  return {
    phase: () => (tcp.connecting ? 'connecting' : secured ? 'open' : 'securing'),
    learned: () => learned,
    end: () => {
      once.forget();
      socket.destroy();
    },
  };
}

/** Of the certificate that the server has shown (RFC 5280, 4.1.2.5: notAfter). */
function expiryOf(certificate: X509Certificate | undefined): Learned {
  const certificateExpires = Date.parse(certificate?.validTo ?? '');
  return Number.isNaN(certificateExpires) ? {} : { certificateExpires };
}

const CLOSED_IN_HANDSHAKE = down('TLS: connection closed during the handshake');

function explainHandshakeError(error: Error, source: IpAddress | null, connecting: boolean): Finding {
  return !connecting && codeOf(error) === 'ECONNRESET' ? CLOSED_IN_HANDSHAKE : explainConnectionError(error, source);
}

/** An error of the connection, TLS or TCP, as a finding; `source` as in `explainSocketError`. */
export function explainConnectionError(error: Error, source: IpAddress | null): Finding {
  const code = codeOf(error);
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return down('TLS: the server does not speak TLS on this port');
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO')
    return down(`TLS: ${'reason' in error && typeof error.reason === 'string' ? explainTls(error.reason) : code}`);
  return explainNetworkError(error, source);
}

/** The names of what is offered by ALPN. */
const PROTOCOLS: Readonly<Record<string, string>> = { h2: 'HTTP/2', 'http/1.1': 'HTTP/1.1' };

/** A server that speaks none of what was offered by ALPN refuses (RFC 7301, 3.2). */
function explainProtocols(error: Error, { alpn }: Trust): Finding | undefined {
  if (codeOf(error) !== 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') return undefined;
  return down(`TLS: the server does not offer ${alpn.map((name) => PROTOCOLS[name] ?? name).join(' or ')}`);
}

/** OpenSSL's words. Of an alert of the server they have a version before them (openssl/sslerr.h, from 1000 on). */
function explainTls(reason: string): string {
  const alert = /^(?:ssl\/tls|sslv3|tlsv1|tlsv13) (?:alert )?(.*)$/.exec(reason)?.[1];
  return alert === undefined ? reason : `the server refuses (alert: ${alert})`;
}

type Once = ReturnType<typeof atMostOnce>;

/** A socket can report success, an error and its end, in this order: the first one counts, or the limit of its phase. */
function atMostOnce(done: Done) {
  let spent = false;
  let withoutLimit = (): void => undefined;
  const forget = (): void => {
    spent = true;
    withoutLimit();
  };
  const call: Done = (result) => {
    if (spent) return;
    forget();
    done(result);
  };
  /** Sets the limit of the phase that begins, instead of that of the phase before. */
  const within = (time: Duration, missing: () => string): void => {
    withoutLimit();
    if (!spent) withoutLimit = deadline(time, missing, (finding) => call(err(finding)));
  };
  return { call, forget, within, withoutLimit: () => withoutLimit() };
}
