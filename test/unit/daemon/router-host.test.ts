/** One virtual router with all that is around it, on a kernel and a wire in memory. The clock and the files are real. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatPrefix, type IpAddress, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { after, milliseconds, seconds } from '../../../src/base/time.ts';
import type { RouteConfig, RuleConfig, VirtualAddress, VrrpConfig } from '../../../src/config/config.ts';
import type { Happening } from '../../../src/control/event.ts';
import { type AdvertCodec, createAdvertCodec } from '../../../src/daemon/advert-codec.ts';
import type { TransportHandlers } from '../../../src/daemon/advert-transport.ts';
import { carriesOn } from '../../../src/daemon/carries-on.ts';
import { createNetworkView } from '../../../src/daemon/network-view.ts';
import { outlastsRestart } from '../../../src/daemon/restart-takes.ts';
import { createRouterHost, type RouterHost } from '../../../src/daemon/router-host.ts';
import { openRoleFile, type Role } from '../../../src/daemon/run-state.ts';
import { createSegment } from '../../../src/daemon/segment.ts';
import { now } from '../../../src/system/clock.ts';
import { hmacSha256 } from '../../../src/system/hmac.ts';
import { readSecret } from '../../../src/system/key-file.ts';
import type {
  InterfaceAddress,
  Link,
  NetworkEvent,
  OwnAddress,
  RoutingEvent,
  Rtnetlink,
  Rule,
  TableRoute,
} from '../../../src/system/rtnetlink.ts';
import { RTPROT_LVSKEEPER } from '../../../src/wire/netlink-rtnl.ts';
import { type Advert, decode, GROUP } from '../../../src/wire/vrrp.ts';

const ETH0 = 2;
const OWN = ip('192.0.2.1');
const PEER = ip('192.0.2.2');

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const virtual = (text: string): VirtualAddress => ({
  ...{ address: prefix(text), interface: null, scope: 'global', label: null, peer: null, advertise: true },
});
/** Of a long interval: what happens here happens at once, or would not for minutes. */
const config: VrrpConfig = {
  ...{ name: 'edge', interface: 'eth0', routerId: 51, version: 3, priority: 100, interval: seconds(40), downCount: 3 },
  addresses: [virtual('192.0.2.100/24'), virtual('192.0.2.101/24')],
  ...{ preempt: true, preemptDelay: seconds(0), checksum: 'pseudo-header', source: [], transport: 'ip', port: 9112 },
  ...{ multicastGroup: [], peers: [], auth: null, syncGroup: null, track: [] },
  ...{ announceCount: 3, announceDelay: seconds(60), announceRefresh: seconds(0), announceRate: 70 },
  ...{ probe: false, virtualMac: false, routes: [], rules: [], linger: false },
};
const link = (more: Partial<Link> = {}): Link => ({
  ...{ index: ETH0, name: 'eth0', mac: '02:00:5e:00:53:01', up: true, running: true, lowerUp: true },
  ...{ loopback: false, multicast: true, mtu: 1500 },
  ...more,
});
const at = (text: string): InterfaceAddress => ({ index: ETH0, prefix: prefix(text), scope: 0, flags: 0 });

/** Says yes to everything, and writes it down. */
function fakeRtnetlink(did: string[]): Rtnetlink {
  const yes =
    <T, A>(verb: string, text: (item: T) => string, answer: A) =>
    async (items: readonly T[]) =>
      items.map((item) => {
        did.push(`${verb} ${text(item)}`);
        return ok(answer);
      });
  const address = (one: OwnAddress): string => formatPrefix(one.prefix);
  const route = ({ to, table }: TableRoute): string => `route ${formatPrefix(to)} table ${table}`;
  const rule = ({ priority, table }: Rule): string => `rule ${priority} table ${table}`;
  const faked: Partial<Rtnetlink> = {
    links: async () => ok([link()]),
    addresses: async () => ok([at('192.0.2.1/24')]),
    addAddresses: yes('add', address, 'added'),
    renewAddresses: yes('renew', address, 'renewed'),
    deleteAddresses: yes('delete', address, 'deleted'),
    restoreAddresses: yes('restore', (one: InterfaceAddress) => formatPrefix(one.prefix), 'added'),
    addRoutes: yes('add', route, 'added'),
    deleteRoutes: yes('delete', route, 'deleted'),
    addRules: yes('add', rule, 'added'),
    deleteRules: yes('delete', rule, 'deleted'),
  };
  return faked as Rtnetlink;
}

