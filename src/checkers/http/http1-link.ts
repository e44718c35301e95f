/** Requests in HTTP/1.1 over one open connection, written by hand: an answer is read as it comes, and nothing is buffered but heads. */

import type net from 'node:net';
import { type Connection, explainConnectionError } from '../connection.ts';
import { type Asked, isReset, type Link, type Listener } from '../exchange.ts';
import { createHttp1Reader, type Http1Reader } from './http1-reader.ts';

/** A link, and what it is told by whatever carries its bytes. */
export type Http1Link = Link & {
  heard(bytes: Buffer): void;
  closed(): void;
  failed(error: Error): void;
};

/** `send` is given a head, and a body of the request if there is one; `connection` ends with the link. */
export function http1Link(
  send: (head: string, body: Uint8Array | null) => void,
  connection: Pick<Connection, 'learned' | 'end'>,
): Http1Link {
  let reader: Http1Reader | null = null;
  let listening: Listener | null = null;
  let gone = false;

  function lose(how: 'closed' | 'reset'): void {
    gone = true;
    reader?.finish(how);
  }
  return {
    heard(bytes) {
      // Between two requests nothing has to come.
      if (reader === null) gone = true;
      else reader.push(bytes);
    },
    closed: () => lose('closed'),
    failed(error) {
      if (isReset(error)) return lose('reset');
      gone = true;
      reader?.stop();
      listening?.failed({ kind: 'fault', finding: explainConnectionError(error, null) });
    },
    ask(asked, last, listener) {
      listening = listener;
      reader = createHttp1Reader(asked.method === 'HEAD', listener);
      send(writeHead(asked, last), asked.body);
    },
    usable: () => !gone && (reader === null || reader.reusable()),
    rest() {
      [reader, listening] = [null, null];
    },
    learned: connection.learned,
    end() {
      gone = true;
      reader?.stop();
      listening = null;
      connection.end();
    },
  };
}

/** The same over a socket, whose connection is `connection`. */
export function socketLink(socket: net.Socket, connection: Connection): Link {
  const link = http1Link((head, body) => {
    socket.write(head, 'latin1');
    if (body !== null) socket.write(body);
  }, connection);
  socket.on('data', link.heard);
  socket.on('end', link.closed);
  socket.on('close', link.closed);
  socket.on('error', link.failed);
  return link;
}

/** Methods whose requests say that they have no body (RFC 9110, 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

function writeHead({ method, path, authority, fields, body }: Asked, last: boolean): string {
  let head = `${method} ${path} HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  if (body !== null || WITH_BODY.has(method)) head += `Content-Length: ${body?.length ?? 0}\r\n`;
  if (last) head += 'Connection: close\r\n';
  return `${head}\r\n`;
}
