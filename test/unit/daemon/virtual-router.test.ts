import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { after, type Instant, instant, milliseconds, seconds } from '../../../src/base/time.ts';
import type { VirtualAddress, VrrpConfig } from '../../../src/config/config.ts';
import type { Happening } from '../../../src/control/event.ts';
import type { RouterOrder } from '../../../src/control/status.ts';
import { groupKeyOf } from '../../../src/daemon/carries-on.ts';
import type { Tracking } from '../../../src/daemon/router-status.ts';
import { createVirtualRouter, type RouterPorts, type VirtualRouter } from '../../../src/daemon/virtual-router.ts';
import type { DropReason, Received } from '../../../src/vrrp/receive.ts';
import type { Advert } from '../../../src/wire/vrrp.ts';

const OWN = ip('10.0.0.1');
const PEER = ip('10.0.0.2');
const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

const virtual = (text: string, more: Partial<VirtualAddress> = {}): VirtualAddress => ({
  ...{ address: prefix(text), interface: null, scope: 'global', label: null, peer: null, advertise: true },
  ...more,
});

const config: VrrpConfig = {
  ...{ name: 'edge', interface: 'eth0', routerId: 51, version: 3, priority: 100, interval: seconds(1), downCount: 3 },
  addresses: [virtual('192.0.2.100/24'), virtual('192.0.2.101/24')],
  ...{ preempt: true, preemptDelay: seconds(0), checksum: 'pseudo-header', source: [], transport: 'ip', port: 9112 },
  ...{ multicastGroup: [], peers: [], auth: null, syncGroup: null, track: [] },
  ...{ announceCount: 2, announceDelay: seconds(5), announceRefresh: seconds(0), announceRate: 1000 },
  ...{ probe: false, virtualMac: false, routes: [], rules: [], linger: false },
};
const SURROUNDINGS = { destinations: ['224.0.0.18'], device: 'eth0' };

/** A router with a clock that the test moves, and everything that it did, in order. */
function bench(settings: Partial<VrrpConfig> = {}) {
  const did: string[] = [];
  const happened: Happening[] = [];
  const sent: { readonly at: number; readonly advert: Advert; readonly source: IpAddress }[] = [];
  let now: Instant = instant(1000);
  let due: Instant | undefined;
  let ring: (lateness: typeof now) => void = () => {};
  let refusal: string | undefined;
  const there = new Set<string>();
  const ports: RouterPorts = {
    now: () => now,
    date: (at) => `at ${at}`,
    timer: (callback) => {
      ring = callback as never;
      return {
        arm: (at) => {
          due = at;
        },
        disarm: () => {
          due = undefined;
        },
        close: () => {
          due = undefined;
        },
      };
    },
    send: (advert, source) => {
      sent.push({ at: now, advert, source });
      did.push(`send priority ${advert.priority} for ${advert.addresses.join(' ')}`);
    },
    claim: async (lease) => {
      did.push(lease === null ? 'claim for good' : 'claim');
      if (refusal !== undefined) throw new Error(refusal);
      for (const a of router.config.addresses) there.add(a.address.address);
    },
    renew: async (lease) => void did.push(`renew for ${lease} ms`),
    release: async () => {
      did.push('release');
      const gone = [...there];
      there.clear();
      return gone;
    },
    announce: (how) => void did.push(`announce ${how}`),
    hush: () => void did.push('hush'),
    probe: () => void did.push('probe'),
    remember: (role) => void did.push(`remember ${role}`),
    beat: () => {},
    report: (happening) => void happened.push(happening),
    stepped: () => void did.push('stepped'),
  };
  const router = createVirtualRouter({ ...config, ...settings }, 4, ports);
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    router,
    there,
    did,
    happened,
    sent,
    settle,
    refuse: (why: string | undefined) => {
      refusal = why;
    },
    /** Moves the clock, ringing the timer whenever it is due, or `late` ms after that. */
    async pass(ms: number, late = 0): Promise<void> {
      const end = after(now, milliseconds(ms));
      while (due !== undefined && due + late <= end) {
        now = after(due, milliseconds(late));
        ring(late as never);
        await settle();
      }
      now = end;
      await settle();
    },
    now: () => now,
    start: () => router.start({ source: OWN, lacks: null }, false),
    status: () => router.status(SURROUNDINGS),
  };
}