type Sent = { readonly source: IpAddress; readonly destination: IpAddress; readonly advert: Advert };

/** A router that is not started yet. `did`: what it did, in order. */
async function world(
  t: TestContext,
  settings: Partial<VrrpConfig> = {},
  left?: { role: Role; silentFor: number },
  taken = false,
) {
  const runDir = mkdtempSync(join(tmpdir(), 'lvskeeper-router-host-'));
  const did: string[] = [];
  const sent: Sent[] = [];
  const complaints: string[] = [];
  const happened: Happening[] = [];
  const mine = { ...config, ...settings };
  const rtnetlink = fakeRtnetlink(did);
  const soon: (() => void)[] = [];
  /** Whether another program has the port of the adverts. */
  const port = { taken };
  let wire: TransportHandlers | undefined;
  let ending: Promise<void> | undefined;
  const network = createNetworkView({
    rtnetlink,
    openSegment: (name) =>
      createSegment(name, {
        trouble: (what, detail) => complaints.push(`${what}: ${detail}`),
        openTransport(_, handlers) {
          if (port.taken) return err(new Error('the port is in use'));
          wire = handlers;
          return ok({
            listen: () => ok(undefined),
            unlisten() {},
            send(bytes, path) {
              const decoded = decode(bytes, path);
              assert.ok(decoded.ok, JSON.stringify(decoded));
              sent.push({ ...path, advert: decoded.value.advert });
              did.push(`send priority ${decoded.value.advert.priority}`);
            },
            close() {},
          });
        },
      }),
    address: (address, device, present) => host.router.noteAddress(address, device, present),
    reread() {},
    changed: () => host.look(),
    soon: (work) => void soon.push(work),
    trouble: (what, detail) => complaints.push(`${what}: ${detail}`),
  });
  if (left !== undefined) {
    const file = openRoleFile(runDir, 'edge.4');
    file.write(left.role);
    file.beat(after(now(), milliseconds(-left.silentFor)));
    file.close();
  }
  const host: RouterHost = createRouterHost(mine, 4, runDir, {
    ...{ rtnetlink, network },
    announcer: {
      burst: (places, { rounds, rate }) => void did.push(`announce ${places.length} ${rounds} times, ${rate}/s`),
      refresh: (places, { rate }) => void did.push(`refresh ${places.length}, ${rate}/s`),
      cancel: (addresses) => void did.push(`hush ${addresses.length}`),
      ...{ pending: 0, close() {} },
    },
    probe: {
      probe: (places) => void did.push(`ask for ${places.map(({ address }) => address).join(' ')}`),
      close() {},
    },
    virtual: () => new Set(mine.addresses.map((a) => a.address.address)),
    complain: (what, detail) => void complaints.push(`${what}: ${detail}`),
    report: (happening) => void happened.push(happening),
    nearer: () => void did.push('nearer'),
    stepped() {},
  });
  await network.read();
  const end = (): Promise<void> => {
    ending ??= host.end();
    return ending;
  };
  t.after(async () => {
    await end();
    rmSync(runDir, { recursive: true, force: true });
  });
  return {
    ...{ host, runDir, network, did, sent, complaints, happened, port },
    start: () => host.start([], null),
    end,
    /** The kernel tells, and the turn of the event loop ends. */
    note(event: NetworkEvent) {
      network.note(event);
      for (const work of soon.splice(0)) work();
    },
    /** What the next process of this router would find. */
    role() {
      const file = openRoleFile(runDir, 'edge.4');
      const found = file.read();
      file.close();
      return found;
    },
    /** A packet comes in by eth0. */
    arrive: (bytes: Uint8Array) =>
      wire?.packet(bytes, {
        ...{ source: PEER, destination: GROUP[4], ttl: 255, interfaceIndex: ETH0, receivedAt: now() },
      }),
    /** Makes a master say something now. */
    speak() {
      const weight = -1 - sent.length;
      host.router.track([{ what: 'x', up: false, reason: '', weight, factor: null, since: null, known: true }]);
    },
  };
}

