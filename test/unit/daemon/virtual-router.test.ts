import assert from 'node:assert/strict';
import test from 'node:test';
import { formatPrefix, type IpAddress, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { after, type Instant, instant, milliseconds, seconds } from '../../../src/base/time.ts';
import type { VrrpConfig } from '../../../src/config/config.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createVirtualRouter, type RouterPorts, type VirtualRouter } from '../../../src/daemon/virtual-router.ts';
import { type Decoded, decode, GROUP, TTL } from '../../../src/wire/vrrp.ts';

const OWN = ip('10.0.0.1');
const PEER = ip('10.0.0.2');
const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

const config: VrrpConfig = {
  name: 'edge',
  interface: 'eth0',
  routerId: 51,
  version: 3,
  priority: 100,
  interval: seconds(1),
  addresses: [prefix('192.0.2.100/24'), prefix('192.0.2.101/24')],
  preempt: true,
  preemptDelay: seconds(0),
  checksum: 'pseudo-header',
  source: null,
  announceCount: 2,
  announceDelay: seconds(5),
  linger: false,
};

/** A router with a clock that the test moves, and everything that it did, in order. */
function bench(settings: Partial<VrrpConfig> = {}) {
  const did: string[] = [];
  const happened: Happening[] = [];
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
    send: (bytes) => {
      const decoded = decode(bytes, { source: OWN, destination: GROUP[4], ttl: TTL });
      assert.ok(decoded.ok);
      did.push(`send priority ${decoded.value.advert.priority} (${decoded.value.checksum})`);
    },
    claim: async (addresses, lease) => {
      did.push(lease === null ? 'claim for good' : 'claim');
      if (refusal !== undefined) throw new Error(refusal);
      const added = addresses.filter((a) => !there.has(a.address));
      for (const a of added) there.add(a.address);
      return added;
    },
    renew: async (_addresses, lease) => void did.push(`renew for ${lease} ms`),
    release: async (addresses) => {
      did.push(`release ${addresses.map(formatPrefix).join(' ')}`);
      return addresses.filter((a) => there.delete(a.address));
    },
    announce: (addresses) => void did.push(`announce ${addresses.join(' ')}`),
    remember: (role) => void did.push(`remember ${role}`),
    beat: () => {},
    report: (happening) => void happened.push(happening),
  };
  const router = createVirtualRouter({ ...config, ...settings }, ports);
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    router,
    there,
    did,
    happened,
    settle,
    refuse: (why: string | undefined) => {
      refusal = why;
    },
    /** Moves the clock, ringing the timer whenever it is due. */
    async pass(ms: number): Promise<void> {
      const end = after(now, milliseconds(ms));
      while (due !== undefined && due <= end) {
        now = due;
        ring(0 as never);
        await settle();
      }
      now = end;
      await settle();
    },
    start: () => router.feed({ type: 'start', up: true, source: OWN, what: '', resume: false }),
  };
}

function advert(priority: number, more: Partial<Decoded['advert']> = {}): Decoded {
  const addresses = config.addresses.map((a) => a.address);
  return {
    advert: { version: 3, routerId: 51, priority, interval: seconds(1), addresses, ...more },
    checksum: 'pseudo-header',
    trailer: new Uint8Array(0),
  };
}

const hear = (router: VirtualRouter, decoded: Decoded, source: IpAddress = PEER, at = 1000): void =>
  router.hear(decoded, source, instant(at));

test('on promotion the advert leaves first, then the addresses come, then the neighbours are told', async () => {
  const b = bench();
  b.start();
  await b.settle();
  await b.pass(3700);
  const own = '192.0.2.100 192.0.2.101';
  assert.deepEqual(b.did.slice(-5), [
    'send priority 100 (pseudo-header)',
    'remember master',
    'claim',
    `announce ${own}`,
    `announce ${own}`,
  ]);
  assert.deepEqual(
    b.router.status().addresses.map((a) => a.present),
    [true, true],
  );
});

test('a stop sends priority 0 before any address goes, and ends when they are gone', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  await b.router.stop();
  assert.deepEqual(b.did, [
    'send priority 0 (pseudo-header)',
    'remember not-master',
    'release 192.0.2.100/24 192.0.2.101/24',
  ]);
  await b.pass(60_000);
  assert.equal(b.did.length, 3, 'nothing happens after a stop');
});

