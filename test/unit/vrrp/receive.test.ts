import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { concat } from '../../../src/base/bytes.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { hmacSha256 } from '../../../src/system/hmac.ts';
import {
  DROP_REASONS,
  type DropReason,
  explain,
  type HmacPolicy,
  type ReceivePolicy,
  receive,
} from '../../../src/vrrp/receive.ts';
import { NO_MARKS, type ReplayRule, stampOf } from '../../../src/vrrp/replay.ts';
import { type Advert, type Envelope, encode, GROUP } from '../../../src/wire/vrrp.ts';
import { type Mac, sign } from '../../../src/wire/vrrp-auth.ts';

const NOW = 1_795_469_769_250;
const peer = ip('192.0.2.12');
const multicast: Envelope = { source: peer, destination: GROUP[4], ttl: 255 };
const unicast: Envelope = { source: peer, destination: ip('192.0.2.11'), ttl: 64 };
const advert: Advert = {
  ...{ version: 3, routerId: 51, priority: 150, interval: seconds(1), addresses: [ip('192.0.2.100')] },
};
const advert2: Advert = { ...advert, version: 2 };
const policy: ReceivePolicy = {
  ...{ family: 4, version: 3, routerId: 51, interval: seconds(1), group: GROUP[4], peers: null, auth: null },
};
const policy2: ReceivePolicy = { ...policy, version: 2 };
const withPeers: ReceivePolicy = { ...policy, peers: new Map([[peer, { minTtl: 63, maxTtl: 64 }]]) };

const word = (text: string): Uint8Array => Uint8Array.from({ length: 8 }, (_, i) => text.charCodeAt(i) || 0);
const pass: ReceivePolicy = { ...policy2, auth: { type: 'pass', password: word('secret') } };
const key = { id: 1, bytes: new Uint8Array(32).fill(1) };
const time: ReplayRule = { mode: 'time', window: 5 };
const hmac = (part: Partial<HmacPolicy> = {}): ReceivePolicy => ({
  ...policy,
  auth: { type: 'hmac', keys: new Map([[1, key.bytes]]), required: true, replay: time, mac: hmacSha256, ...part },
});

const plain = encode(advert, multicast, 'pseudo-header');
const plain2 = encode(advert2, multicast, 'message');
const unicastPlain = encode(advert, unicast, 'pseudo-header');
const password = (data: Uint8Array, type = 1): Uint8Array => encode(advert2, multicast, 'message', { type, data });
const signed = (ms = NOW, by = key): Uint8Array => sign(plain, multicast, by, stampOf(ms), hmacSha256);
const at = (bytes: Uint8Array, index: number, value: number): Uint8Array => bytes.with(index, value);

type Row = readonly [DropReason, ReceivePolicy, Uint8Array, Envelope, found?: RegExp];
const refused: readonly Row[] = [
  ['truncated', policy, plain.subarray(0, 7), multicast, /it has 7 bytes/],
  ['truncated', policy, plain.subarray(0, 11), multicast, /it has 11 bytes/],
  ['truncated', policy2, plain2.subarray(0, 19), multicast, /it has 19 bytes/],
  ['router-id', policy, at(plain, 1, 52), multicast, /it says 52, ours is 51/],
  ['router-id', policy, at(plain, 1, 0), multicast],
  ['unicast', policy, unicastPlain, { ...unicast, ttl: 255 }],
  [
    'group',
    policy,
    plain,
    { ...multicast, destination: ip('224.0.0.19') },
    /it went to 224.0.0.19, ours is 224.0.0.18/,
  ],
  ['multicast', withPeers, plain, { ...multicast, ttl: 64 }],
  ['multicast', { ...withPeers, family: 6 }, plain, { source: ip('fe80::2'), destination: GROUP[6], ttl: 64 }],
  ['peer', withPeers, unicastPlain, { ...unicast, source: ip('192.0.2.13') }],
  ['ttl', policy, plain, { ...multicast, ttl: 254 }, /it has 254/],
  ['peer-ttl', withPeers, unicastPlain, { ...unicast, ttl: 62 }, /it has 62, allowed are 63 to 64/],
  ['peer-ttl', withPeers, unicastPlain, { ...unicast, ttl: 65 }],
  ['version', policy, plain2, multicast, /it says 2, ours is 3/],
  ['version', policy2, plain, multicast, /it says 3, ours is 2/],
  ['type', policy, at(plain, 0, 0x32), multicast],
  ['checksum', policy, at(plain, 2, 151), multicast],
  ['interval', policy, encodeRaw('31339601 0000 0000 c0000264'), multicast],
  ['auth-type', policy2, password(word('secret')), multicast, /it says 1, ours is 0/],
  ['auth-type', pass, plain2, multicast, /it says 0, ours is 1/],
  ['auth-type', pass, password(word('secret'), 2), multicast, /it says 2, ours is 1/],
  ['auth-type', { ...hmac(), version: 2 }, password(word('secret')), multicast],
  ['password', pass, password(word('Secret')), multicast],
  ['password', pass, password(word('secret!')), multicast],
  [
    'interval-differs',
    policy2,
    encode({ ...advert2, interval: seconds(2) }, multicast, 'message'),
    multicast,
    /it says 2 s, ours is 1 s/,
  ],
  ['hmac-missing', hmac(), plain, multicast],
  ['hmac-missing', hmac(), signed().subarray(0, 39), multicast],
  ['hmac-format', hmac(), at(signed(), 12, 2), multicast],
  ['hmac-format', hmac({ required: false }), at(signed(), 15, 1), multicast],
  ['hmac-key', hmac(), signed(NOW, { ...key, id: 2 }), multicast, /it says key 2/],
  ['hmac', hmac(), signed(NOW, { ...key, bytes: new Uint8Array(32) }), multicast, /it says key 1/],
  ['hmac', hmac({ required: false }), at(signed(), 39, 0), multicast],
  ['hmac-date', hmac(), signed(NOW - 6000), multicast, /it is 6 s behind our clock, allowed are 5 s/],
  ['hmac-date', hmac(), signed(NOW + 7000), multicast, /it is 7 s ahead of our clock/],
];

