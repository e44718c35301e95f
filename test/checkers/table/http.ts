/** What a server of HTTP/1 can answer, over TLS or not; the verdict is the same. */

import { type Behaviour, both, closes, inTls, onRequest, pours, resets, says, silent } from '../behaviour.ts';
import { CONNECTED, SECURE } from '../checks.ts';
import { accepts } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { certified } from '../servers.ts';

type Case = readonly [what: string, behaviour: Behaviour, verdict: Verdict, more?: string];

/** Once the request has come. */
const answers = (text: string, then: Behaviour = silent): Behaviour => onRequest(says(text), then);
const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const HEADERS = 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n';

const CASES: readonly Case[] = [
  ['half a status line, then silence', answers('HTTP/1.1 20'), 'down: connected, but no answer in {timeout}'],
  ['half a status line, then closed', answers('HTTP/1.1 20', closes), 'down: connection closed before an answer'],
  ['half the headers, then silence', answers(`${OK}content-le`), 'down: connected, but no answer in {timeout}'],
  ['half the headers, then closed', answers(`${OK}content-le`, closes), 'down: connection closed before an answer'],
  [
    'half the body, then silence',
    answers(`${OK}content-length: 9\r\n\r\nhalf`),
    'down: HTTP 200 OK, but no end of body in {timeout}',
  ],
  [
    'half the body, then closed',
    answers(`${OK}content-length: 9\r\n\r\nhalf`, closes),
    'down: connection closed in the middle of the body',
  ],
  ['a body of no length, then silence', answers(`${OK}\r\nhalf`), 'down: HTTP 200 OK, but no end of body in {timeout}'],
  ['a body of no length, then closed', answers(`${OK}\r\nall of it`, closes), 'up: HTTP 200 OK'],
  ['an answer of HTTP/1.0', answers('HTTP/1.0 200 OK\r\n\r\nok', closes), 'up: HTTP 200 OK'],
  ['an answer before the request', says(`${OK}content-length: 0\r\n\r\n`), 'up: HTTP 200 OK'],
  ['more than one answer', answers(`${OK}content-length: 0\r\n\r\n`.repeat(3)), 'up: HTTP 200 OK'],
  ['headers without an end', onRequest(pours('x-more: 1\r\n', OK)), 'down: more than 64 KiB of headers'],
  ['one header without an end', onRequest(pours('x', `${OK}x-long: `)), 'down: more than 64 KiB of headers'],
  ['a status line without an end', onRequest(pours('K', 'HTTP/1.1 200 O')), 'down: more than 64 KiB of headers'],
  ['a huge body', onRequest(pours('x', `${OK}content-length: 99999999999\r\n\r\n`)), 'up: HTTP 200 OK'],
  ['a body without an end', onRequest(pours('x', `${OK}\r\n`)), 'up: HTTP 200 OK'],
  ['chunks without an end', onRequest(pours('1\r\nx\r\n', CHUNKED)), 'up: HTTP 200 OK'],
  [
    'a body without an end, without what is expected',
    onRequest(pours('x', `${OK}\r\n`)),
    `down: body does not match /ok/ (it begins: ${'x'.repeat(60)}…)`,
    "body = 'ok'",
  ],
  [
    'JSON without an end',
    onRequest(pours('1', `${OK}\r\n`)),
    'down: JSON body is longer than max_body, 65536 bytes',
    'json = { "/a" = 1 }',
  ],
  [
    'no JSON',
    answers(`${OK}content-length: 6\r\n\r\n<html>`),
    'down: body is not JSON (it begins: <html>)',
    'json = { "/a" = 1 }',
  ],
  [
    'another value in JSON',
    answers(`${OK}content-length: 7\r\n\r\n{"a":2}`),
    'down: JSON has 2 at /a, expected 1',
    'json = { "/a" = 1 }',
  ],
  [
    'a chunk whose length is no number',
    answers(`${CHUNKED}zz\r\nxx\r\n0\r\n\r\n`),
    'down: not HTTP: chunk length "zz"',
  ],
  [
    'a chunk longer than its length',
    answers(`${CHUNKED}2\r\nlonger\r\n0\r\n\r\n`),
    'down: not HTTP: a chunk longer than its length',
  ],
  ['a chunk of a negative length', answers(`${CHUNKED}-1\r\nx\r\n0\r\n\r\n`), 'down: not HTTP: chunk length "-1"'],
  [
    'a line without an end before a chunk',
    onRequest(pours('0', CHUNKED)),
    'down: not HTTP: a chunk begins with an endless line',
  ],
  [
    'no last chunk, then closed',
    answers(`${CHUNKED}2\r\nok\r\n`, closes),
    'down: connection closed in the middle of the body',
  ],
  [
    'no last chunk, then silence',
    answers(`${CHUNKED}2\r\nok\r\n`),
    'down: HTTP 200 OK, but no end of body in {timeout}',
  ],
  ['trailers without an end', onRequest(pours('x: 1\r\n', `${CHUNKED}0\r\n`)), 'down: more than 64 KiB of headers'],
  [
    'a length and chunks',
    answers(`${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
    'down: not HTTP: both content-length and transfer-encoding',
  ],
  [
    'two lengths',
    answers(`${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok`),
    'down: not HTTP: content-length "2, 3"',
  ],
  [
    'a compression that was not asked for',
    answers(`${OK}transfer-encoding: gzip\r\n\r\n`),
    'down: not HTTP: transfer-encoding "gzip", which was not asked for',
  ],
  [
    'a redirect',
    answers('HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n'),
    'down: HTTP 302 Found, expected 200-299',
  ],
  [
    'a redirect that is expected',
    answers('HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n'),
    'up: HTTP 302 Found',
    'status = [302]',
  ],
  [
    'an error',
    answers('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n'),
    'down: HTTP 503 Service Unavailable, expected 200-299',
  ],
  [
    'an error whose body never comes',
    answers('HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\n'),
    'down: HTTP 500 Oops, expected 200-299',
  ],
  ['no content', answers('HTTP/1.1 204 No Content\r\n\r\n'), 'up: HTTP 204 No Content'],
  ['a status of no class', answers('HTTP/1.1 600 What\r\n\r\n'), 'down: not HTTP: it begins "HTTP/1.1 600 What"'],
  [
    '100 Continue, then an answer',
    answers(`HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 0\r\n\r\n`),
    'up: HTTP 200 OK',
  ],
  ['103 Early Hints, then an answer', answers(`${HEADERS}${OK}content-length: 0\r\n\r\n`), 'up: HTTP 200 OK'],
  [
    '102 Processing, then silence',
    answers('HTTP/1.1 102 Processing\r\n\r\n'),
    'down: connected, but no answer in {timeout}',
  ],
  ['interim answers without an end', onRequest(pours(HEADERS)), 'down: more than 64 KiB of headers'],
  [
    '101 Switching Protocols',
    answers('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n'),
    'down: HTTP 101, a switch of protocols that was not asked for',
  ],
  [
    'lines that end without CR',
    answers('HTTP/1.1 200 OK\ncontent-length: 0\n\n'),
    'down: not HTTP: lines end without CR',
  ],
  ['a header without a colon', answers(`${OK}nonsense\r\n\r\n`), 'down: not HTTP: the header line "nonsense"'],
  [
    'a space before the colon',
    answers(`${OK}content-length : 0\r\n\r\n`),
    'down: not HTTP: the header line "content-length : 0"',
  ],
  ['a control character', answers(`${OK}x: a\u0000b\r\n\r\n`), 'down: not HTTP: a control character in the headers'],
  [
    'a body without headers, as of HTTP/0.9',
    answers('<html></html>', closes),
    'down: not HTTP: it begins "<html></html>"',
  ],
  ['a server of HTTP/2', onRequest(says(Buffer.from('000000040000000000', 'hex'))), 'down: not HTTP: it begins ""'],
];

/** Of a reset nothing more is seen under TLS than that the connection is gone. */
const PLAIN: readonly Case[] = [
  [
    'half the body, then reset',
    answers(`${OK}content-length: 9\r\n\r\nhalf`, (socket) => setTimeout(() => resets(socket), 50)),
    'down: connection reset in the middle of the body',
  ],
  ['a reset in answer', onRequest(resets), 'down: connection reset before an answer'],
];

const row = (name: 'http' | 'https', [what, behaviour, verdict, more = '']: Case): Row => ({
  what: `${name}: ${what}`,
  toml: `${CONNECTED[name].toml}\n${more}`,
  manner: accepts(name === 'http' ? behaviour : inTls(certified('good'), behaviour)),
  verdict,
});
void [both, SECURE];
export const HTTP1: readonly Row[] = [
  ...[...CASES, ...PLAIN].map((one) => row('http', one)),
  ...CASES.map((one) => row('https', one)),
];
