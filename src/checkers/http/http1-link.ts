/** Requests in HTTP/1.1 over one open connection, written by hand: an answer is read as it comes, and nothing is buffered but heads. */

import type net from 'node:net';
import { type Connection, explainConnectionError } from '../connection.ts';
import { type Asked, isReset, type Link, type Listener } from '../exchange.ts';
import { createHttp1Reader, type Http1Reader } from './http1-reader.ts';

/** `connection` is that of the socket: it ends with the link. */
export function http1Link(socket: net.Socket, connection: Connection): Link {
  let reader: Http1Reader | null = null;
  let listening: Listener | null = null;
  let gone = false;

  socket.on('data', (bytes: Buffer) => {
    // Between two requests nothing has to come.
    if (reader === null) gone = true;
    else reader.push(bytes);
  });
  const lose = (how: 'closed' | 'reset') => (): void => {
    gone = true;
    reader?.finish(how);
  };
  socket.on('end', lose('closed'));
  socket.on('close', lose('closed'));
  socket.on('error', (error) => {
    if (isReset(error)) return lose('reset')();
    gone = true;
    reader?.stop();
    listening?.failed({ kind: 'fault', finding: explainConnectionError(error, null) });
  });

  return {
    ask(asked, last, listener) {
      listening = listener;
      reader = createHttp1Reader(asked.method === 'HEAD', listener);
      socket.write(writeHead(asked, last), 'latin1');
      if (asked.body !== null) socket.write(asked.body);
    },
    usable: () => !gone && (reader === null || reader.reusable()),
    learned: connection.learned,
    end() {
      gone = true;
      reader?.stop();
      listening = null;
      connection.end();
    },
  };
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
