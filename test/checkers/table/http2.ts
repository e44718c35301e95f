/** What a server of HTTP/2 can do with a request, over TLS or not; the verdict is the same. And the same for gRPC, over it. */

import http2 from 'node:http2';
import { type Behaviour, inTls, onRequest, says } from '../behaviour.ts';
import { CONNECTED } from '../checks.ts';
import { accepts } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { answers, answersGrpc, certified, http2With, SERVING } from '../servers.ts';

type Case = readonly [what: string, behaviour: Behaviour, verdict: Verdict, more?: string];

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_ENHANCE_YOUR_CALM } = http2.constants;
type Stream = http2.ServerHttp2Stream;

const refuses = (code: number) => (stream: Stream) => stream.close(code);
/** An empty SETTINGS frame, with which a server has to begin (RFC 9113, 3.4). */
const SETTINGS = Buffer.from('000000040000000000', 'hex');
const frame = (type: number, flags: number, stream: number, payload = ''): Buffer => {
  const bytes = Buffer.from(payload, 'hex');
  const begin = Buffer.alloc(9);
  begin.writeUIntBE(bytes.length, 0, 3);
  begin.writeUInt8(type, 3);
  begin.writeUInt8(flags, 4);
  begin.writeUInt32BE(stream, 5);
  return Buffer.concat([begin, bytes]);
};

/** Status 200 in the tables of HPACK (RFC 7541, A), then what is literal, to a head that has an end. */
const head = (literal = ''): Buffer => frame(1, 4, 1, `88${literal}`);
const GRPC_TYPE = `5f10${Buffer.from('application/grpc').toString('hex')}`;
/** A head and some of the body on the first stream, and a reset of it; the library would end the body first. */
const breaksOff = (literal?: string): Behaviour =>
  onRequest(says(Buffer.concat([SETTINGS, head(literal), frame(0, 0, 1, '0000'), frame(3, 0, 1, '00000002')])));

const begins = (fields: http2.OutgoingHttpHeaders, part: string | Uint8Array) => (stream: Stream) => {
  stream.respond(fields);
  stream.write(part);
};
const nothing = (): void => undefined;
const floods = (fields: http2.OutgoingHttpHeaders) => (stream: Stream) => {
  stream.respond(fields);
  const pour = (): void => {
    while (!stream.destroyed && stream.write(Buffer.alloc(4096, 'x')));
  };
  stream.on('drain', pour);
  pour();
};
const EITHER: readonly Case[] = [
  ['settings, then silence', says(SETTINGS), 'down: connected, but no answer in {timeout}'],
  [
    'a stream that is reset',
    http2With(refuses(NGHTTP2_INTERNAL_ERROR)),
    'down: the server reset the stream: INTERNAL_ERROR',
  ],
  [
    'a stream that is refused',
    http2With(refuses(NGHTTP2_REFUSED_STREAM)),
    'down: request refused (REFUSED_STREAM) before an answer',
  ],
  [
    'a server that asks for calm',
    http2With(refuses(NGHTTP2_ENHANCE_YOUR_CALM)),
    'down: the server reset the stream: ENHANCE_YOUR_CALM',
  ],
  ['no answer to a request', http2With(nothing), 'down: connected, but no answer in {timeout}'],
  [
    'GOAWAY instead of an answer',
    http2With((stream) => stream.session?.goaway(0, 0)),
    'down: connected, but no answer in {timeout}',
  ],
  [
    'a closed connection instead of an answer',
    http2With((stream) => stream.session?.destroy()),
    'down: connection closed before an answer',
  ],
  [
    'garbage behind the settings',
    onRequest(says(SETTINGS), says('HTTP/1.1 400 Bad Request\r\n\r\n')),
    'down: not HTTP/2: Protocol error',
  ],
  [
    'a frame on a stream that there is not',
    onRequest(says(SETTINGS), says(frame(0, 0, 9, '00'))),
    'down: not HTTP/2: Protocol error',
  ],
  [
    'headers that do not decode',
    onRequest(says(SETTINGS), says(frame(1, 4, 1, 'ffffffffffffffff'))),
    'down: not HTTP/2: Protocol error',
  ],
];

const HTTP: readonly Case[] = [
  ['an error', http2With(answers({ ':status': 503 })), 'down: HTTP 503, expected 200-299'],
  ['a redirect', http2With(answers({ ':status': 302, location: '/' })), 'down: HTTP 302, expected 200-299'],
  [
    'half the body, then silence',
    http2With(begins({ ':status': 200 }, 'half')),
    'down: HTTP 200, but no end of body in {timeout}',
  ],
  ['half the body, then a reset', breaksOff(), 'down: the server reset the stream: INTERNAL_ERROR'],
  ['a body without an end', http2With(floods({ ':status': 200 })), 'up: HTTP 200'],
  [
    '103 Early Hints, then an answer',
    http2With((stream) => {
      stream.additionalHeaders({ ':status': 103 });
      answers({ ':status': 200 })(stream);
    }),
    'up: HTTP 200',
  ],
];

