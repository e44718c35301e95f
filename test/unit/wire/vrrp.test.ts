import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../../src/base/address.ts';
import { concat, toHex } from '../../../src/base/bytes.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import {
  type Advert,
  DROP_REASONS,
  type DropReason,
  decode,
  describe,
  encode,
  routerIdOf,
  versionOf,
  writeChecksum,
} from '../../../src/wire/vrrp.ts';

const path = { source: ip('192.0.2.11'), destination: ip('224.0.0.18') };
const path6 = { source: ip('fe80::1'), destination: ip('ff02::12') };
const advert: Advert = {
  version: 3,
  routerId: 51,
  priority: 150,
  interval: milliseconds(1000),
  addresses: [ip('192.0.2.100')],
};
const advert2: Advert = { ...advert, version: 2 };
const advert6: Advert = { ...advert, addresses: [ip('fe80::100')] };

type Row = { reason: DropReason; of?: Advert; spoil: (bytes: Uint8Array) => Uint8Array; sum?: false };
/** An advert with one thing wrong, its checksum made right again unless that is what is wrong. */
const refused: readonly Row[] = [
  { reason: 'truncated', spoil: (b) => b.subarray(0, 7) },
  { reason: 'truncated', spoil: (b) => set(b, 3, 2) },
  { reason: 'truncated', of: advert2, spoil: (b) => b.subarray(0, b.length - 1) },
  { reason: 'version', spoil: (b) => set(b, 0, 0x11) },
  { reason: 'version', spoil: (b) => set(b, 0, 0x41) },
  { reason: 'type', spoil: (b) => set(b, 0, 0x32) },
  { reason: 'type', of: advert2, spoil: (b) => set(b, 0, 0x22) },
  { reason: 'router-id', spoil: (b) => set(b, 1, 0) },
  { reason: 'interval', spoil: (b) => set(set(b, 4, 0), 5, 0) },
  { reason: 'interval', of: advert2, spoil: (b) => set(b, 5, 0) },
  { reason: 'checksum', spoil: (b) => set(b, 2, 151), sum: false },
  { reason: 'checksum', of: advert2, spoil: (b) => set(b, b.length - 1, 1), sum: false },
];

for (const { reason, of = advert, spoil, sum } of refused) {
  test(`a packet of version ${of.version} is refused as ${reason}: ${DROP_REASONS[reason]}`, () => {
    const bytes = spoil(encode(of, path, 'message'));
    assert.deepEqual(decode(sum === false ? bytes : resum(bytes), path), { ok: false, error: reason });
  });
}

test('every reason to refuse a packet is in the table above, and names its clause', () => {
  assert.deepEqual(new Set(refused.map((r) => r.reason)), new Set(Object.keys(DROP_REASONS)));
  for (const sentence of Object.values(DROP_REASONS)) assert.match(sentence, /RFC \d+, .*: /);
});

test('version 2 is for IPv4 alone, and its checksum has no pseudo-header', () => {
  const bytes = encode(advert6, path6, 'pseudo-header');
  assert.deepEqual(decode(set(bytes, 0, 0x21), path6), { ok: false, error: 'version' });
  assert.throws(() => encode({ ...advert6, version: 2 }, path6, 'message'), /only IPv4/);
  const bytes2 = encode(advert2, path, 'message');
  writeChecksum(bytes2, path, 'pseudo-header');
  assert.deepEqual(decode(bytes2, path), { ok: false, error: 'checksum' });
});

test('version 3 on IPv6 needs its pseudo-header', () => {
  const bytes = encode(advert6, path6, 'message');
  assert.ok(decode(bytes, path6).ok);
  assert.deepEqual(decode(resum(bytes), path6), { ok: false, error: 'checksum' });
  assert.deepEqual(decode(bytes, { ...path6, destination: ip('fe80::2') }), { ok: false, error: 'checksum' });
});

test('reserved bits are ignored on receipt (RFC 9568, 5.2.6)', () => {
  assert.ok(decode(resum(set(encode(advert, path, 'message'), 4, 0xf0)), path).ok);
});

test('an advert without addresses is accepted: keepalived sends it', () => {
  for (const each of [advert, advert2]) {
    const decoded = decode(encode({ ...each, addresses: [] }, path, 'pseudo-header'), path);
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.value.advert.addresses, []);
  }
});