function advert(priority: number, more: Partial<Received['advert']> = {}): Received {
  const addresses = config.addresses.map((a) => a.address.address);
  return {
    advert: { version: 3, routerId: 51, priority, interval: seconds(1), addresses, ...more },
    checksum: 'pseudo-header',
    ...{ signed: false, authenticated: null, keyId: null, skew: null },
  };
}

const refuse = (router: VirtualRouter, reason: DropReason, source: IpAddress = PEER): void =>
  router.refuse(reason, source, () => `it is refused for ${reason}`);
const hear = (router: VirtualRouter, decoded: Received, source: IpAddress = PEER, at: number = 1000): void =>
  router.hear(decoded, source, instant(at));

test('on promotion the advert leaves first, then the addresses come, then the neighbours are told, then the next process', async () => {
  const b = bench();
  b.start();
  await b.settle();
  await b.pass(3700);
  assert.deepEqual(b.did.slice(-4), [
    'send priority 100 for 192.0.2.100 192.0.2.101',
    'claim',
    'announce burst',
    'remember master',
  ]);
  assert.deepEqual(
    b.status().addresses.map((a) => a.present),
    [true, true],
  );
});

test('a stop sends priority 0 before any address goes, and ends when they are gone', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  await b.router.stop();
  assert.deepEqual(b.did, ['send priority 0 for 192.0.2.100 192.0.2.101', 'hush', 'remember not-master', 'release']);
  await b.pass(60_000);
  assert.equal(b.did.length, 4, 'nothing happens after a stop');
});

test('a master that leaves says once more that it is there, and gives nothing up', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.leave();
  await b.pass(60_000);
  assert.deepEqual(b.did, ['send priority 100 for 192.0.2.100 192.0.2.101']);
});

test('a backup that leaves says nothing', async () => {
  const b = bench();
  b.start();
  await b.pass(1000);
  b.did.length = 0;
  b.router.leave();
  await b.pass(60_000);
  assert.deepEqual(b.did, []);
});

test('a second burst of gratuitous ARP follows after announce_delay', async () => {
  const b = bench({ announceCount: 1 });
  b.start();
  await b.pass(3700);
  const before = b.did.filter((d) => d.startsWith('announce')).length;
  await b.pass(5000);
  assert.equal(b.did.filter((d) => d.startsWith('announce')).length, before + 1);
});

test('a refused advert is counted by its reason and complained of once a minute', async () => {
  const b = bench();
  b.start();
  for (let i = 0; i < 3; i++) refuse(b.router, 'checksum', PEER);
  refuse(b.router, 'ttl', PEER);
  assert.deepEqual(b.status().counters.dropped, { checksum: 3, ttl: 1 });
  const troubles = () => b.happened.filter((h) => h.kind === 'trouble');
  assert.equal(troubles().length, 2);
  await b.pass(61_000);
  refuse(b.router, 'checksum', PEER);
  assert.equal(troubles().length, 3);
});

test('a peer with another list of addresses is obeyed, and complained of', async () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200, { addresses: [ip('192.0.2.100')] }));
  assert.deepEqual(b.status().master, { address: PEER, priority: 200 });
  assert.ok(b.happened.some((h) => h.kind === 'trouble' && h.what === 'edge: address lists differ'));
});

test('the order of the addresses does not matter', () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200, { addresses: [ip('192.0.2.101'), ip('192.0.2.100')] }));
  assert.ok(!b.happened.some((h) => h.kind === 'trouble'));
});

