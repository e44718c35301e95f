import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../../src/base/address.ts';
import { concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import { mac, macFromBytes } from '../../../src/wire/ethernet.ts';
import {
  type Advertisement,
  announcement,
  type DropReason,
  decode,
  decodeSolicitation,
  describe,
  describeSolicitation,
  encode,
  encodeSolicitation,
  type Solicitation,
  solicitedNode,
} from '../../../src/wire/ndp.ts';

/** Written by hand from RFC 4861, 4.4 and 4.6.1. The checksum is left to the kernel. */
const GOLDEN: readonly {
  readonly name: string;
  readonly advertisement: Advertisement;
  readonly hex: string;
  readonly text: string;
}[] = [
  {
    name: 'announcement of a router',
    advertisement: announcement(mac('02:00:5e:00:53:01'), ip('2001:db8::10'), true),
    hex: `88                        type: 136
          00                        code
          00 00                     checksum
          a0 00 00 00               R and O
          20 01 0d b8 00 00 00 00   target: 2001:db8::10
          00 00 00 00 00 00 00 10
          02                        option: target link-layer address
          01                        its length: 8 bytes
          02 00 5e 00 53 01         02:00:5e:00:53:01`,
    text: 'NA: 2001:db8::10 is at 02:00:5e:00:53:01 (router, override)',
  },
  {
    name: 'announcement of a host',
    advertisement: announcement(mac('02:00:5e:00:53:01'), ip('fe80::10'), false),
    hex: `88                        type: 136
          00                        code
          00 00                     checksum
          20 00 00 00               O
          fe 80 00 00 00 00 00 00   target: fe80::10
          00 00 00 00 00 00 00 10
          02                        option: target link-layer address
          01                        its length: 8 bytes
          02 00 5e 00 53 01         02:00:5e:00:53:01`,
    text: 'NA: fe80::10 is at 02:00:5e:00:53:01 (override)',
  },
  {
    name: 'answer that overrides nothing',
    advertisement: {
      ...{ router: false, solicited: true, override: false },
      ...{ target: ip('2001:db8::10'), targetMac: mac('02:00:5e:00:53:01') },
    },
    hex: `88                        type: 136
          00                        code
          00 00                     checksum
          40 00 00 00               S
          20 01 0d b8 00 00 00 00   target: 2001:db8::10
          00 00 00 00 00 00 00 10
          02                        option: target link-layer address
          01                        its length: 8 bytes
          02 00 5e 00 53 01         02:00:5e:00:53:01`,
    text: 'NA: 2001:db8::10 is at 02:00:5e:00:53:01 (solicited)',
  },
];

/** The hex digits before the remark of each line. */
const bytesOf = (annotated: string): Uint8Array =>
  fromHex(annotated.replace(/^\s*((?:[0-9a-f]{2} ?)+)(?: {2,}.*)?$/gm, '$1'));

for (const { name, advertisement, hex, text } of GOLDEN) {
  const bytes = bytesOf(hex);

  test(`${name}: decodes to its value`, () => assert.deepEqual(decode(bytes), { ok: true, value: advertisement }));
  test(`${name}: encodes to its bytes`, () => assert.equal(toHex(encode(advertisement)), toHex(bytes)));
  test(`${name}: reads as one line`, () => assert.equal(describe(advertisement), text));
  test(`${name}: is refused when cut short anywhere`, () => {
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decode(bytes.subarray(0, length)).ok, false, `cut to ${length} bytes`);
  });
}

const GOOD = encode(announcement(mac('02:00:5e:00:53:01'), ip('2001:db8::10'), true));
const spoilt = (at: number, value: number): Uint8Array => GOOD.map((byte, i) => (i === at ? value : byte));

const REFUSED: readonly { readonly reason: DropReason; readonly what: string; readonly bytes: Uint8Array }[] = [
  { reason: 'truncated', what: 'a message of 23 bytes', bytes: GOOD.subarray(0, 23) },
  { reason: 'truncated', what: 'an option that is longer than the message', bytes: spoilt(25, 2) },
  { reason: 'truncated', what: 'an option without a length', bytes: concat([GOOD, fromHex('02')]) },
  { reason: 'type', what: 'a solicitation', bytes: spoilt(0, 135) },
  { reason: 'code', what: 'code 1', bytes: spoilt(1, 1) },
  { reason: 'target', what: 'a multicast target', bytes: spoilt(8, 0xff) },
  { reason: 'option', what: 'an option of length 0', bytes: spoilt(25, 0) },
  {
    reason: 'option',
    what: 'a link-layer address of InfiniBand',
    bytes: concat([GOOD.subarray(0, 24), fromHex('0203'), new Uint8Array(22)]),
  },
  { reason: 'no-link-layer-address', what: 'a message without options', bytes: GOOD.subarray(0, 24) },
  { reason: 'no-link-layer-address', what: 'an option of another kind', bytes: spoilt(24, 1) },
];