const MASTER: Role = { master: true, interface: 'eth0', routerId: 51, held: [] };
/** As its predecessor of a moment ago left it: it is master when it has started. */
const LEFT = { role: MASTER, silentFor: 50 };

/** Waits for what the clock brings. */
async function until(is: () => boolean, what: string): Promise<void> {
  for (let n = 0; n < 200 && !is(); n++) await sleep(10);
  assert.ok(is(), what);
}
/** Lets what is queued be carried out. */
const settle = (): Promise<unknown> => sleep(0);

for (const [name, role, silentFor, resumes] of [
  ['nothing is left', null, 0, false],
  ['its predecessor was master until a moment ago', MASTER, 50, true],
  // The down count times the interval is 120 s.
  ['a peer is about to give it up', MASTER, 119_000, true],
  ['a peer may have given it up', MASTER, 121_000, false],
  ['the last advert is of another boot', MASTER, -60_000, false],
  ['its predecessor was no master', { ...MASTER, master: false }, 50, false],
  ['it was on another interface', { ...MASTER, interface: 'eth1' }, 50, false],
  ['it had another VRID', { ...MASTER, routerId: 52 }, 50, false],
] as const)
  test(`${name}: it ${resumes ? 'goes on as master' : 'begins as a backup'}`, async (t) => {
    const w = await world(t, {}, role === null ? undefined : { role, silentFor });
    await w.start();
    await settle();
    assert.equal(w.host.router.state.state, resumes ? 'master' : 'backup');
    assert.equal(w.did.filter((what) => what.startsWith('add ')).length, resumes ? 2 : 0);
    assert.equal(w.sent.length, resumes ? 1 : 0);
  });

test('what its predecessor held and is not wanted any more goes at the start; the rest stays for one that resumes', async (t) => {
  const held = ['address 192.0.2.99/24 dev eth0', 'address 192.0.2.100/24 dev eth0'];
  const w = await world(t, {}, { role: { ...MASTER, held }, silentFor: 50 });
  await w.start();
  await settle();
  assert.deepEqual(
    w.did.filter((what) => what.startsWith('delete')),
    ['delete 192.0.2.99/24'],
  );
});

test('the next process finds that it is master, of what, and since when it is silent', async (t) => {
  const w = await world(t, {}, { ...LEFT, silentFor: 60_000 });
  await w.start();
  const began = w.role()?.beat ?? 0;
  assert.ok(now() - began < 5000, 'an advert is a beat');
  const held = ['address 192.0.2.100/24 dev eth0', 'address 192.0.2.101/24 dev eth0'];
  await until(() => w.role()?.role.held.length === 2, 'it is written down');
  assert.deepEqual(w.role()?.role, { ...MASTER, held });
  w.note({ kind: 'link', link: link({ running: false }), gone: false });
  assert.equal(w.role()?.role.master, false, 'that it is master no more is written down before the addresses go');
});

test('one that becomes master writes that down', async (t) => {
  const w = await world(t, { priority: 255 });
  await w.start();
  assert.equal(w.host.router.state.state, 'master');
  await until(() => w.role()?.role.master === true, 'it is written down');
});

test('one that begins as a backup writes down what it would hold, before it must', async (t) => {
  const w = await world(t);
  await w.start();
  await until(() => w.role()?.role.held.length === 2, 'it is written down');
  assert.equal(w.role()?.role.master, false);
  assert.deepEqual(
    w.did.filter((what) => what.startsWith('add')),
    [],
  );
});

test('at its end a master resigns, lets go of everything, and leaves no file', async (t) => {
  const w = await world(t, {}, LEFT);
  await w.start();
  await settle();
  w.did.length = 0;
  await w.end();
  assert.deepEqual(w.did, ['send priority 0', 'hush 2', 'delete 192.0.2.100/24', 'delete 192.0.2.101/24']);
  assert.equal(w.role(), undefined);
  assert.equal(w.network.segment('eth0').size, 0);
});

