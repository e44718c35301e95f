import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import { type Advert, DROP_REASONS, type DropReason, decode, describe, encode } from '../../../src/wire/vrrp.ts';

const path = { source: ip('192.0.2.11'), destination: ip('224.0.0.18') };
const advert: Advert = {
  version: 3,
  routerId: 51,
  priority: 150,
  interval: milliseconds(1000),
  addresses: [ip('192.0.2.100')],
};

/** The advert above with one thing wrong, its checksum made right again unless that is what is wrong. */
const refused: readonly { reason: DropReason; ttl?: number; spoil: (bytes: Uint8Array) => Uint8Array; sum?: false }[] =
  [
    { reason: 'ttl', ttl: 254, spoil: (b) => b },
    { reason: 'truncated', spoil: (b) => b.subarray(0, 7) },
    { reason: 'truncated', spoil: (b) => set(b, 3, 2) },
    { reason: 'version', spoil: (b) => set(b, 0, 0x21) },
    { reason: 'version', spoil: (b) => set(b, 0, 0x41) },
    { reason: 'type', spoil: (b) => set(b, 0, 0x32) },
    { reason: 'router-id', spoil: (b) => set(b, 1, 0) },
    { reason: 'interval', spoil: (b) => set(set(b, 4, 0), 5, 0) },
    { reason: 'checksum', spoil: (b) => set(b, 2, 151), sum: false },
  ];

for (const { reason, ttl, spoil, sum } of refused) {
  test(`a packet is refused as ${reason}: ${DROP_REASONS[reason]}`, () => {
    const bytes = spoil(encode(advert, path, 'message'));
    assert.deepEqual(decode(sum === false ? bytes : resum(bytes), { ...path, ttl: ttl ?? 255 }), {
      ok: false,
      error: reason,
    });
  });
}

test('every reason to refuse a packet is in the table above', () => {
  assert.deepEqual(new Set(refused.map((r) => r.reason)), new Set(Object.keys(DROP_REASONS)));
});

test('reserved bits are ignored on receipt (RFC 9568, 5.2.6)', () => {
  assert.ok(decode(resum(set(encode(advert, path, 'message'), 4, 0xf0)), { ...path, ttl: 255 }).ok);
});

test('an advert without addresses is accepted: keepalived sends it', () => {
  const decoded = decode(encode({ ...advert, addresses: [] }, path, 'pseudo-header'), { ...path, ttl: 255 });
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.value.advert.addresses, []);
});

test('padding after the addresses does not disturb the checksum and is told', () => {
  const bytes = encode(advert, path, 'pseudo-header');
  const padded = new Uint8Array(bytes.length + 14);
  padded.set(bytes);
  const decoded = decode(padded, { ...path, ttl: 255 });
  assert.ok(decoded.ok);
  assert.equal(decoded.value.trailer.length, 14);
});

test('what is encoded decodes to the same, in either form', () => {
  const bytes4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const adverts = fc.record(
    {
      version: fc.constant(3 as const),
      routerId: fc.integer({ min: 1, max: 255 }),
      priority: fc.integer({ min: 0, max: 255 }),
      interval: fc.integer({ min: 1, max: 4095 }).map((cs) => milliseconds(cs * 10)),
      addresses: fc.array(bytes4.map(ipFromBytes), { maxLength: 255 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(adverts, fc.constantFrom('pseudo-header' as const, 'message' as const), (value, form) => {
      const decoded = decode(encode(value, path, form), { ...path, ttl: 255 });
      assert.ok(decoded.ok);
      assert.deepEqual(decoded.value.advert, value);
      assert.ok(describe(value).length > 0);
    }),
  );
});

test('no bytes make decode throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decode(bytes, { ...path, ttl: 255 })));
});

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** Puts the message-only checksum right, by plain arithmetic of its own. */
function resum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) return bytes;
  const copy = set(set(bytes, 6, 0), 7, 0);
  let sum = 0;
  for (let i = 0; i < copy.length; i += 2) sum += (copy[i] as number) * 256 + (copy[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return set(set(copy, 6, (~sum >> 8) & 0xff), 7, ~sum & 0xff);
}
