/**
 * What RFC 9568 asks of the packet (section 5) and of the state machine (section 6), a test a requirement, as
 * `docs/rfc/rfc9568.md` names them. RFC 3768 asks for the same machine, so that part runs as version 3 and as version 2;
 * what differs is in `rfc3768.test.ts`.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { after, type Duration, type Instant, instant, milliseconds, seconds, times } from '../../../src/base/time.ts';
import { advertisedOf } from '../../../src/config/families.ts';
import { virtualMacOf } from '../../../src/daemon/virtual-mac.ts';
import { type ReceivePolicy, receive } from '../../../src/vrrp/receive.ts';
import { NO_MARKS } from '../../../src/vrrp/replay.ts';
import type { Router, RouterAction, RouterEvent, RouterSettings, Step } from '../../../src/vrrp/router.ts';
import { initial, step } from '../../../src/vrrp/step.ts';
import { masterDown, skew } from '../../../src/vrrp/timing.ts';
import { effective } from '../../../src/vrrp/tracking.ts';
import { type Advert, type ChecksumForm, decode, encode, type Path } from '../../../src/wire/vrrp.ts';

const PATH4: Path = { source: ip('192.0.2.11'), destination: ip('224.0.0.18') };
const PATH6: Path = { source: ip('fe80::ff:fe00:a'), destination: ip('ff02::12') };
const ADVERT: Advert = {
  version: 3,
  routerId: 51,
  priority: 150,
  interval: milliseconds(500),
  addresses: [ip('192.0.2.100')],
};
const ADVERT6: Advert = { ...ADVERT, addresses: [ip('fe80::100'), ip('2001:db8::100')] };

/** The message with bytes changed, `{ 0: 0x41 }`, and its message-only checksum made right by arithmetic of its own. */
function changed(bytes: Uint8Array, changes: Readonly<Record<number, number>>): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of Object.entries({ ...changes, 6: 0, 7: 0 })) copy[Number(at)] = value;
  let sum = 0;
  for (let at = 0; at < copy.length; at += 2) sum += 256 * (copy[at] as number) + (copy[at + 1] as number);
  const complement = 0xffff - (sum % 0xffff || 0xffff);
  copy.set([complement >> 8, complement & 0xff], 6);
  return copy;
}
const refusal = (bytes: Uint8Array, path = PATH4): string => {
  const decoded = decode(bytes, path);
  return decoded.ok ? 'accepted' : decoded.error;
};
const sent = (advert: Advert = ADVERT, form: ChecksumForm = 'message'): Uint8Array => encode(advert, PATH4, form);
const checksumOf = (bytes: Uint8Array): number => 256 * (bytes[6] as number) + (bytes[7] as number);

test('a message lies as the RFC draws it: version and type, router id, priority, count, interval, checksum, addresses', () => {
  assert.equal(toHex(sent()), '313396010032' + '7634' + 'c0000264');
  assert.equal(
    toHex(encode(ADVERT6, PATH6, 'pseudo-header')),
    `313396020032${'0d26'}fe800000000000000000000000000100${'20010db8000000000000000000000100'}`,
  );
});

test('a packet of another version is refused', () => {
  for (const version of [0, 1, 4, 5, 15])
    assert.equal(refusal(changed(sent(), { 0: 16 * version + 1 })), 'version', `version ${version}`);
});

test('a packet of another type is refused', () => {
  for (const type of [0, 2, 3, 15]) assert.equal(refusal(changed(sent(), { 0: 0x30 + type })), 'type', `type ${type}`);
});

test('a router id is 1 to 255', () => {
  for (const routerId of [1, 255]) assert.equal(refusal(sent({ ...ADVERT, routerId })), 'accepted');
  assert.equal(refusal(changed(sent(), { 1: 0 })), 'router-id');
  for (const routerId of [0, 256]) assert.throws(() => sent({ ...ADVERT, routerId }));
});

test('an advert without addresses is accepted, as keepalived sends it', () => {
  assert.equal(refusal(sent({ ...ADVERT, addresses: [] })), 'accepted');
});