test('a peer that sends the other form of checksum is obeyed, and complained of', () => {
  const b = bench();
  b.start();
  hear(b.router, { ...advert(200), checksum: 'message' });
  assert.equal(b.status().master?.priority, 200);
  assert.ok(b.happened.some((h) => h.kind === 'trouble' && h.what === 'edge: checksum forms differ'));
});

test('a peer with another interval is obeyed, and complained of', () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200, { interval: milliseconds(500) }));
  assert.equal(b.status().masterInterval, 500);
  assert.ok(b.happened.some((h) => h.kind === 'trouble' && h.what === 'edge: advertisement intervals differ'));
});

test('an advert from our own address is another machine with it: not obeyed, complained of', () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200), OWN);
  assert.equal(b.status().master, null);
  assert.ok(b.happened.some((h) => h.kind === 'trouble' && h.what === 'edge: duplicate address'));
});

test('an address taken away from the master comes back, with an event that names it', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.noteAddress(ip('192.0.2.101'), 'eth0', false);
  await b.settle();
  assert.equal(b.did[0], 'claim');
  assert.ok(b.did.some((d) => d.startsWith('announce')));
  const drift = b.happened.find((h) => h.kind === 'drift');
  assert.equal(drift?.object, '192.0.2.101/24 on eth0');
});

test('what goes within a second is told once each, however often it goes', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  for (let i = 0; i < 10; i++) {
    b.router.noteAddress(ip('192.0.2.101'), 'eth0', true);
    b.router.noteAddress(ip('192.0.2.101'), 'eth0', false);
    b.router.noteLoss('rule 1000');
  }
  await b.settle();
  const objects = b.happened.flatMap((h) => (h.kind === 'drift' ? [h.object] : []));
  assert.deepEqual(objects, ['192.0.2.101/24 on eth0', 'rule 1000']);
});

test('an address that goes with the role is no drift', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  hear(b.router, advert(200), PEER, 4700);
  b.router.noteAddress(ip('192.0.2.101'), 'eth0', false);
  await b.settle();
  assert.ok(!b.happened.some((h) => h.kind === 'drift'));
});

test('a refused address is an error for the operator, and the adverts go on', async () => {
  const b = bench();
  b.refuse('cannot add 192.0.2.100/24 to eth0: EPERM');
  b.start();
  await b.pass(6000);
  const trouble = b.happened.find((h) => h.kind === 'trouble');
  assert.equal(trouble?.kind === 'trouble' && trouble.detail, 'cannot add 192.0.2.100/24 to eth0: EPERM');
  assert.ok(b.status().counters.advertsSent >= 3);
  assert.ok(b.status().addresses.every((a) => !a.present));
});

test('a claim and the release after it reach the kernel in that order', async () => {
  const b = bench();
  b.start();
  await b.pass(3608);
  b.did.length = 0;
  // The timer rings and the higher advert comes before the kernel has answered anything.
  await b.pass(2);
  hear(b.router, advert(200), PEER, 4611);
  await b.settle();
  const kernel = b.did.filter((d) => d === 'claim' || d.startsWith('release'));
  assert.deepEqual(kernel, ['claim', 'release']);
});

test('a reload asks for the addresses of the new config', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  const next = { ...config, addresses: [virtual('192.0.2.100/24'), virtual('192.0.2.102/24')] };
  b.router.reconfigure(next, async () => void b.did.push('what is not wanted goes'));
  await b.settle();
  assert.deepEqual(b.did, [
    'send priority 100 for 192.0.2.100 192.0.2.102',
    'what is not wanted goes',
    'claim',
    'announce burst',
  ]);
  assert.deepEqual(
    b.status().addresses.map((a) => `${a.address} ${a.present}`),
    ['192.0.2.100/24 true', '192.0.2.102/24 true'],
  );
});

