import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Family, ip } from '../../../src/base/address.ts';
import { concat, fromHex, toHex, viewOf } from '../../../src/base/bytes.ts';
import { complement16, sum16 } from '../../../src/wire/checksum.ts';
import { ANSWER_TYPES, type DropReason, decode, type EchoAnswer, encodeRequest } from '../../../src/wire/icmp.ts';

/** The hex digits before the remark of each line. */
const bytesOf = (annotated: string): Uint8Array =>
  fromHex(annotated.replace(/^\s*((?:[0-9a-f]{2} ?)+)(?: {2,}.*)?$/gm, '$1'));

const ECHO = { id: 0x1234, sequence: 0x0506, data: fromHex('000102') };

test('requests are written to their bytes, with the checksum of IPv4', () => {
  const four = `
    08 00   echo request
    de c4   checksum
    12 34   id
    05 06   sequence
    00 01 02   data`;
  const six = `
    80 00   echo request
    00 00   checksum: the kernel's
    12 34 05 06 00 01 02`;
  assert.equal(toHex(encodeRequest(4, ECHO)), toHex(bytesOf(four)));
  assert.equal(toHex(encodeRequest(6, ECHO)), toHex(bytesOf(six)));
});

/** The packet that an error is about: a request to 192.0.2.1, or to 2001:db8::1, as far as an error must quote it. */
const QUOTED4 = `
    45 00 00 1f 00 00 40 00 40 01 00 00   IPv4, 20 bytes, don't fragment, protocol ICMP
    c0 00 02 0a c0 00 02 01   192.0.2.10 to 192.0.2.1
    08 00 de c4 12 34 05 06   the request`;
const QUOTED6 = `
    60 00 00 00 00 0b 3a 40   IPv6, ICMPv6
    20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 0a
    20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01
    80 00 00 00 12 34 05 06   the request`;
const FRAGMENT6 = QUOTED6.replace('00 0b 3a 40', '00 0b 2c 40').replace(
  '    80 00 00 00 12',
  '    3a 00 00 01 00 00 00 07   fragment header: the first of several\n    80 00 00 00 12',
);
const OPTIONS4 = QUOTED4.replace('45 00', '46 00').replace('    08 00', '    01 01 01 00   options\n    08 00');

type Golden = {
  readonly name: string;
  readonly family: Family;
  readonly hex: string;
  readonly value: EchoAnswer;
};
const about4 = (why: string): EchoAnswer => ({
  ...{ kind: 'error', id: 0x1234, sequence: 0x0506, destination: ip('192.0.2.1'), why },
});
const about6 = (why: string): EchoAnswer => ({ ...about4(why), destination: ip('2001:db8::1') }) as EchoAnswer;

const GOLDEN: readonly Golden[] = [
  {
    name: 'IPv4 reply',
    family: 4,
    hex: '00 00 e6 c4 12 34 05 06 00 01 02',
    value: { kind: 'reply', ...ECHO },
  },
  { name: 'IPv6 reply', family: 6, hex: '81 00 ab cd 12 34 05 06 00 01 02', value: { kind: 'reply', ...ECHO } },
  {
    name: 'IPv4 host unreachable',
    family: 4,
    hex: `03 01 00 00 00 00 00 00${QUOTED4}`,
    value: about4('host unreachable'),
  },
  {
    name: 'IPv4 network unreachable, about a packet with options',
    family: 4,
    hex: `03 00 00 00 00 00 00 00${OPTIONS4}`,
    value: about4('network unreachable'),
  },
  {
    name: 'IPv4 forbidden',
    family: 4,
    hex: `03 0d 00 00 00 00 00 00${QUOTED4}`,
    value: about4('forbidden by a firewall'),
  },
  {
    name: 'IPv4 too large',
    family: 4,
    hex: `03 04 00 00 00 00 05 00${QUOTED4}`,
    value: about4('request larger than the way to it takes'),
  },
  {
    name: 'IPv4, a code without a name',
    family: 4,
    hex: `03 08 00 00 00 00 00 00${QUOTED4}`,
    value: about4('destination unreachable'),
  },
  {
    name: 'IPv4 time exceeded',
    family: 4,
    hex: `0b 00 00 00 00 00 00 00${QUOTED4}`,
    value: about4('too many hops on the way'),
  },
  {
    name: 'IPv6 host unreachable',
    family: 6,
    hex: `01 03 00 00 00 00 00 00${QUOTED6}`,
    value: about6('host unreachable'),
  },
  {
    name: 'IPv6 no route, about a fragment',
    family: 6,
    hex: `01 00 00 00 00 00 00 00${FRAGMENT6}`,
    value: about6('network unreachable'),
  },
  {
    name: 'IPv6 packet too big',
    family: 6,
    hex: `02 00 00 00 00 00 05 00${QUOTED6}`,
    value: about6('request larger than the way to it takes'),
  },
  {
    name: 'IPv6 hop limit exceeded',
    family: 6,
    hex: `03 00 00 00 00 00 00 00${QUOTED6}`,
    value: about6('too many hops on the way'),
  },
];