const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' };
const trailersOnly = (status: string, message?: string) =>
  http2With((stream) =>
    stream.respond(
      { ...GRPC_HEAD, 'grpc-status': status, ...(message && { 'grpc-message': message }) },
      { endStream: true },
    ),
  );

const GRPC: readonly Case[] = [
  ['NOT_SERVING', http2With(answersGrpc('00 00000002 0802')), 'down: the server is NOT_SERVING'],
  ['UNKNOWN, which is written as nothing', http2With(answersGrpc('00 00000000')), 'down: the server is UNKNOWN'],
  [
    'a state that there is not',
    http2With(answersGrpc('00 00000002 0809')),
    'down: the server is in state 9, which there is not in grpc.health.v1',
  ],
  [
    'a service that it does not know',
    trailersOnly('5'),
    'down: the server does not know service "shop.v1.Cart" (grpc-status 5, NOT_FOUND)',
    'service = "shop.v1.Cart"',
  ],
  ['no health service', trailersOnly('12'), 'down: the server has no health service (grpc-status 12, UNIMPLEMENTED)'],
  ['another failure', trailersOnly('14', 'not%20yet'), 'down: grpc-status 14, UNAVAILABLE: not yet'],
  ['a status that is no number', trailersOnly('fine'), 'down: grpc-status "fine", which is no number'],
  ['no status', http2With(answersGrpc(SERVING, {})), 'down: the answer has no grpc-status'],
  ['no message', http2With(answersGrpc('')), 'down: the answer has no message'],
  ['half a message', http2With(answersGrpc('00 00000002 08')), 'down: the answer ends in the middle of a message'],
  ['two messages', http2With(answersGrpc(`${SERVING} ${SERVING}`)), 'down: the answer has more than one message'],
  [
    'a compressed one',
    http2With(answersGrpc('01 00000002 0801')),
    'down: the answer is compressed, which was not asked for',
  ],
  [
    'a message of something else',
    http2With(answersGrpc('00 00000002 ffff')),
    'down: the answer is not a HealthCheckResponse',
  ],
  ['a message without an end', http2With(floods(GRPC_HEAD)), 'down: the answer is longer than 4096 bytes'],
  [
    'half an answer, then silence',
    http2With(begins(GRPC_HEAD, Buffer.from('0000', 'hex'))),
    'down: the answer has begun, but not ended in {timeout}',
  ],
  ['half an answer, then a reset', breaksOff(GRPC_TYPE), 'down: the server reset the stream: INTERNAL_ERROR'],
  [
    'a web server',
    http2With(answers({ ':status': 200, 'content-type': 'text/html' })),
    'down: content-type "text/html", expected application/grpc',
  ],
  ['no type', http2With(answers({ ':status': 200 })), 'down: no content-type, expected application/grpc'],
  ['a proxy', http2With(answers({ ':status': 502 })), 'down: HTTP 502, expected 200, as gRPC always answers'],
];

const rows = (plain: 'http 2' | 'grpc', secure: 'https 2' | 'grpc tls', cases: readonly Case[]): readonly Row[] =>
  ([plain, secure] as const).flatMap((name) =>
    cases.map(([what, behaviour, verdict, more = '']) => ({
      what: `${name}: ${what}`,
      toml: `${CONNECTED[name].toml}\n${more}`,
      manner: accepts(name === plain ? behaviour : inTls(certified('good', { ALPNProtocols: ['h2'] }), behaviour)),
      verdict,
    })),
  );

/** Over TLS the version is agreed on by ALPN (RFC 9113, 3.2). `offered`: by the server; without any it refuses nobody. */
const agreed = (name: 'https' | 'https 2' | 'grpc tls', offered: readonly string[], version: string): Row => ({
  what: `${name}: a server that offers ${offered.join() || 'nothing'} by ALPN`,
  toml: CONNECTED[name].toml,
  manner: accepts(
    inTls(certified('good', offered.length === 0 ? {} : { ALPNProtocols: [...offered] }), () => undefined),
  ),
  verdict: `down: TLS: the server does not offer ${version}`,
});

export const HTTP2: readonly Row[] = [
  ...rows('http 2', 'https 2', [...EITHER, ...HTTP]),
  ...rows('grpc', 'grpc tls', [...EITHER, ...GRPC]),
  agreed('https 2', [], 'HTTP/2'),
  agreed('grpc tls', [], 'HTTP/2'),
  agreed('https 2', ['http/1.1'], 'HTTP/2'),
  agreed('grpc tls', ['http/1.1'], 'HTTP/2'),
  agreed('https', ['h2'], 'HTTP/1.1'),
];