for (const [reason, of, bytes, envelope, found] of refused) {
  test(`refused as ${reason}: ${DROP_REASONS[reason].slice(0, 60)}`, () => {
    const { result, marks } = receive(of, NO_MARKS, bytes, envelope, NOW);
    assert.deepEqual(result, { ok: false, error: reason });
    assert.equal(marks, NO_MARKS, 'nothing refused leaves a mark');
    const sentence = explain(reason, { policy: of, bytes, envelope, wallClock: NOW });
    assert.ok(sentence.startsWith(DROP_REASONS[reason]));
    if (found !== undefined) assert.match(sentence, found);
  });
}

test('a signed advert counts once, and its copy is refused', () => {
  const first = receive(hmac(), NO_MARKS, signed(), multicast, NOW);
  assert.ok(first.result.ok);
  const { authenticated, keyId, skew, signed: isSigned } = first.result.value;
  assert.deepEqual(
    { authenticated, keyId, skew, isSigned },
    { authenticated: 'hmac', keyId: 1, skew: 0, isSigned: true },
  );
  const copy = receive(hmac(), first.marks, signed(), multicast, NOW);
  assert.deepEqual(copy.result, { ok: false, error: 'hmac-replay' });
  assert.equal(copy.marks, first.marks);
  assert.ok(receive(hmac(), first.marks, signed(NOW + 1), multicast, NOW + 1).result.ok);
});

test('every reason has a row, a sentence with what to do, and a label fit for metrics', () => {
  const seen = new Set([...refused.map(([reason]) => reason), 'hmac-replay']);
  assert.deepEqual(seen, new Set(Object.keys(DROP_REASONS)));
  for (const [reason, sentence] of Object.entries(DROP_REASONS)) {
    assert.match(reason, /^[a-z]+(-[a-z]+)*$/);
    assert.match(sentence, /^(it|its|the) [^:]+[:,] /, reason);
  }
});

test('a plain advert counts, and what a driver wants to know of it is told', () => {
  const { result } = receive(policy, NO_MARKS, plain, multicast, NOW);
  const facts = { checksum: 'pseudo-header', signed: false, authenticated: null, keyId: null, skew: null };
  assert.deepEqual(result, { ok: true, value: { advert, ...facts } });
  const message = receive(policy, NO_MARKS, encode(advert, multicast, 'message'), multicast, NOW).result;
  assert.ok(message.ok);
  assert.equal(message.value.checksum, 'message');
});

test('version 2 and IPv6 have only one form of checksum', () => {
  const result2 = receive(policy2, NO_MARKS, plain2, multicast, NOW).result;
  assert.ok(result2.ok);
  assert.equal(result2.value.checksum, null);
  const envelope: Envelope = { source: ip('fe80::2'), destination: GROUP[6], ttl: 255 };
  const advert6: Advert = { ...advert, addresses: [ip('fe80::100')] };
  const policy6: ReceivePolicy = { ...policy, family: 6, group: GROUP[6] };
  const result6 = receive(policy6, NO_MARKS, encode(advert6, envelope, 'message'), envelope, NOW).result;
  assert.ok(result6.ok);
  assert.equal(result6.value.checksum, null);
});

test('the right password is found genuine; nothing is said to be where nothing was checked', () => {
  const { result } = receive(pass, NO_MARKS, password(word('secret')), multicast, NOW);
  assert.ok(result.ok);
  assert.equal(result.value.authenticated, 'pass');
  const unchecked = receive(policy, NO_MARKS, signed(), multicast, NOW).result;
  assert.ok(unchecked.ok);
  assert.deepEqual([unchecked.value.signed, unchecked.value.authenticated], [true, null]);
});