test('a link that loses its carrier is a fault, and the end of it when it is back', async (t) => {
  const w = await world(t, {}, LEFT);
  await w.start();
  w.note({ kind: 'link', link: link({ running: false }), gone: false });
  assert.deepEqual([w.host.router.state.state, w.host.router.state.lacks], ['fault', 'interface eth0 has no carrier']);
  assert.equal(w.sent.at(-1)?.advert.priority, 0);
  w.note({ kind: 'link', link: link(), gone: false });
  assert.equal(w.host.router.state.state, 'backup');
});

test('an own address that takes the place of another is the source of the next advert', async (t) => {
  const w = await world(t, {}, LEFT);
  await w.start();
  assert.deepEqual([w.sent.at(-1)?.source, w.sent.at(-1)?.destination], [OWN, GROUP[4]]);
  w.note({ kind: 'address', address: at('192.0.2.9/24'), gone: false });
  w.speak();
  assert.equal(w.sent.at(-1)?.source, OWN, 'the first own address is, while it is there');
  w.note({ kind: 'address', address: at('192.0.2.1/24'), gone: true });
  w.speak();
  assert.equal(w.sent.at(-1)?.source, '192.0.2.9');
  assert.equal(w.host.status().source, '192.0.2.9');
  assert.equal(w.host.router.state.state, 'master');
});

test('adverts go to each peer where the config names some', async (t) => {
  const peer = (address: string) => ({ address: ip(address), minTtl: 255, maxTtl: 255 });
  const w = await world(t, { peers: [peer('192.0.2.2'), peer('192.0.2.3')] }, LEFT);
  await w.start();
  assert.deepEqual(
    w.sent.map(({ destination }) => destination),
    ['192.0.2.2', '192.0.2.3'],
  );
  assert.deepEqual(w.host.status().destinations, ['192.0.2.2', '192.0.2.3']);
  // And they go where a reload sends them.
  await w.host.reconfigure({ ...config, peers: [peer('192.0.2.4')] });
  w.speak();
  assert.equal(w.sent.at(-1)?.destination, '192.0.2.4');
});

test('the owner of the addresses asks who has them before it claims them, and announces them as the config says', async (t) => {
  const w = await world(t, { priority: 255, probe: true });
  await w.start();
  await settle();
  assert.deepEqual(w.did, [
    'ask for 192.0.2.100 192.0.2.101',
    'send priority 255',
    'add 192.0.2.100/24',
    'add 192.0.2.101/24',
    'announce 2 3 times, 70/s',
  ]);
});

test('announce_count and announce_rate are those of the config as it is now', async (t) => {
  const w = await world(t, { priority: 255 });
  await w.start();
  await settle();
  const next = { ...config, priority: 255, announceCount: 7, announceRate: 20 };
  await w.host.reconfigure({ ...next, addresses: [...config.addresses, virtual('192.0.2.102/24')] });
  await settle();
  assert.equal(w.did.at(-1), 'announce 3 7 times, 20/s');
});

test('a refresh goes at announce_rate, too', async (t) => {
  const w = await world(t, { priority: 255, announceRefresh: milliseconds(20) });
  await w.start();
  await until(() => w.did.includes('refresh 2, 70/s'), 'a refresh');
});

const ROUTE: RouteConfig = {
  ...{ to: prefix('203.0.113.0/24'), via: null, interface: null, source: null, table: 100, metric: null },
};
const RULE: RuleConfig = {
  ...{ from: prefix('192.0.2.0/24'), to: null, fwmark: null, interface: null, table: 100, priority: 1000 },
};
const lostRoute = (to: string, table: number): RoutingEvent => ({
  kind: 'route',
  route: { to: prefix(to), gateway: null, index: ETH0, source: null, table, metric: 0, protocol: RTPROT_LVSKEEPER },
});
const lostRule = (priority: number, table: number): RoutingEvent => ({
  kind: 'rule',
  rule: {
    ...{ family: 4, from: null, to: null, fwmark: null, interface: null },
    ...{ table, priority, protocol: RTPROT_LVSKEEPER },
  },
});

for (const [name, event, back] of [
  ['a route', lostRoute('203.0.113.0/24', 100), 'add route 203.0.113.0/24 table 100'],
  ['a rule', lostRule(1000, 100), 'add rule 1000 table 100'],
] as const)
  test(`${name} of a master that goes is put back, and that is told`, async (t) => {
    const w = await world(t, { routes: [ROUTE], rules: [RULE] }, LEFT);
    await w.start();
    await settle();
    assert.ok(w.did.includes(back));
    w.did.length = 0;
    w.host.noteRouting(event);
    await settle();
    assert.ok(w.did.includes(back));
    assert.equal(w.happened.filter(({ kind }) => kind === 'drift').length, 1);
  });