test('a second burst of gratuitous ARP follows after announce_delay', async () => {
  const b = bench({ announceCount: 1 });
  b.start();
  await b.pass(3700);
  const before = b.did.filter((d) => d.startsWith('announce')).length;
  await b.pass(5000);
  assert.equal(b.did.filter((d) => d.startsWith('announce')).length, before + 1);
});

test('the form of checksum sent is the configured one', async () => {
  const b = bench({ checksum: 'message' });
  b.start();
  await b.pass(3700);
  assert.ok(b.did.includes('send priority 100 (message)'));
});

test('a refused advert is counted by its reason and complained of once a minute', async () => {
  const b = bench();
  b.start();
  for (let i = 0; i < 3; i++) b.router.refuse('checksum', PEER);
  b.router.refuse('ttl', PEER);
  assert.deepEqual(b.router.status().counters.dropped, { checksum: 3, ttl: 1 });
  const troubles = () => b.happened.filter((h) => h.kind === 'trouble');
  assert.equal(troubles().length, 2);
  await b.pass(61_000);
  b.router.refuse('checksum', PEER);
  assert.equal(troubles().length, 3);
});

test('a peer with another list of addresses is obeyed, and complained of', async () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200, { addresses: [ip('192.0.2.100')] }));
  assert.deepEqual(b.router.status().master, { address: PEER, priority: 200 });
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
  assert.equal(b.router.status().master?.priority, 200);
  assert.ok(b.happened.some((h) => h.kind === 'trouble' && h.what === 'edge: checksum forms differ'));
});

test('an advert from our own address is another machine with it: not obeyed, complained of', () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200), OWN);
  assert.equal(b.router.status().master, null);
  assert.ok(b.happened.some((h) => h.kind === 'trouble' && h.what === 'edge: duplicate address'));
});

test('an address taken away from the master comes back, with an event that names it', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.noteAddress(ip('192.0.2.101'), false);
  await b.settle();
  assert.equal(b.did[0], 'claim');
  assert.ok(b.did.some((d) => d.startsWith('announce')));
  const drift = b.happened.find((h) => h.kind === 'drift');
  assert.equal(drift?.object, '192.0.2.101/24 on eth0');
});

test('an address that goes with the role is no drift', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  hear(b.router, advert(200), PEER, 4700);
  b.router.noteAddress(ip('192.0.2.101'), false);
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
  assert.ok(b.router.status().counters.advertsSent >= 3);
  assert.ok(b.router.status().addresses.every((a) => !a.present));
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
  assert.deepEqual(kernel, ['claim', 'release 192.0.2.100/24 192.0.2.101/24']);
});

test('a reload gives up only the address that went', async () => {
  const b = bench();
  b.start();
  await b.pass(3700);
  b.did.length = 0;
  b.router.reconfigure({ ...config, addresses: [prefix('192.0.2.100/24'), prefix('192.0.2.102/24')] });
  await b.settle();
  assert.ok(b.did.includes('release 192.0.2.101/24'));
  assert.ok(b.did.includes('claim'));
  assert.equal(b.did[0], 'remember master');
  assert.deepEqual(
    b.router.status().addresses.map((a) => `${a.address} ${a.present}`),
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
  assert.ok(b.router.status().addresses.every((a) => a.present));
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
    b.router.noteAddress(ip('192.0.2.100'), false);
    b.router.noteAddress(ip('192.0.2.100'), true);
  }
  await b.settle();
  assert.ok(b.did.filter((d) => d === 'claim').length <= 1);
  b.router.noteAddress(ip('192.0.2.100'), false);
  await b.pass(3000);
  assert.ok(
    b.router.status().addresses.every((a) => a.present),
    'it comes back all the same',
  );
});

test('an address that somebody puts on a backup is taken away, with an event', async () => {
  const b = bench();
  b.start();
  hear(b.router, advert(200));
  await b.settle();
  b.there.add('192.0.2.100');
  b.router.noteAddress(ip('192.0.2.100'), true);
  await b.settle();
  assert.ok(!b.there.has('192.0.2.100'));
  assert.ok(b.happened.some((h) => h.kind === 'drift' && h.object === '192.0.2.100/24 on eth0'));
});

test('peers that send ever new things make no more complaints than there are kinds of them', () => {
  const b = bench();
  b.start();
  for (let i = 0; i < 1000; i++) {
    const source = ip(`10.9.${i >> 8}.${i & 255}`);
    b.router.refuse('checksum', source);
    hear(b.router, { ...advert(200, { addresses: [source] }), checksum: 'message' }, source);
  }
  assert.equal(b.happened.filter((h) => h.kind === 'trouble').length, 3);
});
