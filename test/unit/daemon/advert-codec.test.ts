import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { err, ok } from '../../../src/base/result.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { HmacAuthConfig, VrrpConfig } from '../../../src/config/config.ts';
import { type AdvertCodec, type CodecDependencies, createAdvertCodec } from '../../../src/daemon/advert-codec.ts';
import { hmacSha256 } from '../../../src/system/hmac.ts';
import { type Advert, GROUP } from '../../../src/wire/vrrp.ts';

const config: VrrpConfig = {
  ...{ name: 'edge', interface: 'eth0', routerId: 51, version: 3, priority: 150, interval: seconds(1), downCount: 3 },
  ...{ addresses: [], preempt: true, preemptDelay: milliseconds(0), checksum: 'pseudo-header', source: [] },
  ...{ transport: 'ip', port: 1985, multicastGroup: [], peers: [], auth: null, syncGroup: null, track: [] },
  ...{ announceCount: 5, announceDelay: seconds(5), announceRefresh: milliseconds(0), announceRate: 100 },
  ...{ probe: true, virtualMac: false, routes: [], rules: [], linger: false },
};
const hmac: HmacAuthConfig = {
  ...{
    type: 'hmac',
    keys: [
      { id: 1, file: '/keys/1' },
      { id: 2, file: '/keys/2' },
    ],
    active: null,
  },
  ...{ mode: 'enforce', replay: 'time', window: null },
};
const advert: Advert = {
  ...{ version: 3, routerId: 51, priority: 150, interval: seconds(1), addresses: [ip('192.0.2.100')] },
};
const ours = { source: ip('192.0.2.11'), destination: GROUP[4] };
const theirs = { source: ip('192.0.2.12'), destination: GROUP[4], ttl: 255 };

let clock = 1_795_469_769_250;
const secrets: Record<string, Uint8Array> = {
  '/password': new TextEncoder().encode('secret12'),
  '/keys/1': new Uint8Array(32).fill(1),
  '/keys/2': new Uint8Array(32).fill(2),
};
const deps: CodecDependencies = {
  readSecret(file, kind) {
    const secret = secrets[file];
    return secret === undefined ? err(`${kind} file ${file} does not exist`) : ok(secret);
  },
  mac: hmacSha256,
  wallClock: () => clock,
  // Nobody sets the clock but where a test says so: then the two differ.
  steadyClock: () => clock,
};

function codec(part: Partial<VrrpConfig> = {}, family: 4 | 6 = 4, more: Partial<CodecDependencies> = {}): AdvertCodec {
  const made = createAdvertCodec({ ...config, ...part }, family, { ...deps, ...more });
  assert.ok(made.ok, JSON.stringify(made));
  return made.value;
}

test('a plain router sends what its config says, and understands it', () => {
  const { encode, decode, window } = codec();
  assert.equal(toHex(encode(advert, ours)), toHex(codec().encode(advert, ours)));
  const result = decode(encode(advert, theirs), theirs);
  assert.ok(result.ok);
  assert.deepEqual(result.value.advert, advert);
  assert.equal(result.value.checksum, 'pseudo-header');
  assert.equal(window, null);
  const message = codec({ checksum: 'message' });
  const form = decode(message.encode(advert, theirs), theirs);
  assert.ok(form.ok);
  assert.equal(form.value.checksum, 'message');
});

test('the same advert is made once, and any other anew', () => {
  const { encode } = codec();
  const first = encode(advert, ours);
  assert.equal(encode({ ...advert }, { ...ours }), first);
  const others: readonly Partial<Advert>[] = [
    { priority: 0 },
    { interval: seconds(2) },
    { addresses: [ip('192.0.2.101')] },
    { addresses: [] },
    { routerId: 52 },
  ];
  for (const other of others) assert.notDeepEqual(encode({ ...advert, ...other }, ours), first);
  assert.notDeepEqual(encode(advert, { ...ours, destination: ip('192.0.2.12') }), first);
  assert.notDeepEqual(encode(advert, { ...ours, source: ip('192.0.2.13') }), first);
  encode({ ...advert, addresses: [] }, ours);
  assert.deepEqual(encode(advert, ours), first);
});

test('the same bytes come out whatever was sent between', () => {
  const { encode } = codec();
  const first = toHex(encode(advert, ours));
  for (let n = 0; n < 1200; n++) encode(advert, { ...ours, destination: ip(`198.51.${n >> 8}.${n & 255}`) });
  assert.equal(toHex(encode(advert, ours)), first);
});