/** With the checksum of IPv4 where it has none yet. */
function whole(family: Family, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (family === 6 || copy.length < 4) return copy;
  viewOf(copy).setUint16(2, 0);
  viewOf(copy).setUint16(2, complement16(sum16(copy)));
  return copy;
}

for (const { name, family, hex, value } of GOLDEN) {
  const annotated = bytesOf(hex);
  const bytes = value.kind === 'reply' ? annotated : whole(family, annotated);

  test(`${name}: decodes to its value`, () => assert.deepEqual(decode(family, bytes), { ok: true, value }));
  test(`${name}: is of a type that is asked for`, () => assert.ok(ANSWER_TYPES[family].includes(bytes[0] as number)));
  test(`${name}: is refused when cut short anywhere`, () => {
    const least = value.kind === 'reply' ? 8 : bytes.length;
    for (let length = 0; length < least; length++)
      assert.deepEqual(decode(family, whole(family, bytes.subarray(0, length))), { ok: false, error: 'truncated' });
  });
}

const SPOILT: readonly (readonly [string, Family, string, DropReason])[] = [
  ['another checksum', 4, '00 00 e6 c5 12 34 05 06 00 01 02', 'checksum'],
  ['a request', 4, '08 00 de c4 12 34 05 06 00 01 02', 'type'],
  ['a request', 6, '80 00 00 00 12 34 05 06', 'type'],
  ['an error about UDP', 4, `03 03 00 00 00 00 00 00${QUOTED4.replace('40 01', '40 11')}`, 'not-ours'],
  ['an error about UDP', 6, `01 04 00 00 00 00 00 00${QUOTED6.replace('3a 40', '11 40')}`, 'not-ours'],
  ['an error about a reply', 4, `03 01 00 00 00 00 00 00${QUOTED4.replace('08 00 de', '00 00 de')}`, 'not-ours'],
  [
    'an error about a later fragment',
    4,
    `03 01 00 00 00 00 00 00${QUOTED4.replace('40 00 40', '00 01 40')}`,
    'not-ours',
  ],
  [
    'an error about a later fragment',
    6,
    `01 03 00 00 00 00 00 00${FRAGMENT6.replace('3a 00 00 01', '3a 00 00 09')}`,
    'not-ours',
  ],
];

for (const [what, family, hex, error] of SPOILT)
  test(`IPv${family}: ${what} is refused: ${error}`, () => {
    const bytes = bytesOf(hex);
    const sent = error === 'checksum' ? bytes : whole(family, bytes);
    assert.deepEqual(decode(family, sent), { ok: false, error });
  });

test('a request that is turned into its reply is read as what it was', () => {
  const anyEcho = fc.record(
    { id: fc.nat(0xffff), sequence: fc.nat(0xffff), data: fc.uint8Array({ maxLength: 80 }) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.constantFrom<Family>(4, 6), anyEcho, (family, echo) => {
      const reply = encodeRequest(family, echo);
      reply[0] = ANSWER_TYPES[family][0] as number;
      assert.deepEqual(decode(family, whole(family, reply)), { ok: true, value: { kind: 'reply', ...echo } });
    }),
  );
});

test('no bytes make decode throw', () => {
  const header = fc.constantFrom(...[0, 3, 11, 129, 1, 2].map((type) => Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0)));
  const about = fc.tuple(header, fc.uint8Array({ maxLength: 90 })).map(([first, rest]) => concat([first, rest]));
  fc.assert(
    fc.property(fc.constantFrom<Family>(4, 6), fc.oneof(about, fc.uint8Array({ maxLength: 80 })), (family, bytes) => {
      decode(family, bytes);
      decode(family, whole(family, bytes));
    }),
    { numRuns: 3000 },
  );
});