test('the kernel is told to keep the addresses a while longer with every few adverts, as long as we are master', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  await b.pass(60_000);
  const renewals = b.did.filter((d) => d === 'renew for 5000 ms').length;
  assert.ok(renewals >= 24 && renewals <= 60, `${renewals} renewals in a minute, of a lease of 5 s`);
  hear(b.router, advert(200), PEER, 70_000);
  b.did.length = 0;
  await b.pass(3000);
  assert.ok(!b.did.some((d) => d.startsWith('renew')), 'not as a backup');
});

test('with linger, and for the owner of the addresses, they are claimed for good', async () => {
  for (const settings of [{ linger: true }, { priority: 255 }]) {
    const b = bench(settings);
    b.start();
    await b.pass(30_000);
    assert.ok(b.did.includes('claim for good'));
    assert.ok(!b.did.some((d) => d.startsWith('renew')));
  }
});

test('a claim that the kernel refused is made again every second, and the neighbours are told when it succeeds', async () => {
  const b = bench();
  b.refuse('ENOBUFS');
  b.start();
  await b.pass(10_000);
  assert.ok(b.did.filter((d) => d === 'claim').length >= 5);
  b.refuse(undefined);
  await b.pass(2000);
  assert.ok(b.status().addresses.every((a) => a.present));
  assert.match(b.did.slice(b.did.lastIndexOf('claim')).join(), /announce/);
  const settled = b.did.filter((d) => d === 'claim').length;
  await b.pass(10_000);
  assert.equal(b.did.filter((d) => d === 'claim').length, settled);
});

test('whoever takes an address away again and again is answered once a second, not as fast as the kernel can tell', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  for (let i = 0; i < 100; i++) {
    b.router.noteAddress(ip('192.0.2.100'), 'eth0', false);
    b.router.noteAddress(ip('192.0.2.100'), 'eth0', true);
  }
  await b.settle();
  assert.ok(b.did.filter((d) => d === 'claim').length <= 1);
  b.router.noteAddress(ip('192.0.2.100'), 'eth0', false);
  await b.pass(3000);
  assert.ok(
    b.status().addresses.every((a) => a.present),
    'it comes back all the same',
  );
});

test('an address that somebody puts on a backup is taken away, with an event', async () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200));
  await b.settle();
  b.there.add('192.0.2.100');
  b.router.noteAddress(ip('192.0.2.100'), 'eth0', true);
  await b.settle();
  assert.ok(!b.there.has('192.0.2.100'));
  assert.ok(b.happened.some((h) => h.kind === 'drift' && h.object === '192.0.2.100/24 on eth0'));
});

test('peers that send ever new things make no more complaints than there are kinds of them', () => {
  const b = bench();
  b.start();
  for (let i = 0; i < 1000; i++) {
    const source = ip(`10.9.${i >> 8}.${i & 255}`);
    refuse(b.router, 'checksum', source);
    hear(b.router, { ...advert(200, { addresses: [source] }), checksum: 'message' }, source);
  }
  assert.equal(b.happened.filter((h) => h.kind === 'trouble').length, 3);
});

test('an address that is not advertised is held all the same', async () => {
  const b = bench({ addresses: [virtual('192.0.2.100/24'), virtual('192.0.2.101/24', { advertise: false })] });
  b.start();
  await b.pass(3700);
  assert.ok(b.did.includes('send priority 100 for 192.0.2.100'));
  assert.deepEqual(
    b.status().addresses.map((a) => `${a.address} ${a.present} ${a.advertised}`),
    ['192.0.2.100/24 true true', '192.0.2.101/24 true false'],
  );
});

const eth1 = (up: boolean, weight: number | null): Tracking => ({
  ...{ what: 'interface eth1', up, reason: up ? '' : 'is down', weight, factor: null, since: null, known: true },
});

test('a tracked thing with a weight changes the priority that is advertised, at once', async () => {
  const b = bench({ priority: 150 });
  b.router.track([eth1(true, -60)]);
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.track([eth1(false, -60)]);
  assert.equal(b.did[0], 'send priority 90 for 192.0.2.100 192.0.2.101');
  const { priority, priorityParts, state } = b.status();
  assert.deepEqual([state, priority], ['master', 90]);
  assert.deepEqual(priorityParts.at(-1), { what: 'interface eth1 is down', delta: -60 });
});

