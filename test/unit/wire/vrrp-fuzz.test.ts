/**
 * Packets, random or adverts that were damaged, through everything that reads them. None may throw, and what is accepted
 * must be what its bytes say: encoded again it is the same. `SEED=n` for other packets than those of seed 1, `PACKETS=n`
 * for more of them.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { seconds } from '../../../src/base/time.ts';
import { hmacSha256 } from '../../../src/system/hmac.ts';
import { DROP_REASONS, type DropReason, explain, type ReceivePolicy, receive } from '../../../src/vrrp/receive.ts';
import { type Marks, NO_MARKS, stampOf } from '../../../src/vrrp/replay.ts';
import { type Advert, decode, type Envelope, encode, GROUP, writeChecksum } from '../../../src/wire/vrrp.ts';
import { sign } from '../../../src/wire/vrrp-auth.ts';

const packets = Number(process.env.PACKETS ?? 1_000_000);
const seed = Number(process.env.SEED ?? 1);
const NOW = 1_795_469_769_250;

const multicast: Envelope = { source: ip('192.0.2.12'), destination: GROUP[4], ttl: 255 };
const unicast: Envelope = { source: ip('192.0.2.12'), destination: ip('192.0.2.11'), ttl: 64 };
const multicast6: Envelope = { source: ip('fe80::2'), destination: GROUP[6], ttl: 255 };
const advert: Advert = {
  ...{ version: 3, routerId: 51, priority: 150, interval: seconds(1), addresses: [ip('192.0.2.100')] },
};
const advert2: Advert = { ...advert, version: 2, addresses: [ip('192.0.2.100'), ip('192.0.2.101')] };
const advert6: Advert = { ...advert, addresses: [ip('fe80::100'), ip('2001:db8::100')] };
const policy: ReceivePolicy = {
  ...{ family: 4, version: 3, routerId: 51, interval: seconds(1), group: GROUP[4], peers: null, auth: null },
};
const key = { id: 1, bytes: new Uint8Array(32).fill(1) };
const password = new Uint8Array(8).fill(0x61);
const hmac = (required: boolean): ReceivePolicy['auth'] => ({
  ...{ type: 'hmac', keys: new Map([[1, key.bytes]]), required, replay: { mode: 'monotonic' }, mac: hmacSha256 },
});
const signed = (message: Uint8Array, path: Envelope) => sign(message, path, key, stampOf(NOW), hmacSha256);

type Subject = { readonly policy: ReceivePolicy; readonly envelope: Envelope; readonly bytes: Uint8Array };
const subjects: readonly Subject[] = [
  { policy, envelope: multicast, bytes: encode(advert, multicast, 'pseudo-header') },
  { policy, envelope: multicast, bytes: encode(advert, multicast, 'message') },
  {
    policy: { ...policy, peers: new Map([[unicast.source, { minTtl: 1, maxTtl: 64 }]]) },
    envelope: unicast,
    bytes: encode(advert, unicast, 'pseudo-header'),
  },
  { policy: { ...policy, version: 2 }, envelope: multicast, bytes: encode(advert2, multicast, 'message') },
  {
    policy: { ...policy, version: 2, auth: { type: 'pass', password } },
    envelope: multicast,
    bytes: encode(advert2, multicast, 'message', { type: 1, data: password }),
  },
  {
    policy: { ...policy, family: 6, group: GROUP[6] },
    envelope: multicast6,
    bytes: encode(advert6, multicast6, 'message'),
  },
  {
    policy: { ...policy, auth: hmac(true) },
    envelope: multicast,
    bytes: signed(encode(advert, multicast, 'message'), multicast),
  },
  {
    policy: { ...policy, family: 6, group: GROUP[6], auth: hmac(false) },
    envelope: multicast6,
    bytes: signed(encode(advert6, multicast6, 'message'), multicast6),
  },
];

test(`no packet makes the receiver throw, and what it accepts is what the bytes say (seed ${seed})`, () => {
  const random = generator(seed);
  const counts = new Map<DropReason | 'accepted', number>();
  for (let n = 0; n < packets; n++) {
    const subject = subjects[random(subjects.length)] as Subject;
    const envelope = random(20) === 0 ? wrong(subject.envelope, random) : subject.envelope;
    const bytes = random(10) === 0 ? noise(random) : damaged(subject, envelope, random);
    const outcome = judge(subject.policy, NO_MARKS, bytes, envelope);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  // The marks are never kept here, so nothing is a replay; and the rule is monotonic, so no date matters.
  const unseen = new Set<string>(['hmac-replay', 'hmac-date']);
  for (const reason of [...Object.keys(DROP_REASONS), 'accepted'])
    if (!unseen.has(reason)) assert.ok((counts.get(reason as DropReason) ?? 0) > 100, `hardly any packet is ${reason}`);
});

function judge(of: ReceivePolicy, marks: Marks, bytes: Uint8Array, envelope: Envelope): DropReason | 'accepted' {
  try {
    const { result } = receive(of, marks, bytes, envelope, NOW);
    if (result.ok) {
      sameAgain(bytes, envelope);
      return 'accepted';
    }
    if (result.error in DROP_REASONS && (bytes[6] ?? 0) > 4) return result.error;
    // Of some, the sentence too.
    assert.ok(explain(result.error, { policy: of, bytes, envelope, wallClock: NOW }).length > 20);
    return result.error;
  } catch (error) {
    const what = `seed ${seed}: ${toHex(bytes)} from ${envelope.source} to ${envelope.destination}`;
    throw new Error(what, { cause: error });
  }
}

/** But for padding, reserved bits, and the checksum where it covers those; and 0 and 0xffff are one sum (RFC 1071, 1). */
function sameAgain(bytes: Uint8Array, envelope: Envelope): void {
  const decoded = decode(bytes, envelope);
  assert.ok(decoded.ok);
  const { advert: read, checksum, auth, trailer } = decoded.value;
  const again = encode(read, envelope, checksum, auth ?? undefined);
  assert.equal(again.length, bytes.length - trailer.length);
  const reserved = read.version === 3 ? (bytes[4] as number) & 0xf0 : 0;
  const sum = (of: Uint8Array): number => ((of[6] as number) * 256 + (of[7] as number)) % 0xffff;
  for (let i = 0; i < again.length; i++) {
    const written = i === 4 ? (again[i] as number) | reserved : again[i];
    if (written !== bytes[i] && i !== 6 && i !== 7) assert.fail(`byte ${i}`);
  }
  if (reserved === 0 && trailer.length === 0) assert.equal(sum(again), sum(bytes));
}

