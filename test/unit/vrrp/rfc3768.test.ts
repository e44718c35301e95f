/**
 * What RFC 3768 asks of version 2 and RFC 9568 does not ask of version 3, a test a requirement, as `docs/rfc/rfc3768.md`
 * names them. The state machine is the same: `rfc9568.test.ts` runs it as both.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { type ReceivePolicy, receive } from '../../../src/vrrp/receive.ts';
import { NO_MARKS } from '../../../src/vrrp/replay.ts';
import { masterDown, skew } from '../../../src/vrrp/timing.ts';
import { type Advert, decode, encode, type Path } from '../../../src/wire/vrrp.ts';

const PATH: Path = { source: ip('192.0.2.11'), destination: ip('224.0.0.18') };
const ADVERT: Advert = {
  version: 2,
  routerId: 51,
  priority: 150,
  interval: seconds(1),
  addresses: [ip('192.0.2.100'), ip('192.0.2.101')],
};
/** Of keepalived, as captured. */
const CAPTURED = '213396020001c3fec0000264c00002650000000000000000';

const sent = (more: Partial<Advert> = {}): Uint8Array => encode({ ...ADVERT, ...more }, PATH, 'pseudo-header');
const refusal = (bytes: Uint8Array, path = PATH): string => {
  const decoded = decode(bytes, path);
  return decoded.ok ? 'accepted' : decoded.error;
};

test('a message of version 2 lies as the RFC draws it, with eight zeros of authentication data at its end', () => {
  assert.equal(toHex(sent()), CAPTURED);
});

test('a packet of version 2 of another type is refused', () => {
  const bytes = sent();
  for (const type of [0, 2, 15]) {
    const other = bytes.slice();
    other[0] = 0x20 + type;
    // One more in the first byte is 256 less in the sum.
    other[6] = (bytes[6] as number) + 1 - type;
    assert.equal(refusal(other), 'type', `type ${type}`);
  }
});

test('authentication data of type 0 are ignored', () => {
  const data = new Uint8Array(8).fill(0xa5);
  const decoded = decode(encode(ADVERT, PATH, 'message', { type: 0, data }), PATH);
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.value.advert, ADVERT);
});

test('version 2 is IPv4 alone', () => {
  const path: Path = { source: ip('fe80::1'), destination: ip('ff02::12') };
  assert.equal(refusal(sent(), path), 'version');
  assert.throws(() => encode({ ...ADVERT, addresses: [ip('fe80::100')] }, path, 'message'));
});

test('an interval of version 2 is 1 to 255 whole seconds in one byte', () => {
  for (const s of [1, 2, 255]) {
    const bytes = sent({ interval: seconds(s) });
    assert.equal(bytes[5], s);
    const decoded = decode(bytes, PATH);
    assert.ok(decoded.ok);
    assert.equal(decoded.value.advert.interval, 1000 * s);
  }
  for (const ms of [0, 256_000]) assert.throws(() => sent({ interval: milliseconds(ms) }));
});

test('the checksum of version 2 is over the whole message, authentication data and all, and has no pseudo-header', () => {
  const password = { type: 1, data: new TextEncoder().encode('secret12') };
  const one = { ...ADVERT, addresses: [ip('192.0.2.100')] };
  assert.equal(toHex(encode(one, PATH, 'pseudo-header', password).subarray(6, 8)), '17e7');
  const bytes = sent();
  const pseudo = bytes.slice();
  pseudo.set([0x21, 0x58], 6);
  assert.equal(refusal(pseudo), 'checksum', 'with a pseudo-header');
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (0x80 >> (bit % 8));
    assert.notEqual(refusal(damaged), 'accepted', `bit ${bit}`);
  }
});

test('a packet of version 2 that ends before its authentication data does is refused', () => {
  const bytes = sent();
  for (let length = 0; length < bytes.length; length++)
    assert.equal(refusal(bytes.subarray(0, length)), 'truncated', `${length} bytes`);
});

const POLICY: ReceivePolicy = {
  family: 4,
  version: 2,
  routerId: 51,
  interval: seconds(1),
  group: PATH.destination,
  peers: null,
  auth: null,
};
const PASSWORD = new TextEncoder().encode('secret12');

/** What a router makes of a packet: `accepted`, or the reason to discard it. */
function judged(bytes: Uint8Array, { ttl = 255, policy = POLICY } = {}): string {
  const { result } = receive(policy, NO_MARKS, bytes, { ...PATH, ttl }, 0);
  return result.ok ? 'accepted' : result.error;
}

test('a packet of version 2 whose TTL is not 255 is discarded', () => {
  for (let ttl = 0; ttl <= 255; ttl++) assert.equal(judged(sent(), { ttl }), ttl === 255 ? 'accepted' : 'ttl');
});

test('a packet of version 3 is discarded by a router of version 2', () => {
  assert.equal(judged(encode({ ...ADVERT, version: 3 }, PATH, 'message')), 'version');
});

test('a packet whose authentication type is unknown, or not the configured one, is discarded', () => {
  const typed = (type: number): Uint8Array => encode(ADVERT, PATH, 'message', { type, data: PASSWORD });
  const pass: ReceivePolicy = { ...POLICY, auth: { type: 'pass', password: PASSWORD } };
  for (const type of [0, 1, 2, 3, 255]) {
    assert.equal(judged(typed(type)), type === 0 ? 'accepted' : 'auth-type', `type ${type}, none configured`);
    assert.equal(
      judged(typed(type), { policy: pass }),
      type === 1 ? 'accepted' : 'auth-type',
      `type ${type}, password`,
    );
  }
});

test('with a password configured, a packet with another one is discarded', () => {
  const data = new TextEncoder().encode('secret13');
  const policy: ReceivePolicy = { ...POLICY, auth: { type: 'pass', password: PASSWORD } };
  assert.equal(judged(encode(ADVERT, PATH, 'message', { type: 1, data }), { policy }), 'password');
});

test('a packet of version 2 with another interval is discarded', () => {
  for (const s of [1, 2, 255])
    assert.equal(judged(sent({ interval: seconds(s) })), s === 1 ? 'accepted' : 'interval-differs', `${s} s`);
});

test('a packet of version 2 with other addresses is not discarded', () => {
  assert.equal(judged(sent({ addresses: [ip('203.0.113.9')] })), 'accepted');
});

test('the skew of version 2 is (256 - priority) / 256 of a second, whatever the interval', () => {
  for (const [priority, expected] of [
    [100, 609.375],
    [254, 7.8125],
    [1, 996.09375],
  ] as const)
    for (const interval of [1, 2, 255])
      assert.equal(skew({ version: 2, priority, downCount: 3 }, seconds(interval)), expected);
});

test('a master of version 2 is down after three intervals and the skew', () => {
  assert.equal(masterDown({ version: 2, priority: 100, downCount: 3 }, seconds(1)), 3609.375);
  assert.equal(masterDown({ version: 2, priority: 100, downCount: 3 }, seconds(10)), 30_609.375);
});