test('the reserved bits are sent as zero, and ignored when received', () => {
  const longest = sent({ ...ADVERT, interval: milliseconds(40_950) });
  assert.equal(longest[4], 0x0f);
  const decoded = decode(changed(sent(), { 4: 0xf0 }), PATH4);
  assert.ok(decoded.ok);
  assert.equal(decoded.value.advert.interval, 500);
});

test('an interval is 10 ms to 40.95 s, in hundredths of a second', () => {
  for (const [interval, four, five] of [
    [10, 0x00, 0x01],
    [1000, 0x00, 0x64],
    [2560, 0x01, 0x00],
    [40_950, 0x0f, 0xff],
  ] as const) {
    const bytes = sent({ ...ADVERT, interval: milliseconds(interval) });
    assert.deepEqual([bytes[4], bytes[5]], [four, five]);
    const decoded = decode(bytes, PATH4);
    assert.ok(decoded.ok);
    assert.equal(decoded.value.advert.interval, interval);
  }
  for (const interval of [0, 40_960]) assert.throws(() => sent({ ...ADVERT, interval: milliseconds(interval) }));
});

test('an interval of 0 is refused', () => {
  assert.equal(refusal(changed(sent(), { 4: 0, 5: 0 })), 'interval');
  assert.equal(refusal(changed(sent(), { 4: 0xf0, 5: 0 })), 'interval', 'reserved bits are none of it');
});

test('the checksum over IPv4 is that of the message alone, or has a pseudo-header: as the config says, and either is accepted', () => {
  assert.equal(checksumOf(sent(ADVERT, 'message')), 0x7634);
  assert.equal(checksumOf(sent(ADVERT, 'pseudo-header')), 0xd399);
  for (const form of ['message', 'pseudo-header'] as const) {
    const decoded = decode(sent(ADVERT, form), PATH4);
    assert.ok(decoded.ok);
    assert.equal(decoded.value.checksum, form);
  }
});

test('the checksum over IPv6 has the pseudo-header with next header 112, and no other is accepted', () => {
  for (const form of ['message', 'pseudo-header'] as const)
    assert.equal(checksumOf(encode(ADVERT6, PATH6, form)), 0x0d26, form);
  assert.equal(refusal(encode(ADVERT6, PATH6, 'message'), PATH6), 'accepted');
  assert.equal(refusal(changed(encode(ADVERT6, PATH6, 'message'), {}), PATH6), 'checksum', 'that of the message alone');
  assert.equal(refusal(encode(ADVERT6, PATH6, 'message'), { ...PATH6, source: ip('fe80::1') }), 'checksum');
});

test('one damaged bit anywhere in a message is noticed', () => {
  for (const [bytes, path] of [
    [sent(), PATH4],
    [encode(ADVERT6, PATH6, 'pseudo-header'), PATH6],
  ] as const)
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (0x80 >> (bit % 8));
      assert.notEqual(refusal(damaged, path), 'accepted', `bit ${bit}`);
    }
});

test('a packet that ends before its last address does is refused', () => {
  for (const [bytes, path] of [
    [sent(), PATH4],
    [encode(ADVERT6, PATH6, 'pseudo-header'), PATH6],
  ] as const)
    for (let length = 0; length < bytes.length; length++)
      assert.equal(refusal(bytes.subarray(0, length), path), 'truncated', `${length} bytes`);
});

test('addresses are read with the length of the family of the packet, in their order', () => {
  const addresses = [ip('192.0.2.102'), ip('192.0.2.100'), ip('192.0.2.101')];
  const four = decode(sent({ ...ADVERT, addresses }), PATH4);
  assert.ok(four.ok);
  assert.deepEqual(four.value.advert.addresses, addresses);
  const six = decode(encode(ADVERT6, PATH6, 'pseudo-header'), PATH6);
  assert.ok(six.ok);
  assert.deepEqual(six.value.advert.addresses, ADVERT6.addresses);
});

test('an advert lists the addresses of its family alone', () => {
  const listed = { interface: null, scope: 'global', label: null, peer: null, advertise: true } as const;
  const [four, six, other] = [ip('192.0.2.100'), ip('fe80::100'), ip('192.0.2.101')];
  const addresses = [four, six, other].map((address) => ({ ...listed, address: { address, length: 24 } }));
  assert.deepEqual(advertisedOf({ addresses }, 4), [four, other]);
  assert.deepEqual(advertisedOf({ addresses }, 6), [six]);
});