test('a password goes with each advert of version 2, with zeros behind it, and is demanded', () => {
  const part: Partial<VrrpConfig> = { version: 2, auth: { type: 'pass', file: '/password' } };
  const { encode, decode } = codec(part);
  const bytes = encode({ ...advert, version: 2 }, theirs);
  assert.equal(toHex(bytes.subarray(4, 6)) + toHex(bytes.subarray(12)), '01017365637265743132');
  const result = decode(bytes, theirs);
  assert.ok(result.ok);
  assert.equal(result.value.authenticated, 'pass');
  const short = codec(part, 4, { readSecret: () => ok(Uint8Array.of(0x61)) });
  assert.deepEqual(decode(short.encode({ ...advert, version: 2 }, theirs), theirs), { ok: false, error: 'password' });
  const none = codec({ version: 2 });
  assert.deepEqual(none.decode(bytes, theirs), { ok: false, error: 'auth-type' });
});

test('each advert is signed anew, by the first key unless another is active, and its stamp only grows', () => {
  const sender = codec({ auth: hmac });
  const receiver = codec({ auth: hmac });
  for (let n = 0; n < 3; n++) {
    const result = receiver.decode(sender.encode(advert, theirs), theirs);
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual([result.value.authenticated, result.value.keyId, result.value.skew], ['hmac', 1, 0]);
  }
  const second = receiver.decode(
    codec({ auth: { ...hmac, active: 2 } }).encode(advert, { ...theirs, source: ip('192.0.2.9') }),
    { ...theirs, source: ip('192.0.2.9') },
  );
  assert.ok(second.ok);
  assert.equal(second.value.keyId, 2);
  const bytes = sender.encode(advert, theirs);
  assert.ok(receiver.decode(bytes, theirs).ok);
  assert.deepEqual(receiver.decode(bytes, theirs), { ok: false, error: 'hmac-replay' });
});

test('IPv6 is signed so that a kernel finds the checksum right, and is understood', () => {
  const path = { source: ip('fe80::1'), destination: GROUP[6], ttl: 255 };
  const bytes = codec({ auth: hmac }, 6).encode({ ...advert, addresses: [ip('fe80::100')] }, path);
  const result = codec({ auth: hmac }, 6).decode(bytes, path);
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(result.value.authenticated, 'hmac');
});

test('the modes: who signs, and who demands it', () => {
  const modes = ['receive-only', 'permissive', 'enforce'] as const;
  const of = (mode: (typeof modes)[number]): AdvertCodec => codec({ auth: { ...hmac, mode } });
  const sent = Object.fromEntries(modes.map((mode) => [mode, of(mode).encode(advert, theirs).length]));
  assert.deepEqual(sent, { 'receive-only': 12, permissive: 40, enforce: 40 });
  const unsigned = codec().encode(advert, theirs);
  const accepts = Object.fromEntries(modes.map((mode) => [mode, of(mode).decode(unsigned, theirs).ok]));
  assert.deepEqual(accepts, { 'receive-only': true, permissive: true, enforce: false });
  const forged = of('enforce').encode(advert, theirs).with(39, 0).with(38, 0);
  for (const mode of modes) assert.deepEqual(of(mode).decode(forged, theirs), { ok: false, error: 'hmac' });
});

test('the window is three intervals, 5 s at least and 300 s at most, or what the config says', () => {
  const window = (interval: number, part: Partial<HmacAuthConfig> = {}): number | null =>
    codec({ auth: { ...hmac, ...part }, interval: milliseconds(interval) }).window;
  assert.deepEqual([window(100), window(1000), window(2500), window(200_000)], [5, 5, 8, 300]);
  assert.equal(window(1000, { window: seconds(2) }), 2);
  assert.equal(window(1000, { replay: 'monotonic' }), null);
});

test('with dates, an old advert is refused and the values are told', () => {
  const bytes = codec({ auth: hmac }).encode(advert, theirs);
  clock += 9000;
  const receiver = codec({ auth: hmac });
  assert.deepEqual(receiver.decode(bytes, theirs), { ok: false, error: 'hmac-date' });
  assert.match(receiver.explain('hmac-date', bytes, theirs), /9 s behind our clock, allowed are 5 s/);
  clock -= 9000;
  assert.ok(receiver.decode(bytes, theirs).ok);
});

test('after a reload neither an old stamp is sent nor one accepted', () => {
  const before = codec({ auth: hmac });
  const bytes = before.encode(advert, theirs);
  assert.ok(before.decode(bytes, theirs).ok);
  clock -= 2000;
  const after = codec({ auth: hmac, priority: 100 }, 4, { memory: before.memory() });
  assert.deepEqual(after.decode(bytes, theirs), { ok: false, error: 'hmac-replay' });
  assert.ok(before.decode(after.encode(advert, theirs), theirs).ok);
  clock += 2000;
});

