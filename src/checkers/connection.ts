/** The connection of one probe: TCP from where the target says, then TLS if asked. */

import type net from 'node:net';
import tls from 'node:tls';
import type { IpAddress } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { connectTcp } from '../system/tcp-socket.ts';
import { down, type Finding, localError } from './attempt.ts';
import { type ProbeTarget, reach } from './probe.ts';
import { codeOf, explainSocketError } from './socket-error.ts';
import { contextFor, explainRefusal, type Trust } from './trust.ts';

export type Connection = {
  phase(): 'connecting' | 'securing' | 'open';
  /** Ends the connection, or stops connecting. May be called at any time, and again. */
  end(): void;
};

type Done = (result: Result<net.Socket, Finding>) => void;

/** Opens a connection; `done` is called once, later, unless `end` comes first. `trust` is `null` for plain TCP. */
export function open(target: ProbeTarget, trust: Trust | null, done: Done): Connection {
  const opened = connectTcp(target.address, reach(target));
  if (opened.ok)
    return trust === null
      ? openPlain(opened.value, target.source, done)
      : openSecure(opened.value, target.source, trust, done);
  const once = atMostOnce(done);
  setImmediate(() => once.call(err(explainSocketError(opened.error, target.source))));
  return { phase: () => 'connecting', end: once.forget };
}

function openPlain(socket: net.Socket, source: IpAddress | null, done: Done): Connection {
  const once = atMostOnce(done);
  socket.on('error', (error) => once.call(err(explainSocketError(error, source))));
  socket.once('connect', () => once.call(ok(socket)));
  return {
    phase: () => (socket.connecting ? 'connecting' : 'open'),
    end: () => {
      once.forget();
      // A reset, for the reason given in the `tcp` check: nothing of the connection stays in TIME_WAIT here.
      if (socket.connecting) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    },
  };
}

/**
 * A TLS connection ends with a close: Node resets only a bare TCP socket, and resetting one that lies under TLS, from
 * within a TLS callback, has been seen to crash the process.
 */
function openSecure(tcp: net.Socket, source: IpAddress | null, trust: Trust, done: Done): Connection {
  const once = atMostOnce(done);
  const context = contextFor(trust);
  if (!context.ok) {
    tcp.destroy();
    setImmediate(() => once.call(err(localError(context.error))));
    return { phase: () => 'connecting', end: once.forget };
  }
  // Its errors come out of the TLS socket too; unheard here they would end the process.
  tcp.on('error', (error) => once.call(err(explainHandshakeError(error, source, tcp.connecting))));
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
  socket.on('error', (error) => once.call(err(explainHandshakeError(error, source, tcp.connecting))));
  socket.once('end', () => once.call(err(CLOSED_IN_HANDSHAKE)));
  socket.once('secureConnect', () => {
    secured = true;
    if (trust.verify && !socket.authorized)
      once.call(err(down(`TLS: ${explainRefusal(String(socket.authorizationError), socket, trust)}`)));
    else once.call(ok(socket));
  });
  return {
    phase: () => (tcp.connecting ? 'connecting' : secured ? 'open' : 'securing'),
    end: () => {
      once.forget();
      socket.destroy();
    },
  };
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
    return down(`TLS: ${'reason' in error && typeof error.reason === 'string' ? error.reason : code}`);
  return explainSocketError(error, source);
}

/** A socket can report success, an error and its end, in this order: the first one counts. */
function atMostOnce(done: Done) {
  let spent = false;
  const forget = (): void => {
    spent = true;
  };
  const call: Done = (result) => {
    if (spent) return;
    spent = true;
    done(result);
  };
  return { call, forget };
}