test('the virtual MAC has the family and the router id in its last two bytes', () => {
  assert.equal(virtualMacOf(51, 4), '00:00:5e:00:01:33');
  assert.equal(virtualMacOf(51, 6), '00:00:5e:00:02:33');
  assert.equal(virtualMacOf(1, 4), '00:00:5e:00:01:01');
  assert.equal(virtualMacOf(255, 6), '00:00:5e:00:02:ff');
});

test('priority 0 and 255 are sent and read as they are', () => {
  for (const priority of [0, 1, 254, 255]) {
    const decoded = decode(sent({ ...ADVERT, priority }), PATH4);
    assert.ok(decoded.ok);
    assert.equal(decoded.value.advert.priority, priority);
  }
});

const POLICY4: ReceivePolicy = {
  family: 4,
  version: 3,
  routerId: 51,
  interval: milliseconds(500),
  group: PATH4.destination,
  peers: null,
  auth: null,
};
const POLICY6: ReceivePolicy = { ...POLICY4, family: 6, group: PATH6.destination };

/** What a router makes of a packet: `accepted`, or the reason to discard it. */
function judged(
  policy: ReceivePolicy,
  bytes: Uint8Array,
  ttl = 255,
  path = policy.family === 4 ? PATH4 : PATH6,
): string {
  const { result } = receive(policy, NO_MARKS, bytes, { ...path, ttl }, 0);
  return result.ok ? 'accepted' : result.error;
}

test('a packet whose TTL or hop limit is not 255 is discarded', () => {
  for (const [policy, bytes] of [
    [POLICY4, sent()],
    [POLICY6, encode(ADVERT6, PATH6, 'pseudo-header')],
  ] as const)
    for (let ttl = 0; ttl <= 255; ttl++) assert.equal(judged(policy, bytes, ttl), ttl === 255 ? 'accepted' : 'ttl');
});

test('a unicast peer has bounds of its own for the TTL', () => {
  const peers = new Map([[PATH4.source, { minTtl: 250, maxTtl: 253 }]]);
  const path = { ...PATH4, destination: ip('192.0.2.12') };
  for (const [ttl, expected] of [
    [249, 'peer-ttl'],
    [250, 'accepted'],
    [253, 'accepted'],
    [254, 'peer-ttl'],
  ] as const)
    assert.equal(judged({ ...POLICY4, peers }, sent(), ttl, path), expected, `TTL ${ttl}`);
});

test('a packet of the other version of VRRP is discarded', () => {
  const two = encode({ ...ADVERT, version: 2, interval: seconds(1) }, PATH4, 'message');
  assert.equal(judged(POLICY4, two), 'version');
  assert.equal(judged({ ...POLICY4, version: 2 }, sent()), 'version');
});

test('a packet of another router id is discarded', () => {
  for (const routerId of [1, 50, 52, 255]) assert.equal(judged(POLICY4, sent({ ...ADVERT, routerId })), 'router-id');
});

test('a packet that is damaged is discarded before anything in it counts', () => {
  for (const at of [2, 5, 7, 8]) {
    const damaged = sent();
    damaged[at] = (damaged[at] as number) ^ 1;
    assert.equal(judged(POLICY4, damaged), 'checksum');
  }
});

test('an advert with another interval, other addresses or none is not discarded', () => {
  assert.equal(judged({ ...POLICY4, interval: seconds(1) }, sent()), 'accepted');
  for (const addresses of [[], [ip('203.0.113.9')], [ip('192.0.2.100'), ip('203.0.113.9')]])
    assert.equal(judged(POLICY4, sent({ ...ADVERT, addresses })), 'accepted');
});

test('an IPv6 advert whose first address is not link-local is not discarded', () => {
  const addresses = [ip('2001:db8::100'), ip('fe80::100')];
  assert.equal(judged(POLICY6, encode({ ...ADVERT6, addresses }, PATH6, 'pseudo-header')), 'accepted');
});