test('peers and groups of the config decide who is heard', () => {
  const peers = [
    { address: theirs.source, minTtl: 255, maxTtl: 255 },
    { address: ip('2001:db8::2'), minTtl: 1, maxTtl: 255 },
  ];
  const unicast = { ...theirs, destination: ours.source };
  const { encode, decode, explain } = codec({ peers });
  const bytes = encode(advert, unicast);
  assert.ok(decode(bytes, unicast).ok);
  assert.deepEqual(decode(bytes, { ...unicast, ttl: 64 }), { ok: false, error: 'peer-ttl' });
  assert.match(explain('peer-ttl', bytes, { ...unicast, ttl: 64 }), /it has 64, allowed are 255 to 255/);
  assert.deepEqual(codec({ peers: peers.slice(1) }).decode(bytes, unicast), { ok: false, error: 'peer' });
  const group = ip('239.1.1.1');
  const grouped = codec({ multicastGroup: [group, ip('ff02::99')] });
  assert.ok(grouped.decode(encode(advert, { ...theirs, destination: group }), { ...theirs, destination: group }).ok);
  assert.deepEqual(grouped.decode(encode(advert, theirs), theirs), { ok: false, error: 'group' });
});

test('what keeps a router from running is one sentence that names it and the file', () => {
  const error = (part: Partial<VrrpConfig>): string => {
    const made = createAdvertCodec({ ...config, ...part }, 4, deps);
    return made.ok ? '' : made.error;
  };
  const keys = [{ id: 1, file: '/keys/none' }];
  assert.equal(error({ auth: { ...hmac, keys } }), '[[vrrp]] edge: hmac file /keys/none does not exist');
  const none = { type: 'pass', file: '/none' } as const;
  assert.equal(error({ version: 2, auth: none }), '[[vrrp]] edge: pass file /none does not exist');
  assert.match(error({ auth: { ...hmac, active: 3 } }), /there is no key 3/);
  assert.match(error({ auth: { ...hmac, keys: [] } }), /there is no key at all/);
  assert.match(error({ auth: { type: 'pass', file: '/password' } }), /"pass" is part of version 2 only/);
});

/** Two directors whose clocks agree, with a way to set one's, and to let time pass. */
function directors() {
  let time = 1_795_469_769_250;
  const set = { ours: 0, theirs: 0 };
  const of = (which: keyof typeof set, memory?: AdvertCodec): AdvertCodec =>
    codec({ auth: hmac }, 4, {
      wallClock: () => time + set[which],
      steadyClock: () => time - 1_795_000_000_000,
      ...(memory && { memory: memory.memory() }),
    });
  const pass = (ms: number): void => {
    time += ms;
  };
  return { set, of, pass };
}
const HOUR = 3_600_000;

for (const wrong of [HOUR, -HOUR])
  test(`a clock that is set ${wrong > 0 ? 'ahead' : 'back'} by mistake keeps nobody from hearing the other`, () => {
    const { set, of, pass } = directors();
    const [us, them] = [of('ours'), of('theirs')];
    assert.equal(us.decode(them.encode(advert, theirs), theirs).ok, true);
    pass(1000);
    set.ours = wrong;
    assert.equal(us.decode(them.encode(advert, theirs), theirs).ok, true, 'we hear them');
    assert.equal(them.decode(us.encode(advert, ours), { ...ours, ttl: 255 }).ok, true, 'they hear us');
    // After a reload too.
    pass(1000);
    const again = of('ours', us);
    assert.equal(again.decode(them.encode(advert, theirs), theirs).ok, true);
    assert.equal(them.decode(again.encode(advert, ours), { ...ours, ttl: 255 }).ok, true);
  });

test('a clock that was wrong at the start and is set right is taken from the first advert on', () => {
  const { set, of, pass } = directors();
  set.ours = -HOUR;
  const [us, them] = [of('ours'), of('theirs')];
  const refused = us.decode(them.encode(advert, theirs), theirs);
  assert.deepEqual(refused, err('hmac-date'));
  pass(1000);
  set.ours = 0;
  assert.equal(us.decode(them.encode(advert, theirs), theirs).ok, true);
  assert.equal(them.decode(us.encode(advert, ours), { ...ours, ttl: 255 }).ok, true);
});

test('an old advert, replayed while the clock is wrongly set back to it, makes nobody deaf to the other', () => {
  const { set, of, pass } = directors();
  const [us, them] = [of('ours'), of('theirs')];
  const caught = them.encode(advert, theirs);
  pass(HOUR);
  assert.equal(us.decode(them.encode(advert, theirs), theirs).ok, true);
  assert.deepEqual(us.decode(caught, theirs), err('hmac-date'), 'while the clock is right it is too old');
  set.ours = -HOUR;
  us.decode(caught, theirs);
  pass(1000);
  assert.equal(us.decode(them.encode(advert, theirs), theirs).ok, true);
});