test('a tracked thing without a weight is a fault while it fails: priority 0, and no address', async () => {
  const b = bench();
  b.router.track([eth1(true, null)]);
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.track([eth1(false, null)]);
  await b.settle();
  assert.equal(b.did[0], 'send priority 0 for 192.0.2.100 192.0.2.101');
  assert.deepEqual([b.status().state, b.status().cause], ['fault', 'interface eth1 is down']);
  assert.equal(b.there.size, 0);
  b.router.track([eth1(true, null)]);
  assert.equal(b.status().state, 'backup');
});

test('a fault of the link and one of a tracked thing must both end', async () => {
  const b = bench();
  b.start();
  b.router.track([eth1(false, null)]);
  b.router.link({ source: null, lacks: 'interface eth0 is down' });
  b.router.track([eth1(true, null)]);
  assert.equal(b.status().state, 'fault');
  assert.equal(b.status().cause, 'interface eth0 is down');
  b.router.link({ source: OWN, lacks: null });
  assert.equal(b.status().state, 'backup');
});

const demotion: RouterOrder = {
  ...{ kind: 'demote', by: 'anna', reason: 'kernel upgrade', since: '2026-01-01T00:00:00Z', until: null },
};

test("the operator's order gives the role away, says why, and is not carried out twice", async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.order(demotion);
  b.router.order({ ...demotion });
  await b.settle();
  assert.equal(b.did.filter((d) => d.startsWith('send priority 0')).length, 1);
  assert.deepEqual([b.status().state, b.status().cause], ['backup', 'demoted by anna: kernel upgrade']);
  assert.equal(b.status().priority, 1);
  b.router.order(null);
  assert.equal(b.status().priority, 100);
});

test('who is told to be master preempts, though the config says not to', async () => {
  const b = bench({ preempt: false });
  b.router.order({ ...demotion, kind: 'promote' });
  b.start();
  hear(b.router, advert(150));
  await b.pass(3700);
  assert.equal(b.status().state, 'master');
});

test('two masters are counted and reported, and so is the end of it', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  await b.pass(5000);
  hear(b.router, advert(50), PEER, 9600);
  await b.settle();
  assert.equal(b.status().rival?.address, PEER);
  await b.pass(5000);
  assert.equal(b.status().rival, null);
  const said = b.happened.flatMap((h) => (h.kind === 'split-brain' ? [`${h.what} ${h.peer} ${h.priority}`] : []));
  assert.deepEqual(said, [`begun ${PEER} 50`, `ended ${PEER} 50`]);
  assert.equal(b.status().counters.splitBrains, 1);
});

test('status tells of the last packet that was refused, and whether that was just now', async () => {
  const b = bench();
  b.start();
  assert.equal(b.status().refused, null);
  refuse(b.router, 'checksum');
  const { refused } = b.status();
  assert.deepEqual(
    [refused?.address, refused?.reason, refused?.detail, refused?.recent],
    [PEER, 'checksum', 'it is refused for checksum', true],
  );
  await b.pass(4000);
  assert.equal(b.status().refused?.recent, false);
});

/** Hears a lower master every second until its own time, and gives the state after so many seconds. */
async function stateAfter(b: ReturnType<typeof bench>, s: number): Promise<string> {
  for (let n = 0; n < s; n++) {
    hear(b.router, advert(50), PEER, b.now());
    await b.pass(1000);
  }
  return b.status().state;
}

test('a lower master is left alone for preempt_delay, and for good with preempt = false', async () => {
  for (const [settings, before, later] of [
    [{}, 'master', 'master'],
    [{ preemptDelay: seconds(10) }, 'backup', 'master'],
    [{ preempt: false }, 'backup', 'backup'],
  ] as const) {
    const b = bench(settings);
    b.start();
    assert.deepEqual([await stateAfter(b, 9), await stateAfter(b, 11)], [before, later], JSON.stringify(settings));
  }
});