const NOW = instant(100_000);
const LATER = instant(100_500);
const OWN = ip('10.0.0.20');
const PEER = ip('10.0.0.3');

const SETTINGS: RouterSettings = {
  routerId: 51,
  family: 4,
  version: 3,
  priority: 100,
  interval: seconds(1),
  downCount: 3,
  addresses: [ip('192.0.2.100')],
  preempt: true,
  preemptDelay: milliseconds(0),
  announceDelay: milliseconds(0),
  announceRefresh: milliseconds(0),
  probe: false,
  grouped: false,
};

/** Both versions, each with these settings. */
function each(more: Partial<RouterSettings>, check: (settings: RouterSettings) => void): void {
  for (const version of [3, 2] as const) check({ ...SETTINGS, version, ...more });
}

const startEvent: RouterEvent = { type: 'start', source: OWN, lacks: null, resume: false };
const start = (settings: RouterSettings): Step => step(settings, initial(settings), startEvent, NOW);
const backup = (settings: RouterSettings): Router => start(settings).next;

/** A backup whose timer has run out, at `NOW`. */
function master(settings: RouterSettings): Router {
  const waiting = backup(settings);
  return step(settings, { ...waiting, timers: { masterDown: NOW } }, { type: 'timer' }, NOW).next;
}

function hear(
  settings: RouterSettings,
  router: Router,
  priority: number,
  { from = PEER, interval = seconds(1) }: { from?: IpAddress; interval?: Duration } = {},
): Step {
  const { version, routerId, addresses } = settings;
  const advert: Advert = { version, routerId, priority, interval, addresses };
  return step(settings, router, { type: 'advert', advert, source: from }, LATER);
}

/** Orders but for the report, `send 100`. */
const orders = (actions: readonly RouterAction[]): string[] =>
  actions.filter((a) => a.do !== 'report').map((a) => (a.do === 'send' ? `send ${a.priority}` : a.do));

/** Deadlines as waits from `from`. */
const waits = (router: Router, from: Instant): Record<string, number> =>
  Object.fromEntries(Object.entries(router.timers).map(([name, at]) => [name, at - from]));

test('a master that works is left alone by routers of equal or lower preference', () => {
  each({ priority: 100 }, (settings) => {
    const router = backup(settings);
    for (const priority of [100, 101, 254, 255]) {
      const { next, actions } = hear(settings, router, priority);
      assert.equal(next.state, 'backup');
      assert.equal(next.timers.masterDown, after(LATER, masterDown(settings, seconds(1))));
      assert.deepEqual(actions, []);
    }
  });
});

test('the skew is (256 - priority) / 256 of the interval of the master', () => {
  for (const [priority, interval, expected] of [
    [100, 1000, 609.375],
    [254, 1000, 7.8125],
    [1, 4000, 3984.375],
  ] as const)
    assert.equal(skew({ ...SETTINGS, priority }, milliseconds(interval)), expected);
});

test('a master is down after three of its intervals and the skew', () => {
  assert.equal(masterDown(SETTINGS, seconds(1)), 3609.375);
  assert.equal(masterDown(SETTINGS, milliseconds(10)), 36.09375);
});

test('until a master is heard, its interval is taken to be our own', () => {
  each({ interval: seconds(2) }, (settings) => {
    assert.equal(initial(settings).masterInterval, seconds(2));
    assert.equal(backup(settings).masterInterval, seconds(2));
  });
});

test('tracking keeps a backup within 1 and 254, and leaves the owner at 255', () => {
  const weighs = (weight: number) => ({ what: 'x', up: weight > 0, reason: '', weight, factor: null });
  assert.equal(effective(100, [weighs(-250)], null).priority, 1);
  assert.equal(effective(100, [weighs(250)], null).priority, 254);
  assert.equal(effective(255, [weighs(-250)], null).priority, 255);
  assert.equal(effective(254, [], { kind: 'promote', by: 'x' }).priority, 254);
});

test('the owner starts as master: an advert, the addresses, their announcement, and an advert each interval', () => {
  each({ priority: 255 }, (settings) => {
    const { next, actions } = start(settings);
    assert.equal(next.state, 'master');
    assert.deepEqual(orders(actions), ['send 255', 'claim', 'announce']);
    assert.deepEqual(waits(next, NOW), { advert: 1000 });
  });
});