test('what others lose of their routes and rules is no business of ours', async (t) => {
  const w = await world(t, { routes: [ROUTE], rules: [RULE] }, LEFT);
  await w.start();
  await settle();
  w.did.length = 0;
  for (const event of [
    ...[lostRoute('203.0.113.0/24', 254), lostRoute('203.0.113.0/25', 100)],
    ...[lostRule(1000, 254), lostRule(1001, 100)],
  ])
    w.host.noteRouting(event);
  await settle();
  assert.deepEqual([w.did, w.happened.filter(({ kind }) => kind === 'drift')], [[], []]);
});

test('when news of routes were lost, or a link has changed, a master asks for its routes again', async (t) => {
  for (const news of ['overrun', 'link'] as const) {
    const w = await world(t, { routes: [ROUTE] }, LEFT);
    await w.start();
    await settle();
    w.did.length = 0;
    for (let n = 0; n < 5; n++)
      if (news === 'overrun') w.host.noteRouting({ kind: 'overrun' });
      else w.note({ kind: 'link', link: link({ mtu: 1400 + n }), gone: false });
    await until(() => w.did.includes('add route 203.0.113.0/24 table 100'), `after ${news}`);
    assert.equal(w.did.filter((what) => what.startsWith('add route')).length, 1, 'once');
  }
});