function damaged({ bytes }: Subject, envelope: Envelope, random: Random): Uint8Array {
  const size = random(8) === 0 ? random(bytes.length + 40) : bytes.length;
  const copy = new Uint8Array(size);
  copy.set(bytes.subarray(0, size));
  for (let hits = random(4); hits > 0 && size > 0; hits--) {
    // Mostly in the header, where there is most to get wrong.
    const at = random(random(2) === 0 ? Math.min(size, 8) : size);
    copy[at] = random(3) === 0 ? random(256) : (copy[at] as number) ^ (1 << random(8));
  }
  if (size >= 8 && random(2) === 0) {
    const covered = envelope.source.includes(':') ? size : Math.min(size, whole(copy));
    writeChecksum(copy.subarray(0, covered), envelope, random(2) === 0 ? 'message' : 'pseudo-header');
  }
  return copy;
}

/** Bytes of an IPv4 message, as its header says. */
const whole = (bytes: Uint8Array): number => 8 + 4 * (bytes[3] as number) + ((bytes[0] as number) >> 4 === 2 ? 8 : 0);

function noise(random: Random): Uint8Array {
  const bytes = new Uint8Array(random(80));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random(256);
  if (bytes.length > 1 && random(2) === 0) bytes.set([random(2) === 0 ? 0x31 : 0x21, 51]);
  return bytes;
}

function wrong(envelope: Envelope, random: Random): Envelope {
  const six = envelope.source.includes(':');
  const choices: readonly Partial<Envelope>[] = [
    { ttl: random(256) },
    { ttl: null },
    { source: ip(six ? 'fe80::3' : '192.0.2.13') },
    { destination: ip(six ? 'ff02::13' : '224.0.0.19') },
    { destination: ip(six ? 'fe80::1' : '192.0.2.11') },
  ];
  return { ...envelope, ...choices[random(choices.length)] };
}

type Random = (below: number) => number;

/** Whole numbers from 0 up to, not including, `below`: xorshift with 32 bits (George Marsaglia). */
function generator(from: number): Random {
  let state = Math.imul(from, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
