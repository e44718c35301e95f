/**
 * What a server does with one connection that it has accepted, in pieces to be put together: `after(50, resets)`,
 * `onRequest(says('HTTP/1.1 200 OK\r\n'), closes)`, `inTls(options, silent)`.
 */

import { once } from 'node:events';
import net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import tls from 'node:tls';

/** `socket` is a TCP socket, or what lies over one. Its errors are heard by who accepted it. */
export type Behaviour = (socket: Duplex) => void;

/** Takes all that comes, and says nothing. */
export const silent: Behaviour = (socket) => void socket.resume();

export const closes: Behaviour = (socket) => void socket.resume().end();

export const resets: Behaviour = (socket) => {
  if (socket instanceof net.Socket) socket.resetAndDestroy();
  else socket.destroy();
};

export const says =
  (bytes: string | Uint8Array): Behaviour =>
  (socket) =>
    void socket.write(bytes);

/** Says it again and again, as fast as it is taken, until the connection ends. */
export const pours =
  (bytes: string | Uint8Array, first: string | Uint8Array = ''): Behaviour =>
  (socket) => {
    // No more than any limit of a check by far: a check that takes all of it does not end the test by its memory.
    let left = 64 << 20;
    const block = Buffer.concat(Array.from({ length: Math.ceil(4096 / bytes.length) }, () => Buffer.from(bytes)));
    const pour = (): void => {
      while (socket.writable && left > 0) {
        left -= block.length;
        if (!socket.write(block)) return;
      }
    };
    socket.on('drain', pour);
    socket.write(first);
    pour();
  };

/** One after the other, at once. */
export const both =
  (...all: readonly Behaviour[]): Behaviour =>
  (socket) => {
    for (const one of all) one(socket);
  };

/** Once the client has said something, which may be the beginning of it. */
export const onRequest =
  (...then: readonly Behaviour[]): Behaviour =>
  (socket) => {
    socket.once('data', () => both(...then)(socket));
  };

/** Not before `ms` have passed; until then nothing is read, as by a server that is too busy to accept. */
export const after =
  (ms: number, ...then: readonly Behaviour[]): Behaviour =>
  (socket) => {
    const timer = setTimeout(() => both(...then)(socket), ms);
    socket.once('close', () => clearTimeout(timer));
  };

/** What it says goes out byte by byte. */
export const dribbling =
  (behaviour: Behaviour): Behaviour =>
  (socket) => {
    const [inner, outer] = duplexPair();
    if (socket instanceof net.Socket) socket.setNoDelay(true);
    socket.on('data', (bytes) => outer.write(bytes));
    socket.once('end', () => outer.end());
    for (const side of [inner, outer]) side.on('error', () => undefined);
    // The client may leave in the middle of it.
    dribble(outer, socket).catch(() => socket.destroy());
    behaviour(inner);
  };

async function dribble(from: Duplex, to: Duplex): Promise<void> {
  for await (const bytes of from as AsyncIterable<Buffer>) {
    for (const byte of bytes) {
      if (!to.writable) return;
      if (!to.write(Buffer.of(byte))) await once(to, 'drain');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  to.end();
}

/** Over TLS, as its server. What goes wrong in the handshake ends the connection. */
export const inTls = (options: tls.TlsOptions, behaviour: Behaviour): Behaviour => {
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => undefined);
    behaviour(socket);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return (socket) => void server.emit('connection', socket);
};