test('down_count is how many intervals a silent master is waited for', async () => {
  // The skew of priority 100 is 156/256 of the interval.
  for (const [downCount, waits] of [
    [3, 3609],
    [5, 5609],
  ] as const) {
    const b = bench({ downCount });
    b.start();
    await b.pass(waits);
    assert.equal(b.status().state, 'backup', `after ${waits} ms`);
    await b.pass(1);
    assert.equal(b.status().state, 'master', `after ${waits + 1} ms`);
  }
});

test('the version is that of the adverts, and of the skew', async () => {
  for (const [version, interval, waits] of [
    [3, seconds(2), 6000 + 2 * 609],
    [2, seconds(2), 6000 + 609],
  ] as const) {
    const b = bench({ version, interval });
    b.start();
    await b.pass(waits);
    assert.equal(b.status().state, 'backup', `version ${version}`);
    await b.pass(3);
    assert.equal(b.status().state, 'master', `version ${version}`);
    assert.deepEqual([b.sent[0]?.advert.version, b.router.advert.version], [version, version]);
  }
});

test('who changes state together: a sync group, or the two families of one [[vrrp]]', () => {
  const both = { ...config, addresses: [virtual('192.0.2.100/24'), virtual('2001:db8::1/64')] };
  assert.equal(groupKeyOf(config), null);
  assert.equal(groupKeyOf(both), 'name edge');
  assert.equal(groupKeyOf({ ...both, syncGroup: 'edge' }), 'sync edge');
  assert.equal(groupKeyOf({ ...config, syncGroup: 'edge' }), 'sync edge');
});

test('one of two families says that it is ready, and is master when its group is', async () => {
  const b = bench({ addresses: [virtual('192.0.2.100/24'), virtual('2001:db8::1/64')] });
  assert.equal(b.router.label, 'edge IPv4');
  b.start();
  await b.pass(5000);
  assert.deepEqual([b.status().state, b.sent.length], ['backup', 0]);
  assert.match(b.status().cause, /^ready to be master .*, waits for its group$/);
  assert.ok(b.did.includes('stepped'));
  b.router.feed({ type: 'group', order: 'master', cause: 'all are ready' });
  assert.equal(b.status().state, 'master');
});

test('an own address that changes gives the next adverts the new source', async () => {
  const b = bench();
  b.start();
  await b.pass(4000);
  const next = ip('10.0.0.7');
  b.router.link({ source: next, lacks: null });
  await b.pass(2000);
  assert.deepEqual([b.status().state, b.status().source], ['master', next]);
  assert.deepEqual([...new Set(b.sent.map(({ source }) => source))], [OWN, next]);
  b.router.link({ source: null, lacks: 'interface eth0 is down' });
  assert.deepEqual([b.sent.at(-1)?.advert.priority, b.sent.at(-1)?.source], [0, next], 'it says good-bye from it');
});

test('a peer with another list of addresses is counted each time; one that differs in something else is not', () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200, { interval: milliseconds(500) }));
  hear(b.router, advert(200, { addresses: [ip('192.0.2.101'), ip('192.0.2.100')] }));
  assert.equal(b.status().counters.addressListErrors, 0);
  for (const addresses of [[], [ip('192.0.2.100')], [ip('192.0.2.100'), ip('192.0.2.102')]])
    hear(b.router, advert(200, { addresses }));
  assert.equal(b.status().counters.addressListErrors, 3);
  assert.equal(b.status().counters.advertsReceived, 5);
});

test('a timer that is late is counted, and does not put off the adverts after it', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  const first = b.sent[0]?.at ?? 0;
  await b.pass(1300, 300);
  await b.pass(1000, 20);
  await b.pass(2000);
  assert.deepEqual(
    b.sent.map(({ at }) => Math.round(at - first)),
    [0, 1300, 2020, 3000, 4000],
  );
  assert.equal(b.status().counters.worstLateness, 300);
});
