import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createHttp1Reader } from '../../../src/checkers/http/http1-reader.ts';

type Heard = { code?: number; phrase?: string; body: string; end: string; reusable: boolean };

/** Reads pieces, then the end of the connection if `closes`, and tells what was heard. */
function read(pieces: readonly Buffer[], { bodiless = false, closes = true } = {}): Heard {
  const heard: Heard = { body: '', end: 'nothing', reusable: false };
  let told = 0;
  const reader = createHttp1Reader(bodiless, {
    head: ({ code, phrase }) => Object.assign(heard, { code, phrase }),
    body: (bytes) => {
      heard.body += bytes.toString('latin1');
    },
    end: () => {
      told++;
      heard.end = 'complete';
    },
    failed: (failure) => {
      told++;
      heard.end = failure.kind === 'lost' ? failure.why : failure.finding.reason;
    },
  });
  for (const piece of pieces) reader.push(piece);
  heard.reusable = reader.reusable();
  if (closes) reader.finish('closed');
  assert.ok(told <= 1, 'told of an end twice');
  return heard;
}
const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

const CHUNKED = 'HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n';
/** What a server sends, and what is heard of it: the body, how it ends, and whether another request may follow. */
const cases: readonly (readonly [
  string,
  string,
  { body?: string; end: string; reusable?: boolean; bodiless?: boolean },
])[] = [
  ['a length', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', { body: 'ok', end: 'complete', reusable: true }],
  ['length zero', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', { end: 'complete', reusable: true }],
  ['close asked for', 'HTTP/1.1 200 OK\nConnection: x, Close\nContent-Length: 0\n\n', { end: 'complete' }],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\nContent-Length: 0\n\n', { end: 'complete' }],
  [
    '1.0 that stays',
    'HTTP/1.0 200 OK\nconnection: keep-alive\nContent-Length: 0\n\n',
    { end: 'complete', reusable: true },
  ],
  ['no length', 'HTTP/1.1 200 OK\n\nuntil the end', { body: 'until the end', end: 'complete' }],
  [
    'the same length twice',
    'HTTP/1.1 200 OK\ncontent-length: 2\ncontent-length: 2, 2\n\nok',
    { body: 'ok', end: 'complete', reusable: true },
  ],
  [
    'two lengths',
    'HTTP/1.1 200 OK\ncontent-length: 2\ncontent-length: 3\n\nok',
    { end: 'not HTTP: content-length "2, 3"' },
  ],
  ['a length below zero', 'HTTP/1.1 200 OK\ncontent-length: -1\n\n', { end: 'not HTTP: content-length "-1"' }],
  ['a length that is none', 'HTTP/1.1 200 OK\ncontent-length: 0x2\n\nok', { end: 'not HTTP: content-length "0x2"' }],
  ['an empty length', 'HTTP/1.1 200 OK\ncontent-length:\n\nok', { end: 'not HTTP: content-length ""' }],
  [
    'a length past counting',
    `HTTP/1.1 200 OK\ncontent-length: ${'9'.repeat(16)}\n\nok`,
    { end: `not HTTP: content-length "${'9'.repeat(16)}"` },
  ],
  ['more than its length', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nokHTTP/1.1', { body: 'ok', end: 'complete' }],
  [
    'less than its length',
    'HTTP/1.1 200 OK\ncontent-length: 3\n\nok',
    { body: 'ok', end: 'connection closed in mid-body' },
  ],
  [
    'chunks',
    `${CHUNKED}1\no\nB;x="y"\nk0123456789\n00 \n\n`,
    { body: 'ok0123456789', end: 'complete', reusable: true },
  ],
  ['trailers', `${CHUNKED}0\nx: y\nz: w\n\n`, { end: 'complete', reusable: true }],
  ['trailers without end', `${CHUNKED}0\n${'x: y\n'.repeat(20_000)}`, { end: 'more than 64 KiB of headers' }],
  ['an empty chunk length', `${CHUNKED}\nok`, { end: 'not HTTP: chunk length ""' }],
  ['a chunk length that is none', `${CHUNKED}+2\nok`, { end: 'not HTTP: chunk length "+2"' }],
  ['a chunk length with more behind it', `${CHUNKED}2 2\nok`, { end: 'not HTTP: chunk length "2 2"' }],
  [
    'a chunk length past counting',
    `${CHUNKED}${'f'.repeat(14)}\nok`,
    { end: `not HTTP: chunk length "${'f'.repeat(14)}"` },
  ],
  [
    'a chunk line without end',
    `${CHUNKED}1;${'x'.repeat(5000)}`,
    { end: 'not HTTP: a chunk begins with an endless line' },
  ],
  [
    'a chunk longer than it says',
    `${CHUNKED}1\nok\n0\n\n`,
    { body: 'o', end: 'not HTTP: a chunk longer than its length' },
  ],
  ['no last chunk', `${CHUNKED}2\nok\n`, { body: 'ok', end: 'connection closed in mid-body' }],
  ['no end after the last chunk', `${CHUNKED}2\nok\n0\n`, { body: 'ok', end: 'connection closed in mid-body' }],
  [
    'chunks in HTTP/1.0',
    'HTTP/1.0 200 OK\nconnection: keep-alive\ntransfer-encoding: chunked\n\n0\n\n',
    { end: 'complete' },
  ],
  [
    'length and chunks',
    'HTTP/1.1 200 OK\ncontent-length: 2\ntransfer-encoding: chunked\n\n0\n\n',
    { end: 'not HTTP: both content-length and transfer-encoding' },
  ],
  [
    'a coding not asked for',
    'HTTP/1.1 200 OK\ntransfer-encoding: gzip, chunked\n\n',
    { end: 'not HTTP: transfer-encoding "gzip, chunked", which was not asked for' },
  ],
  ['204', 'HTTP/1.1 204 No Content\n\n', { end: 'complete', reusable: true }],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\ncontent-length: 7\n\n', { end: 'complete', reusable: true }],
  ['an answer to HEAD', 'HTTP/1.1 200 OK\ncontent-length: 7\n\n', { bodiless: true, end: 'complete', reusable: true }],
  [
    'interim answers',
    'HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Hints\nlink: <a>\n\nHTTP/1.1 200 OK\ncontent-length: 0\n\n',
    { end: 'complete', reusable: true },
  ],
  ['interim answers without end', 'HTTP/1.1 102 Processing\n\n'.repeat(3000), { end: 'more than 64 KiB of headers' }],
  ['101', 'HTTP/1.1 101 Switching\n\n', { end: 'HTTP 101, a switch of protocols that was not asked for' }],
  [
    'a folded header',
    'HTTP/1.1 200 OK\ncontent-length:\n \t 2\nx: a\n\tb\n\nok',
    { body: 'ok', end: 'complete', reusable: true },
  ],
  ['a fold before any header', 'HTTP/1.1 200 OK\n x: y\n\n', { end: 'not HTTP: a space before the first header' }],
  ['no words after the code', 'HTTP/1.1 200\ncontent-length: 0\n\n', { end: 'complete', reusable: true }],
  ['words beyond ASCII', 'HTTP/1.1 200 Schön\ncontent-length: 0\n\n', { end: 'complete', reusable: true }],
  ['a line without colon', 'HTTP/1.1 200 OK\nnonsense\n\n', { end: 'not HTTP: the header line "nonsense"' }],
  ['a space before the colon', 'HTTP/1.1 200 OK\nlength : 2\n\n', { end: 'not HTTP: the header line "length : 2"' }],
  ['a header without name', 'HTTP/1.1 200 OK\n: 2\n\n', { end: 'not HTTP: the header line ": 2"' }],
  ['a lone CR', 'HTTP/1.1 200 OK\nx: a\rb\n\n', { end: 'not HTTP: the header line "x: a b"' }],
  ['a NUL', 'HTTP/1.1 200 OK\nx: a\0b\n\n', { end: 'not HTTP: a control character in the headers' }],
  ['a code of two digits', 'HTTP/1.1 20 OK\n\n', { end: 'not HTTP: it begins "HTTP/1.1 20 OK"' }],
  ['a code past 599', 'HTTP/1.1 600 OK\n\n', { end: 'not HTTP: it begins "HTTP/1.1 600 OK"' }],
  ['HTTP/2', 'HTTP/2 200\n\n', { end: 'not HTTP: it begins "HTTP/2 200"' }],
  ['an empty line first', '\nHTTP/1.1 200 OK\n\n', { end: 'not HTTP: it begins "HTTP/1.1 200 OK"' }],
  ['nothing', '', { end: 'connection closed early' }],
  ['half a head', 'HTTP/1.1 200 OK\nx: y\n', { end: 'connection closed early' }],
];

for (const [what, text, expected] of cases) {
  const { bodiless = false, body = '', end, reusable = false } = expected;
  const wanted = { body, end: end.replace(/ (early|in mid-body)$/, ''), reusable };
  const check = (pieces: readonly Buffer[], how: string): void => {
    const { code: _code, phrase: _phrase, ...heard } = read(pieces, { bodiless });
    // What arrives in pieces is refused as soon as it cannot be right any longer, and shows less then.
    const early = /^not HTTP: (it begins|chunk length)/;
    if (early.test(end) && early.test(heard.end)) return;
    assert.deepEqual(heard, wanted, how);
  };
  test(`${what}: ${end}, whole and however it is split`, () => {
    const bytes = bytesOf(text);
    assert.equal(read([bytes], { bodiless }).end, wanted.end);
    check([bytes], 'whole');
    if (bytes.length > 500) return;
    for (let i = 1; i < bytes.length; i++) check([bytes.subarray(0, i), bytes.subarray(i)], `split at ${i}`);
    check(
      Array.from(bytes, (byte) => Buffer.of(byte)),
      'byte by byte',
    );
  });
}

test('lines that end without CR are refused, and not waited on', () => {
  const heard = read([Buffer.from('HTTP/1.1 200 OK\ncontent-length: 2\n\nok')], { closes: false });
  assert.equal(heard.end, 'not HTTP: lines end without CR');
});

test('what cannot be an answer is refused with its first bytes', () => {
  for (const text of ['S', 'HTTP/3', 'HTTP/1.x', 'HTTP/1.1 9', 'HTTP/1.1 2x'])
    assert.match(read([Buffer.from(text)], { closes: false }).end, /^not HTTP: it begins/);
  for (const text of ['H', 'HTTP/1.', 'HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1 20'])
    assert.equal(read([Buffer.from(text)], { closes: false }).end, 'nothing');
});

test('a value of spaces takes no time', () => {
  const began = performance.now();
  read([bytesOf(`HTTP/1.1 200 OK\nx: a${' '.repeat(60_000)}b\n\n`)]);
  read([bytesOf(`HTTP/1.1 200 OK\nx: a\n${' '.repeat(60_000)}\n\n`)]);
  read([bytesOf(`HTTP/1.1 200 OK\nconnection: a${' '.repeat(60_000)}b\n\n`)]);
  assert.ok(performance.now() - began < 1000);
});

test('after `stop` nobody is told anything', () => {
  let told = 0;
  const tell = (): void => {
    told++;
  };
  const reader = createHttp1Reader(false, { head: () => reader.stop(), body: tell, end: tell, failed: tell });
  reader.push(bytesOf('HTTP/1.1 200 OK\ncontent-length: 0\n\n'));
  reader.finish('closed');
  assert.equal(told, 0);
});

test('whatever comes, in whatever pieces, it is read the same way and once', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'HTTP/1.1 ',
      '200 OK\r\n',
      '\r\n',
      '0\r\n\r\n',
      '5\r\nhello\r\n',
      'content-length: 3\r\n',
      'a: b\r\n',
    ),
    fc.constantFrom('transfer-encoding: chunked\r\n', 'HTTP/1.1 200 OK\r\n', ' x\r\n', '\n', '\r', ';', 'ok'),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(30), { maxLength: 20 }), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''), 'latin1');
      const pieces: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        pieces.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      pieces.push(bytes.subarray(at));
      const [whole, split] = [read([bytes]), read(pieces)];
      assert.deepEqual(
        { ...split, end: sort(split.end), reusable: 0 },
        { ...whole, end: sort(whole.end), reusable: 0 },
      );
    }),
    { numRuns: 3000 },
  );
});
/** Which words tell of a refusal depends on how much was there to see. */
const sort = (end: string): string => (end.startsWith('not HTTP') ? 'refused' : end);
