/** Well behaved servers of every protocol that a check speaks, each as what it does with one connection. */

import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import type tls from 'node:tls';
import { ip } from '../../src/base/address.ts';
import { answerTo, type Given } from '../unit/wire/dns-answer.ts';
import { type Behaviour, both, closes, inTls, onRequest, says } from './behaviour.ts';

const FIXTURES = new URL('../unit/checkers/fixtures/', import.meta.url);
export const fixture = (name: string): string => new URL(`${name}.pem`, FIXTURES).pathname;

/** With one of the certificates of the fixtures. */
export function certified(name: string, more: tls.TlsOptions = {}): tls.TlsOptions {
  const pem = readFileSync(fixture(name));
  return { cert: pem, key: pem, ...more };
}

export const http1 = onRequest(says('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));

/** Answers every request, in HTTP/2 from the first byte on. */
export const http2With =
  (answer: (stream: http2.ServerHttp2Stream) => void): Behaviour =>
  (socket) => {
    const session = http2.performServerHandshake(socket);
    session.on('error', () => undefined);
    session.on('stream', (stream: http2.ServerHttp2Stream) => {
      stream.on('error', () => undefined);
      answer(stream);
    });
  };

export const answers =
  (head: http2.OutgoingHttpHeaders, body: string | Uint8Array = 'ok') =>
  (stream: http2.ServerHttp2Stream): void => {
    stream.respond(head);
    stream.end(body);
  };

/** As gRPC answers: a body in `hex`, and trailers behind it. */
export const answersGrpc =
  (hex: string, trailers: http2.OutgoingHttpHeaders = { 'grpc-status': '0' }) =>
  (stream: http2.ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  };

export const SERVING = '00 00000002 0801';

/** What a mail server says to each command, by its name; a behaviour instead of a line does what it likes. */
export type Replies = Readonly<Record<string, string | Behaviour>>;
const MAIL: Replies = {
  '': '220 mx.example.test ESMTP\r\n',
  EHLO: '250-mx.example.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n',
  QUIT: both(says('221 bye\r\n'), closes),
};

/** `''` is the greeting. STARTTLS, where `secured` is there, goes on over TLS as `secured` does. */
export function mail(replies: Replies = {}, secured?: tls.TlsOptions): Behaviour {
  const known: Replies = { ...MAIL, ...replies };
  const reply = (socket: Duplex, command: string): void => {
    const said = known[command] ?? '502 what?\r\n';
    if (typeof said === 'string') socket.write(said);
    else said(socket);
  };
  const inside =
    secured === undefined ? undefined : inTls(secured, mail({ '': () => undefined, STARTTLS: '503 again?\r\n' }));
  return (socket) => {
    reply(socket, '');
    const hear = (bytes: Buffer): void => {
      const command = bytes.toString('latin1').trim().split(' ', 1)[0]?.toUpperCase() ?? '';
      if (command !== 'STARTTLS' || inside === undefined || replies.STARTTLS !== undefined)
        return reply(socket, command);
      socket.off('data', hear);
      socket.write('220 go ahead\r\n');
      inside(socket);
    };
    socket.on('data', hear);
  };
}

export const redis: Behaviour = (socket) => void socket.on('data', () => socket.write('+PONG\r\n'));

export const agent = (line: string): Behaviour => both(says(line), closes);

const ADDRESS: Given = { name: 'www.example.test', type: 'A', address: ip('10.0.0.1') };
export const dnsAnswer = (query: Uint8Array): Uint8Array => answerTo(query, [ADDRESS]);

/** Over TCP; a query comes in one piece. */
export const dnsWith =
  (answer: (query: Uint8Array) => Uint8Array): Behaviour =>
  (socket) =>
    void socket.on('data', (bytes: Buffer) => socket.write(framed(answer(bytes.subarray(2)))));

export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