test('an address list or an interval of version 3 that differs from ours is no reason to refuse', () => {
  const other: Advert = { ...advert, interval: milliseconds(200), addresses: [] };
  assert.ok(receive(policy, NO_MARKS, encode(other, multicast, 'message'), multicast, NOW).result.ok);
});

test('a transport that tells no TTL has none to check, and padding disturbs nobody', () => {
  assert.ok(receive(policy, NO_MARKS, plain, { ...multicast, ttl: null }, NOW).result.ok);
  assert.ok(receive(withPeers, NO_MARKS, unicastPlain, { ...unicast, ttl: null }, NOW).result.ok);
  assert.ok(receive(policy, NO_MARKS, concat([plain, new Uint8Array(14)]), multicast, NOW).result.ok);
});

test('a unicast peer within its TTL counts, from 63 to 64', () => {
  for (const ttl of [63, 64]) assert.ok(receive(withPeers, NO_MARKS, unicastPlain, { ...unicast, ttl }, NOW).result.ok);
});

test('before everybody signs, an unsigned advert counts, and a signed one is checked all the same', () => {
  const mode = hmac({ required: false });
  const unsigned = receive(mode, NO_MARKS, plain, multicast, NOW).result;
  assert.ok(unsigned.ok);
  assert.equal(unsigned.value.authenticated, null);
  const good = receive(mode, NO_MARKS, signed(), multicast, NOW).result;
  assert.ok(good.ok);
  assert.equal(good.value.authenticated, 'hmac');
});

test('a signature of version 2 follows the authentication data, which says none', () => {
  const of: ReceivePolicy = { ...hmac(), version: 2 };
  const { result } = receive(of, NO_MARKS, sign(plain2, multicast, key, stampOf(NOW), hmacSha256), multicast, NOW);
  assert.ok(result.ok);
  assert.equal(result.value.authenticated, 'hmac');
});

test('every configured key is accepted, so that keys can be changed one director at a time', () => {
  const second = { id: 9, bytes: new Uint8Array(40).fill(9) };
  const of = hmac({
    keys: new Map([
      [1, key.bytes],
      [9, second.bytes],
    ]),
  });
  for (const by of [key, second]) {
    const { result } = receive(of, NO_MARKS, signed(NOW, by), multicast, NOW);
    assert.ok(result.ok);
    assert.equal(result.value.keyId, by.id);
  }
});

test('the skew of clocks is told before it is too much, and not where dates do not matter', () => {
  const ahead = receive(hmac(), NO_MARKS, signed(NOW + 4000), multicast, NOW).result;
  assert.ok(ahead.ok);
  assert.equal(ahead.value.skew, 4);
  const monotonic = hmac({ replay: { mode: 'monotonic' } });
  const old = receive(monotonic, NO_MARKS, signed(NOW - 3_600_000), multicast, NOW).result;
  assert.ok(old.ok);
  assert.equal(old.value.skew, null);
});

test('a sender forgets nobody: with many peers each has a mark', () => {
  const peers = new Map(Array.from({ length: 60 }, (_, n) => [ip(`198.51.100.${n}`), { minTtl: 0, maxTtl: 255 }]));
  const of: ReceivePolicy = { ...hmac(), peers };
  let marks = NO_MARKS;
  for (const source of peers.keys()) {
    const envelope = { source, destination: ip('192.0.2.11'), ttl: 64 };
    const bytes = sign(encode(advert, envelope, 'message'), envelope, key, stampOf(NOW), hmacSha256);
    const reception = receive(of, marks, bytes, envelope, NOW);
    assert.ok(reception.result.ok);
    marks = reception.marks;
  }
  assert.equal(marks.size, 60);
});

test('no HMAC is made for what is refused without one', () => {
  let made = 0;
  const mac: Mac = (...args) => {
    made += 1;
    return hmacSha256(...args);
  };
  for (const [reason, of, bytes, envelope] of refused) {
    if (reason === 'hmac' || of.auth?.type !== 'hmac') continue;
    receive({ ...of, auth: { ...of.auth, mac } }, NO_MARKS, bytes, envelope, NOW);
  }
  assert.equal(made, 0);
  receive(hmac({ mac }), NO_MARKS, signed(), multicast, NOW);
  assert.equal(made, 1);
});

/** Version 3 from hex digits, with the checksum of the message put in. */
function encodeRaw(hex: string): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] as number) * 256 + (bytes[i + 1] as number);
  sum = (sum & 0xffff) + (sum >> 16);
  bytes[6] = (~sum >> 8) & 0xff;
  bytes[7] = ~sum & 0xff;
  return bytes;
}