test('any other router starts as backup, without addresses, and waits master-down', () => {
  each({ priority: 254 }, (settings) => {
    const { next, actions } = start(settings);
    assert.equal(next.state, 'backup');
    assert.deepEqual(orders(actions), ['release']);
    assert.deepEqual(waits(next, NOW), { masterDown: masterDown(settings, seconds(1)) });
  });
});

test('a backup sends nothing and claims nothing, whatever it hears', () => {
  each({}, (settings) => {
    for (const priority of [0, 1, 99, 100, 101, 255])
      assert.deepEqual(hear(settings, backup(settings), priority).actions, []);
  });
});

test('a backup that is stopped waits for nothing and sends nothing', () => {
  each({}, (settings) => {
    const { next, actions } = step(settings, backup(settings), { type: 'stop' }, LATER);
    assert.equal(next.state, 'init');
    assert.deepEqual(next.timers, {});
    assert.deepEqual(orders(actions), ['release']);
  });
});

test('a backup whose master is down sends an advert, claims, announces, and then advertises each interval', () => {
  each({ interval: seconds(2) }, (settings) => {
    const learned = hear(settings, backup(settings), 200, { interval: seconds(1) }).next;
    const down = learned.timers.masterDown as Instant;
    const early = step(settings, learned, { type: 'timer' }, instant(down - 1));
    assert.deepEqual([early.next.state, early.actions], ['backup', []]);
    const { next, actions } = step(settings, learned, { type: 'timer' }, down);
    assert.equal(next.state, 'master');
    assert.deepEqual(orders(actions), ['send 100', 'claim', 'announce']);
    assert.deepEqual(waits(next, down), { advert: 2000 });
  });
});

test('priority 0 leaves a backup only the skew to wait', () => {
  each({}, (settings) => {
    const learned = hear(settings, backup(settings), 200, { interval: seconds(2) }).next;
    const { next } = hear(settings, learned, 0, { interval: seconds(2) });
    assert.deepEqual(waits(next, LATER), { masterDown: skew(settings, seconds(2)) });
    assert.equal(step(settings, next, { type: 'timer' }, next.timers.masterDown as Instant).next.state, 'master');
  });
});

test('a backup takes the interval of a master it obeys, and waits master-down of that', () => {
  each({}, (settings) => {
    for (const priority of [100, 200]) {
      const { next } = hear(settings, backup(settings), priority, { interval: seconds(5) });
      assert.equal(next.masterInterval, seconds(5));
      assert.deepEqual(waits(next, LATER), { masterDown: masterDown(settings, seconds(5)) });
    }
  });
});

test('without preemption a backup obeys a lower priority too', () => {
  each({ preempt: false }, (settings) => {
    const { next } = hear(settings, backup(settings), 1, { interval: seconds(5) });
    assert.equal(next.masterInterval, seconds(5));
    assert.deepEqual(waits(next, LATER), { masterDown: masterDown(settings, seconds(5)) });
  });
});

test('with preemption a backup discards a lower priority: its timer runs on, and it learns no interval', () => {
  each({}, (settings) => {
    const before = backup(settings);
    const { next } = hear(settings, before, 99, { interval: seconds(5) });
    assert.equal(next.masterInterval, seconds(1));
    assert.deepEqual(next.timers, before.timers);
  });
});

test('a master that is stopped resigns with priority 0, and waits for nothing', () => {
  each({}, (settings) => {
    const { next, actions } = step(settings, master(settings), { type: 'stop' }, LATER);
    assert.equal(next.state, 'init');
    assert.deepEqual(next.timers, {});
    assert.deepEqual(orders(actions), ['send 0', 'release']);
  });
});

test('a master sends an advert each interval', () => {
  each({}, (settings) => {
    let router = master(settings);
    for (let turn = 1; turn <= 3; turn++) {
      const due = after(NOW, times(seconds(1), turn));
      assert.equal(router.timers.advert, due);
      const { next, actions } = step(settings, router, { type: 'timer' }, due);
      assert.deepEqual(orders(actions), ['send 100']);
      router = next;
    }
  });
});

