import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../../src/base/address.ts';
import { concat, fromHex, toHex, viewOf } from '../../../src/base/bytes.ts';
import {
  answersQuery,
  dataText,
  decode,
  encodeQuery,
  type Message,
  parseName,
  type Query,
  RCODE_NAMES,
  type RecordType,
  rcodeName,
  TYPE,
} from '../../../src/wire/dns.ts';
import { answerTo, type Given, nameBytes } from './dns-answer.ts';

/** The hex digits before the remark of each line. */
const bytesOf = (annotated: string): Uint8Array =>
  fromHex(annotated.replace(/^\s*((?:[0-9a-f]{2} ?)+)(?: {2,}.*)?$/gm, '$1'));

const QUERY: Query = { id: 0x1234, name: 'www.example.net', type: 'A', recursionDesired: true };
const QUERY_HEX = `
  12 34   id
  01 00   query, recursion desired
  00 01   one question
  00 00   no answer
  00 00 00 00
  03 77 77 77   www
  07 65 78 61 6d 70 6c 65   example
  03 6e 65 74 00   net
  00 01   type A
  00 01   class IN`;

const base: Message = {
  ...{ id: 0x1234, response: true, opcode: 0, authoritative: false, truncated: false },
  ...{ recursionDesired: true, recursionAvailable: true, rcode: 0 },
  questions: [{ name: 'www.example.net', type: 'A' }],
  answers: [],
};

const GOLDEN: readonly { readonly name: string; readonly hex: string; readonly message: Message }[] = [
  {
    name: 'an alias and an address, names compressed and in capitals',
    hex: `
      12 34   id
      85 80   response, AA, RD, RA
      00 01   one question
      00 02   two answers
      00 00 00 00
      03 57 57 57   WWW
      07 65 78 61 6d 70 6c 65   example
      03 6e 65 74 00   net
      00 01 00 01   A, IN
      c0 0c   name: that of the question
      00 05 00 01   CNAME, IN
      00 00 01 2c   TTL 300
      00 07   length
      04 77 65 62 31 c0 10   web1, and what stands at 16: example.net
      c0 2d   name: web1.example.net
      00 01 00 01   A, IN
      00 00 00 3c   TTL 60
      00 04   length
      0a 00 00 15   10.0.0.21`,
    message: {
      ...base,
      authoritative: true,
      answers: [
        { name: 'www.example.net', ttl: 300, type: 'CNAME', target: 'web1.example.net' },
        { name: 'web1.example.net', ttl: 60, type: 'A', address: ip('10.0.0.21') },
      ],
    },
  },
  {
    name: 'every other type, and one that is not read',
    hex: `
      12 34 81 80 00 00   no question
      00 08   eight answers
      00 00 00 00
      00   name: the root
      00 1c 00 01 00 00 00 00 00 10   AAAA, TTL 0
      20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 21
      00 00 02 00 01 ff ff ff ff 00 04   NS, a TTL beyond 31 bits
      02 6e 73 00   ns
      00 00 0f 00 01 00 00 0e 10 00 07   MX
      00 0a 03 6d 78 31 00   10 mx1
      00 00 21 00 01 00 00 0e 10 00 09   SRV
      00 01 00 05 01 bb 01 61 00   1 5 443 a
      00 00 10 00 01 00 00 0e 10 00 06   TXT
      02 68 65 02 c3 bc   he, ü
      00 00 06 00 01 00 00 0e 10 00 1b   SOA
      01 61 00 02 68 6d 00   a, hm
      78 56 34 12   serial
      00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04
      00 00 0c 00 01 00 00 0e 10 00 06   PTR
      04 61 2e ff 01 00   one label: a, a dot, 255 and 1
      00 00 2e 00 01 00 00 0e 10 00 01 ff   RRSIG, which is not read`,
    message: {
      ...base,
      questions: [],
      answers: [
        { name: '.', ttl: 0, type: 'AAAA', address: ip('2001:db8::21') },
        { name: '.', ttl: 0, type: 'NS', target: 'ns' },
        { name: '.', ttl: 3600, type: 'MX', preference: 10, target: 'mx1' },
        { name: '.', ttl: 3600, type: 'SRV', priority: 1, weight: 5, port: 443, target: 'a' },
        { name: '.', ttl: 3600, type: 'TXT', text: 'heü' },
        { name: '.', ttl: 3600, type: 'SOA', primary: 'a', mailbox: 'hm', serial: 0x78563412 },
        { name: '.', ttl: 3600, type: 'PTR', target: 'a\\.\\255\\001' },
        { name: '.', ttl: 3600, type: null },
      ],
    },
  },
  {
    name: 'a refusal of another class, with an opcode',
    hex: `
      12 34 a1 05   response, opcode 4, RD, REFUSED
      00 01 00 00 00 00 00 00
      01 61 00 00 01 00 03   a, type A, class CH`,
    message: {
      ...base,
      opcode: 4,
      recursionAvailable: false,
      rcode: 5,
      questions: [{ name: 'a', type: null }],
    },
  },
];