/** The key that both directors have, and what the other one would send. `ahead`: of our clock, in ms. */
function signed(t: TestContext, byte = '11') {
  const directory = mkdtempSync(join(tmpdir(), 'lvskeeper-router-host-key-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'key');
  const write = (bytes: string): void => writeFileSync(file, `hex:${bytes.repeat(32)}\n`, { mode: 0o600 });
  write(byte);
  const auth: VrrpConfig['auth'] = {
    ...{ type: 'hmac', keys: [{ id: 1, file }], active: null, mode: 'enforce', replay: 'time', window: seconds(60) },
  };
  return {
    ...{ auth, file, write },
    advert(ahead = 0, priority = 200): Uint8Array {
      const codec = createAdvertCodec({ ...config, auth }, 4, {
        ...{ readSecret, mac: hmacSha256, wallClock: () => Date.now() + ahead, steadyClock: () => 0 },
      });
      assert.ok(codec.ok);
      const encode: AdvertCodec['encode'] = codec.value.encode;
      const addresses = config.addresses.map((a) => a.address.address);
      const { interval } = config;
      return encode(
        { version: 3, routerId: 51, priority, interval, addresses },
        { source: PEER, destination: GROUP[4] },
      );
    },
  };
}

test('a signed advert counts once, also after the keys were read again and after a reload', async (t) => {
  const { auth, advert } = signed(t);
  const w = await world(t, { auth });
  await w.start();
  const bytes = advert();
  const counted = (): unknown => {
    const { advertsReceived, dropped } = w.host.status().counters;
    return [advertsReceived, dropped];
  };
  w.arrive(bytes);
  assert.deepEqual(counted(), [1, {}]);
  assert.equal(w.host.router.state.master?.source, PEER);
  w.host.readSecrets();
  w.arrive(bytes);
  assert.deepEqual(counted(), [1, { 'hmac-replay': 1 }]);
  await w.host.reconfigure({ ...config, auth, priority: 90 });
  w.arrive(bytes);
  assert.deepEqual(counted(), [1, { 'hmac-replay': 2 }]);
});

test('clocks that differ by more than half of what is allowed are told of', async (t) => {
  const { auth, advert } = signed(t);
  const w = await world(t, { auth });
  await w.start();
  w.arrive(advert(-28_000));
  w.arrive(advert(28_000));
  assert.deepEqual(w.complaints, []);
  w.arrive(advert(35_000));
  const [first] = w.complaints.splice(0);
  assert.match(first ?? '', /^edge: clocks differ: the clock of 192\.0\.2\.2 is 3[3-6] s ahead of ours; beyond 60 s/);
  const behind = await world(t, { auth });
  await behind.start();
  behind.arrive(advert(-35_000));
  assert.match(behind.complaints[0] ?? '', /is 3[3-6] s behind ours/);
  assert.equal(w.host.status().counters.advertsReceived, 3, 'they count all the same');
});

test('without a key it is in fault, says which file, and is well when the file is', async (t) => {
  const { auth, file, write } = signed(t);
  rmSync(file);
  const w = await world(t, { auth }, LEFT);
  await w.start();
  assert.equal(w.host.router.state.state, 'fault');
  assert.match(w.host.router.state.lacks ?? '', new RegExp(`^\\[\\[vrrp\\]\\] edge: key file ${file} `));
  assert.equal(w.sent.length, 0);
  write('22');
  w.host.readSecrets();
  assert.equal(w.host.router.state.state, 'backup');
});

test('keys that cannot be read any more leave those in force', async (t) => {
  const { auth, advert, file } = signed(t);
  const w = await world(t, { auth });
  await w.start();
  const bytes = advert();
  chmodSync(file, 0o644);
  w.host.readSecrets();
  assert.match(w.complaints.join(), /^edge: the keys in force stay: .*may be read or changed by other users/);
  w.arrive(bytes);
  assert.deepEqual([w.host.router.state.state, w.host.status().counters.advertsReceived], ['backup', 1]);
});

test('a packet that is refused is counted and told of; a master that resigns makes a take-over near', async (t) => {
  const { auth, advert } = signed(t);
  const w = await world(t, { auth });
  await w.start();
  const forged = advert().slice();
  forged.set([forged.at(-1) === 0 ? 1 : 0], forged.length - 1);
  w.arrive(forged);
  assert.deepEqual(w.host.status().counters.dropped, { hmac: 1 });
  assert.match(w.host.status().refused?.detail ?? '', /./);
  w.arrive(advert());
  assert.ok(!w.did.includes('nearer'));
  w.arrive(advert(5000, 0));
  assert.ok(w.did.includes('nearer'));
});

test('a reload makes another router where the others on the wire would not take it for the same', () => {
  for (const [change, carries] of [
    [{ priority: 150, interval: seconds(1), transport: 'udp', auth: null, track: [] }, true],
    [{ addresses: [virtual('192.0.2.7/24')] }, true],
    [{ interface: 'eth1' }, false],
    [{ routerId: 52 }, false],
    [{ version: 2 }, false],
    [{ virtualMac: true }, false],
    [{ syncGroup: 'all' }, false],
    [{ addresses: [virtual('192.0.2.100/24'), virtual('2001:db8::1/64')] }, false],
  ] as const)
    assert.equal(carriesOn(config, { ...config, ...change }), carries, JSON.stringify(Object.keys(change)));
  assert.equal(carriesOn(config, undefined), false);
});

test('peers wait for a restart that takes two seconds, or are to be told', () => {
  for (const [interval, downCount, outlasts] of [
    [1000, 3, true],
    [1000, 2, true],
    [600, 3, false],
    [600, 4, true],
    [1000, 1, false],
  ] as const)
    assert.equal(
      outlastsRestart({ interval: milliseconds(interval), downCount }),
      outlasts,
      `${interval} ${downCount}`,
    );
});

test('a socket that was refused is asked for again, though nobody tells that it may be had', async (t) => {
  const w = await world(t, {}, undefined, true);
  await w.start();
  assert.equal(w.host.router.state.state, 'fault');
  assert.match(w.host.router.state.cause, /no socket for adverts on eth0/);
  w.port.taken = false;
  for (let n = 0; n < 60 && w.host.router.state.state === 'fault'; n++) await sleep(50);
  assert.equal(w.host.router.state.state, 'backup');
});

test('one that leaves in the moment after its take-over has written down that it is master', async (t) => {
  const w = await world(t);
  await w.start();
  w.host.router.order({ kind: 'promote', by: 'anna', reason: '', since: '2026-03-01T12:00:00.000Z', until: null });
  assert.equal(w.host.router.state.state, 'master');
  assert.equal(w.role()?.role.master, false, 'that is not written down yet');
  w.host.leave();
  assert.equal(w.role()?.role.master, true);
});