test('padding after the message does not disturb the checksum and is told', () => {
  for (const [each, where] of [[advert, path] as const, [advert2, path] as const, [advert6, path6] as const]) {
    const padded = concat([encode(each, where, 'pseudo-header'), new Uint8Array(14)]);
    const decoded = decode(padded, where);
    assert.ok(decoded.ok);
    assert.equal(decoded.value.trailer.length, 14);
  }
});

test('on IPv6 the checksum may cover what follows the message, of even or odd length, and on IPv4 it may not', () => {
  for (const size of [28, 27]) {
    const more = concat([encode(advert6, path6, 'message'), new Uint8Array(size).fill(0xab)]);
    writeChecksum(more, path6, 'pseudo-header');
    const decoded = decode(more, path6);
    assert.ok(decoded.ok);
    assert.equal(decoded.value.trailer.length, size);
    more[more.length - 1] = 0;
    assert.deepEqual(decode(more, path6), { ok: false, error: 'checksum' });
  }
  const more = concat([encode(advert, path, 'message'), new Uint8Array(28).fill(0xab)]);
  writeChecksum(more, path, 'pseudo-header');
  assert.deepEqual(decode(more, path), { ok: false, error: 'checksum' });
});

test('version 2 always has its 8 bytes of authentication data, and its checksum covers them', () => {
  const bare = encode(advert2, path, 'message');
  assert.equal(toHex(bare), '2133960100018665c00002640000000000000000');
  const auth = { type: 1, data: new Uint8Array(8).fill(0x61) };
  const decoded = decode(encode(advert2, path, 'pseudo-header', auth), path);
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.value.auth, auth);
  assert.equal(decoded.value.checksum, 'message');
});

test('what no advert can say is a defect of the caller', () => {
  const wrong: readonly Partial<Advert>[] = [
    { interval: milliseconds(0) },
    { interval: milliseconds(40_960) },
    { version: 2, interval: seconds(256) },
    { version: 2, interval: milliseconds(300) },
    { routerId: 0 },
    { routerId: 256 },
    { priority: 256 },
    { addresses: new Array(256).fill(ip('192.0.2.1')) },
  ];
  for (const part of wrong)
    assert.throws(() => encode({ ...advert, ...part }, path, 'message'), /invariant/, JSON.stringify(part));
});

test('the router id and version are read of anything', () => {
  const bytes = encode(advert2, path, 'message');
  assert.deepEqual([routerIdOf(bytes), versionOf(bytes)], [51, 2]);
  assert.deepEqual([routerIdOf(bytes.subarray(0, 1)), versionOf(new Uint8Array(0))], [0, 0]);
});

test('what is encoded decodes to the same, in every version, family and form', () => {
  const of = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
  const cases = fc.constantFrom([2, 4] as const, [3, 4] as const, [3, 16] as const).chain(([version, size]) =>
    fc.record(
      {
        version: fc.constant(version),
        routerId: fc.integer({ min: 1, max: 255 }),
        priority: fc.integer({ min: 0, max: 255 }),
        interval:
          version === 3
            ? fc.integer({ min: 1, max: 4095 }).map((cs) => milliseconds(cs * 10))
            : fc.integer({ min: 1, max: 255 }).map((s) => seconds(s)),
        addresses: fc.array(of(size).map(ipFromBytes), { maxLength: 255 }),
        size: fc.constant(size),
      },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(cases, fc.constantFrom('pseudo-header' as const, 'message' as const), ({ size, ...value }, form) => {
      const where = size === 4 ? path : path6;
      const decoded = decode(encode(value, where, form), where);
      assert.ok(decoded.ok);
      assert.deepEqual(decoded.value.advert, value);
      assert.equal(decoded.value.checksum, size === 16 ? 'pseudo-header' : value.version === 2 ? 'message' : form);
      assert.ok(describe(value).length > 0);
    }),
  );
});

test('it prints as people say it', () => {
  assert.equal(describe(advert2), 'VRRPv2 router 51 priority 150 every 1 s for 192.0.2.100');
  assert.equal(
    describe({ ...advert, priority: 0, addresses: [] }),
    'VRRPv3 router 51 priority 0 (resigns) every 1 s without addresses',
  );
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