test('a query is written to its bytes', () => {
  assert.equal(toHex(encodeQuery(QUERY)), toHex(bytesOf(QUERY_HEX)));
  const root = encodeQuery({ id: 1, name: '.', type: 'NS', recursionDesired: false });
  assert.equal(toHex(root), '00010000000100000000000000' + '00020001');
});

for (const { name, hex, message } of GOLDEN) {
  const bytes = bytesOf(hex);
  test(`${name}: decodes to its value`, () => assert.deepEqual(decode(bytes), { ok: true, value: message }));
  test(`${name}: is refused when cut short anywhere`, () => {
    for (let length = 0; length < bytes.length; length++)
      assert.deepEqual(decode(bytes.subarray(0, length)), { ok: false, error: 'short' });
  });
  test(`${name}: what follows the answers is passed over`, () =>
    assert.deepEqual(decode(concat([bytes, Uint8Array.of(0xff, 0xff)])), { ok: true, value: message }));
}

test('with TC set, the records that came whole are read', () => {
  const record: Given = { name: 'www.example.net', type: 'A', address: ip('10.0.0.1'), ttl: 5 };
  const whole = answerTo(encodeQuery(QUERY), [record, record], { truncated: true });
  const read = decode(whole.subarray(0, whole.length - 1));
  assert.ok(read.ok);
  assert.equal(read.value.truncated, true);
  assert.deepEqual(read.value.answers, [record]);
});

/** A response with one record, of the root, whose type and data are these. */
const withData = (type: RecordType, data: string): Uint8Array => {
  const bytes = fromHex(`1234 8180 0000 0001 0000 0000 00 0000 0001 00000001 0000 ${data}`);
  viewOf(bytes).setUint16(13, TYPE[type]);
  viewOf(bytes).setUint16(21, bytes.length - 23);
  return bytes;
};

for (const [what, bytes, error] of [
  ['an address of 3 bytes', withData('A', '0a0000'), 'data'],
  ['an address of 5 bytes', withData('A', '0a00000100'), 'data'],
  ['an IPv6 address of 4 bytes', withData('AAAA', '0a000001'), 'data'],
  ['a name with something behind it', withData('NS', '016100ff'), 'data'],
  ['an MX of one byte', withData('MX', '00'), 'data'],
  ['an MX without a name', withData('MX', '000a'), 'short'],
  ['a text whose string is longer than the data', withData('TXT', '0361'), 'data'],
  ['a SOA that is too short', withData('SOA', '00000000000100000002000000030000'), 'data'],
  ['a name that goes beyond the data', withData('NS', '0561'), 'short'],
  ['a pointer to itself', withData('NS', 'c017'), 'name'],
  ['a pointer ahead', withData('NS', 'c018'), 'name'],
  ['a pointer into the name itself', withData('NS', '0161c017'), 'name'],
  ['half a pointer', withData('NS', 'c0'), 'short'],
  ['a length of a kind that is not defined', withData('NS', '4161'), 'name'],
  ['another such', withData('NS', '8161'), 'name'],
  ['a name of 256 octets', withData('NS', `${`3f${'61'.repeat(63)}`.repeat(3)}3e${'61'.repeat(62)}00`), 'name'],
] as const)
  test(`${what} is refused: ${error}`, () => assert.deepEqual(decode(bytes), { ok: false, error }));

test('a name of 255 octets is read', () => {
  const label = `3f${'61'.repeat(63)}`;
  const read = decode(withData('NS', `${label.repeat(3)}3d${'61'.repeat(61)}00`));
  assert.ok(read.ok);
  const [answer] = read.value.answers;
  assert.equal(answer?.type === 'NS' && answer.target.length, 253);
});

test('who answers a query has its id and its question', () => {
  const response = { ...base, answers: [] };
  assert.ok(answersQuery(response, QUERY));
  for (const [what, other] of [
    ['another id', { ...response, id: 0x1235 }],
    ['a query', { ...response, response: false }],
    ['another opcode', { ...response, opcode: 1 }],
    ['another name', { ...response, questions: [{ name: 'example.net', type: 'A' }] }],
    ['another type', { ...response, questions: [{ name: 'www.example.net', type: 'AAAA' }] }],
    ['an unknown type', { ...response, questions: [{ name: 'www.example.net', type: null }] }],
    ['no question', { ...response, questions: [] }],
    ['no question, NXDOMAIN', { ...response, questions: [], rcode: 3 }],
    ['two questions', { ...response, questions: [...response.questions, ...response.questions] }],
  ] as readonly [string, Message][])
    assert.ok(!answersQuery(other, QUERY), what);
  for (const rcode of [1, 2, 4, 5]) assert.ok(answersQuery({ ...response, questions: [], rcode }, QUERY));
});

test('names as people write them', () => {
  assert.deepEqual(parseName('WWW.Example.NET.'), { ok: true, value: 'www.example.net' });
  assert.deepEqual(parseName('_sip._udp.example'), { ok: true, value: '_sip._udp.example' });
  assert.deepEqual(parseName('.'), { ok: true, value: '.' });
  const most = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
  assert.deepEqual(parseName(most), { ok: true, value: most });
  for (const wrong of ['', '..', 'a..b', '.a', 'a b', 'bücher.example', 'a\\.b', 'a'.repeat(64), `${most}d`])
    assert.equal(parseName(wrong).ok, false, wrong);
});