test('a master answers priority 0 with an advert, and the interval begins anew', () => {
  each({}, (settings) => {
    const { next, actions } = hear(settings, master(settings), 0);
    assert.equal(next.state, 'master');
    assert.deepEqual(orders(actions), ['send 100']);
    assert.deepEqual(waits(next, LATER), { advert: 1000 });
  });
});

test('a master gives way to a higher priority, takes its interval, and waits master-down of that', () => {
  each({}, (settings) => {
    const { next, actions } = hear(settings, master(settings), 101, { interval: seconds(5) });
    assert.equal(next.state, 'backup');
    assert.equal(next.masterInterval, seconds(5));
    assert.deepEqual(waits(next, LATER), { masterDown: masterDown(settings, seconds(5)) });
    assert.deepEqual(orders(actions), ['release']);
  });
});

test('of two masters of equal priority the one with the higher address stays, by number and not by text', () => {
  const state = (settings: RouterSettings, own: string, peer: string): string =>
    hear(settings, { ...master(settings), source: ip(own) }, settings.priority, { from: ip(peer) }).next.state;
  each({}, (settings) => {
    assert.equal(state(settings, '10.0.0.20', '10.0.0.3'), 'master');
    assert.equal(state(settings, '10.0.0.3', '10.0.0.20'), 'backup');
    assert.equal(state(settings, '9.255.255.255', '10.0.0.0'), 'backup');
    assert.equal(state(settings, '200.0.0.1', '100.0.0.1'), 'master');
  });
  const six: RouterSettings = { ...SETTINGS, family: 6 };
  assert.equal(state(six, 'fe80::ff', 'fe80::1000'), 'backup');
  assert.equal(state(six, 'fe80::f:0:0', 'fe80::e:ffff:ffff'), 'master');
});

test('a master answers a lower priority, or an equal one from a lower address, with an advert at once', () => {
  each({}, (settings) => {
    for (const priority of [1, 99, 100]) {
      const { next, actions } = hear(settings, master(settings), priority, { from: PEER });
      assert.equal(next.state, 'master');
      assert.equal(orders(actions)[0], 'send 100');
      assert.equal(next.timers.advert, after(LATER, seconds(1)));
    }
  });
});

test('a flood of lower adverts is answered ten times an interval, no more', () => {
  each({}, (settings) => {
    let router = hear(settings, master(settings), 1).next;
    let answers = 0;
    const advert: Advert = { ...SETTINGS, version: settings.version, priority: 1 };
    for (let ms = 1; ms <= 1000; ms++) {
      const { next, actions } = step(
        settings,
        router,
        { type: 'advert', advert, source: PEER },
        after(LATER, milliseconds(ms)),
      );
      router = next;
      answers += actions.filter((a) => a.do === 'send').length;
    }
    assert.equal(answers, 10);
  });
});

test('a master does not ask whether it may preempt: the higher priority wins', () => {
  each({ preempt: false }, (settings) => {
    assert.equal(hear(settings, master(settings), 101).next.state, 'backup');
    assert.equal(hear(settings, master(settings), 99).next.state, 'master');
  });
});

test('once master, a router goes by its own interval, whatever it had learned', () => {
  each({ interval: seconds(2) }, (settings) => {
    const learned = hear(settings, backup(settings), 200, { interval: seconds(5) }).next;
    const down = learned.timers.masterDown as Instant;
    const { next } = step(settings, learned, { type: 'timer' }, down);
    assert.equal(next.masterInterval, seconds(2));
    assert.deepEqual(waits(next, down), { advert: 2000 });
  });
});

test('the owner takes over from any other priority, and of two owners the higher address stays', () => {
  each({ priority: 255 }, (settings) => {
    assert.equal(hear(settings, start(settings).next, 254).next.state, 'master');
    assert.equal(hear(settings, start(settings).next, 255, { from: PEER }).next.state, 'master');
    assert.equal(hear(settings, start(settings).next, 255, { from: ip('10.0.0.21') }).next.state, 'backup');
  });
});
