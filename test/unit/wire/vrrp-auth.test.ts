import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { milliseconds } from '../../../src/base/time.ts';
import { hmacSha256 } from '../../../src/system/hmac.ts';
import { type Advert, decode as decodeAdvert, encode as encodeAdvert } from '../../../src/wire/vrrp.ts';
import {
  decode,
  encode,
  sameBytes,
  sign,
  TRAILER_LENGTH,
  TRAILER_REASONS,
  verify,
} from '../../../src/wire/vrrp-auth.ts';

const path = { source: ip('192.0.2.11'), destination: ip('224.0.0.18') };
const path6 = { source: ip('fe80::1'), destination: ip('ff02::12') };
const key = { id: 7, bytes: new Uint8Array(32).fill(9) };
const stamp = 0x6b04b1c9_0456_0003n;
const of = (version: 2 | 3, address: string): Advert => ({
  ...{ version, routerId: 51, priority: 150, interval: milliseconds(1000), addresses: [ip(address)] },
});
const message = encodeAdvert(of(3, '192.0.2.100'), path, 'pseudo-header');

test('HMAC-SHA256 is that of RFC 4231, test case 2', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = hmacSha256(bytes('Jefe'), bytes('what do ya want for nothing?'));
  assert.equal(toHex(code), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});

test('what is signed: family, version, router id, source; message without checksum; trailer without HMAC', () => {
  const signed = sign(message, path, key, stamp, hmacSha256);
  const bound = Buffer.concat([
    Buffer.from([4, 3, 51, 0, 192, 0, 2, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    message.subarray(0, 6),
    Buffer.alloc(2),
    message.subarray(8),
    Buffer.from('010700006b04b1c904560003', 'hex'),
    Buffer.alloc(16),
  ]);
  const code = createHmac('sha256', key.bytes).update(bound).digest('hex').slice(0, 32);
  assert.equal(toHex(signed), `${toHex(message)}010700006b04b1c904560003${code}`);
});

test('a signature is bound to key, source, router id, version and stamp, and to no destination', () => {
  const signed = sign(message, path, key, stamp, hmacSha256);
  const change = (at: number, by: number): Uint8Array => {
    const bytes = signed.slice();
    bytes[at] = (bytes[at] as number) ^ by;
    return bytes;
  };
  assert.ok(verify(signed, path.source, key.bytes, hmacSha256));
  assert.ok(!verify(signed, ip('192.0.2.12'), key.bytes, hmacSha256));
  assert.ok(!verify(signed, path.source, new Uint8Array(32), hmacSha256));
  assert.ok(!verify(change(0, 0x10), path.source, key.bytes, hmacSha256), 'version');
  assert.ok(!verify(change(1, 1), path.source, key.bytes, hmacSha256), 'router id');
  assert.ok(!verify(change(signed.length - 17, 1), path.source, key.bytes, hmacSha256), 'counter');
  assert.ok(!verify(signed.subarray(0, TRAILER_LENGTH - 1), path.source, key.bytes, hmacSha256), 'too short');
  const elsewhere = sign(message, { ...path, destination: ip('192.0.2.12') }, key, stamp, hmacSha256);
  assert.deepEqual(elsewhere, signed);
});

test('every kind of advert is whole after it was signed, and its trailer is what was signed', () => {
  for (const [advert, where] of [
    [of(3, '192.0.2.100'), path],
    [of(2, '192.0.2.100'), path],
    [of(3, 'fe80::100'), path6],
  ] as const) {
    const signed = sign(encodeAdvert(advert, where, 'message'), where, key, stamp, hmacSha256);
    const decoded = decodeAdvert(signed, where);
    assert.ok(decoded.ok, `version ${advert.version} ${where.source}`);
    assert.deepEqual(decoded.value.advert, advert);
    const trailer = decode(decoded.value.trailer);
    assert.ok(trailer.ok);
    assert.equal(trailer.value.stamp, stamp);
    assert.ok(verify(signed, where.source, key.bytes, hmacSha256));
  }
});

test('what is no trailer is refused by name', () => {
  const good = encode({ keyId: 1, stamp, mac: new Uint8Array(16) });
  const at = (index: number): Uint8Array => good.with(index, 9);
  const rows = { length: good.subarray(1), type: at(0), reserved: at(3) };
  assert.deepEqual(Object.keys(rows), Object.keys(TRAILER_REASONS));
  for (const [error, bytes] of Object.entries(rows)) assert.deepEqual(decode(bytes), { ok: false, error });
});

test('what is encoded decodes to the same', () => {
  const trailers = fc.record(
    {
      keyId: fc.integer({ min: 0, max: 255 }),
      stamp: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      mac: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(trailers, (value) => assert.deepEqual(decode(encode(value)), { ok: true, value })));
});

test('bytes are the same only when all of them are', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.ok(sameBytes(bytes, Uint8Array.of(1, 2, 3)));
  for (const other of [
    [1, 2],
    [1, 2, 3, 0],
    [0, 2, 3],
    [1, 2, 4],
  ])
    assert.ok(!sameBytes(bytes, Uint8Array.from(other)));
});