test('data as a zone file has it', () => {
  const texts = (GOLDEN[1] as { message: Message }).message.answers.map(dataText);
  assert.deepEqual(texts, [
    ...['2001:db8::21', 'ns', '10 mx1', '1 5 443 a', 'heü', 'a hm 2018915346', 'a\\.\\255\\001'],
    '(a type that is not read)',
  ]);
  assert.equal(rcodeName(3), 'NXDOMAIN');
  assert.equal(rcodeName(13), 'RCODE 13');
  assert.equal(RCODE_NAMES[5], 'REFUSED');
});

const anyLabel = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
const anyName = fc.array(anyLabel, { maxLength: 5 }).map((labels) => labels.join('.') || '.');
const anyQuery: fc.Arbitrary<Query> = fc.record(
  {
    id: fc.nat(0xffff),
    name: anyName,
    type: fc.constantFrom(...(Object.keys(TYPE) as RecordType[])),
    recursionDesired: fc.boolean(),
  },
  { noNullPrototype: true },
);
const sixteen = fc.nat(0xffff);
const address = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(ipFromBytes);
const rest = { name: anyName, ttl: fc.nat(0x7fffffff) };
const record = <T>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const anyRecord: fc.Arbitrary<Given> = fc.oneof(
  record({ ...rest, type: fc.constant('A' as const), address: address(4) }),
  record({ ...rest, type: fc.constant('AAAA' as const), address: address(16) }),
  record({ ...rest, type: fc.constantFrom('NS' as const, 'CNAME' as const, 'PTR' as const), target: anyName }),
  record({ ...rest, type: fc.constant('MX' as const), preference: sixteen, target: anyName }),
  record({
    ...rest,
    type: fc.constant('SRV' as const),
    priority: sixteen,
    weight: sixteen,
    port: sixteen,
    target: anyName,
  }),
  record({ ...rest, type: fc.constant('TXT' as const), text: fc.string({ maxLength: 600 }) }),
  record({
    ...rest,
    type: fc.constant('SOA' as const),
    primary: anyName,
    mailbox: anyName,
    serial: fc.nat(0xffffffff),
  }),
);

test('every query, answered with any records, is read as what it is', () => {
  fc.assert(
    fc.property(
      anyQuery,
      fc.array(anyRecord, { maxLength: 8 }),
      fc.constantFrom(...RCODE_NAMES),
      (query, answers, rcode) => {
        const read = decode(answerTo(encodeQuery(query), answers, { rcode }));
        assert.ok(read.ok);
        assert.ok(answersQuery(read.value, query));
        assert.deepEqual(read.value.answers, answers);
        assert.equal(rcodeName(read.value.rcode), rcode);
        assert.equal(read.value.recursionDesired, query.recursionDesired);
      },
    ),
  );
});

test('no bytes make decode throw, and every name that it reads is one that can be written', () => {
  const header = fromHex('1234 8180 0001 0003 0000 0000');
  // Bytes that are much of the time a short label, an end, or a pointer into the message.
  const telling = fc.oneof(fc.constantFrom(0, 1, 2, 0xc0, 0x0c, 0x10, 0x61), fc.nat(255));
  const body = fc.array(telling, { maxLength: 120 }).map((bytes) => concat([header, Uint8Array.from(bytes)]));
  const spoilt = fc
    .tuple(fc.array(anyRecord, { maxLength: 4 }), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }))
    .map(([answers, hits]) => {
      const bytes = answerTo(encodeQuery(QUERY), answers);
      for (const [at, value] of hits) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), body, spoilt), (bytes) => {
      const read = decode(bytes);
      if (!read.ok) return;
      for (const { name } of [...read.value.questions, ...read.value.answers]) assert.match(name, /^[!-~]+$/);
    }),
    { numRuns: 5000 },
  );
});

test('the work on a message of the greatest length is bounded: chains of pointers and long names', () => {
  // The root, and then pointers, each to the one before it. A question has every third of them, as its name, and two more
  // as its type and class.
  const first = fromHex('00 0001 0001');
  const chain: number[] = [0xc0, 12];
  for (let at = 17; at < 0x3ff0; at += 2) chain.push(0xc0 | (at >> 8), at & 0xff);
  const hops = concat([fromHex('1234 8180 ffff 0000 0000 0000'), first, Uint8Array.from(chain)]);
  // Questions, all of a name of 127 labels.
  const long = nameBytes(Array(127).fill('a').join('.'));
  const question = Uint8Array.of(0xc0, 0x0c, 0, 1, 0, 1);
  const questions = Array.from({ length: 10_000 }, () => question);
  const names = concat([fromHex('1234 8180 2711 0000 0000 0000'), long, fromHex('00010001'), ...questions]);
  for (const bytes of [hops, names]) {
    const before = process.cpuUsage();
    decode(bytes);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 2_000_000, `${user} µs`);
  }
  assert.deepEqual(decode(hops), { ok: false, error: 'name' });
  assert.equal(decode(names).ok, true);
});