for (const { reason, what, bytes } of REFUSED)
  test(`${what} is refused: ${reason}`, () => assert.deepEqual(decode(bytes), { ok: false, error: reason }));

test('options that are not known are passed over', () => {
  const nonce = fromHex('0e 01 01 02 03 04 05 06');
  const bytes = concat([GOOD.subarray(0, 24), nonce, GOOD.subarray(24)]);
  assert.deepEqual(decode(bytes), decode(GOOD));
});

const anyAdvertisement: fc.Arbitrary<Advertisement> = fc.record(
  {
    router: fc.boolean(),
    solicited: fc.boolean(),
    override: fc.boolean(),
    target: fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .filter((bytes) => bytes[0] !== 0xff)
      .map(ipFromBytes),
    targetMac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macFromBytes),
  },
  { noNullPrototype: true },
);

test('every advertisement survives encode and decode', () => {
  fc.assert(fc.property(anyAdvertisement, (value) => assert.deepEqual(decode(encode(value)), { ok: true, value })));
});

test('no bytes make decode throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decode(bytes)));
  const headed = fc.uint8Array({ maxLength: 60 }).map((tail) => concat([GOOD.subarray(0, 24), tail]));
  fc.assert(fc.property(headed, (bytes) => void decode(bytes)));
});

/** Written by hand from RFC 4861, 4.3 and 4.6.1. The checksum is left to the kernel. */
const SOLICITATIONS: readonly {
  readonly name: string;
  readonly solicitation: Solicitation;
  readonly hex: string;
  readonly text: string;
}[] = [
  {
    name: 'question of a neighbour',
    solicitation: { target: ip('2001:db8::1'), sourceMac: mac('02:00:5e:00:53:01') },
    hex: `87                        type: 135
          00                        code
          00 00                     checksum
          00 00 00 00               reserved
          20 01 0d b8 00 00 00 00   target: 2001:db8::1
          00 00 00 00 00 00 00 01
          01                        option: source link-layer address
          01                        its length: 8 bytes
          02 00 5e 00 53 01         02:00:5e:00:53:01`,
    text: 'NS: who has 2001:db8::1? asks 02:00:5e:00:53:01',
  },
  {
    name: 'question of somebody who has no address yet',
    solicitation: { target: ip('fe80::10'), sourceMac: null },
    hex: `87                        type: 135
          00                        code
          00 00                     checksum
          00 00 00 00               reserved
          fe 80 00 00 00 00 00 00   target: fe80::10
          00 00 00 00 00 00 00 10`,
    text: 'NS: who has fe80::10? asks somebody without an address',
  },
];

for (const { name, solicitation, hex, text } of SOLICITATIONS) {
  const bytes = bytesOf(hex);

  test(`${name}: decodes to its value`, () =>
    assert.deepEqual(decodeSolicitation(bytes), { ok: true, value: solicitation }));
  test(`${name}: encodes to its bytes`, () => assert.equal(toHex(encodeSolicitation(solicitation)), toHex(bytes)));
  test(`${name}: reads as one line`, () => assert.equal(describeSolicitation(solicitation), text));
  test(`${name}: is refused when cut short anywhere, but between header and options`, () => {
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeSolicitation(bytes.subarray(0, length)).ok, length === 24, `cut to ${length} bytes`);
  });
}

const ASKED = bytesOf(SOLICITATIONS[0]?.hex ?? '');
const REFUSED_SOLICITATIONS: readonly { readonly reason: DropReason; readonly what: string; readonly at: number }[] = [
  { reason: 'type', what: 'another type', at: 0 },
  { reason: 'code', what: 'another code', at: 1 },
  { reason: 'target', what: 'a multicast target', at: 8 },
  { reason: 'truncated', what: 'an option that is longer than the message', at: 25 },
];
for (const { reason, what, at } of REFUSED_SOLICITATIONS)
  test(`a solicitation with ${what} is refused: ${reason}`, () => {
    const spoiled = ASKED.map((byte, i) => (i === at ? 0xff : byte));
    assert.deepEqual(decodeSolicitation(spoiled), { ok: false, error: reason });
  });

test('a target’s link-layer address is not taken for the asker’s', () => {
  const other = ASKED.map((byte, i) => (i === 24 ? 2 : byte));
  assert.deepEqual(decodeSolicitation(other), { ok: true, value: { target: ip('2001:db8::1'), sourceMac: null } });
});

test('no bytes make decodeSolicitation throw', () => {
  const headed = fc.uint8Array({ maxLength: 60 }).map((tail) => concat([ASKED.subarray(0, 24), tail]));
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), headed), (bytes) => void decodeSolicitation(bytes)));
});

test('whoever has an address is asked for it in the group of its last 24 bits', () => {
  assert.equal(solicitedNode(ip('2001:db8::1:2:3')), 'ff02::1:ff02:3');
  assert.equal(solicitedNode(ip('fe80::a8bb:ccff:fedd:eeff')), 'ff02::1:ffdd:eeff');
});
