/**
 * What a master holds, and the macvlan with the virtual MAC, against the kernel: a veth pair with its far end in another
 * namespace. Judged by `ip`, by the far end's neighbour table and by tcpdump, not by our own reading back.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ip, type Prefix, parsePrefix } from '../../src/base/address.ts';
import { seconds } from '../../src/base/time.ts';
import type { RouteConfig, RuleConfig, VirtualAddress, VrrpConfig } from '../../src/config/config.ts';
import { formatHeld, type Held } from '../../src/daemon/held.ts';
import { createHoldings, dropHeld, type Holdings } from '../../src/daemon/holdings.ts';
import { clearVirtualMacs, openVirtualMac, type VirtualMac } from '../../src/daemon/virtual-mac.ts';
import { openRtnetlink, type RoutingEvent, watchRouting } from '../../src/system/rtnetlink.ts';

const FAR = `hold-far-${process.pid}`;
const DEVICE = 'hold0.1';
const MAC = { near: '02:00:00:00:0d:01', far: '02:00:00:00:0d:02' };
const PATIENCE = 30_000;

const run = async (...argv: string[]): Promise<string> =>
  (await promisify(execFile)(argv[0] as string, argv.slice(1))).stdout;
const ipTool = (line: string): Promise<string> => run('ip', ...line.split(' '));
const far = (line: string): Promise<string> => run('ip', 'netns', 'exec', FAR, ...line.split(' '));

const opened = openRtnetlink();
assert.ok(opened.ok, JSON.stringify(opened));
const rtnetlink = opened.value;
const indices = new Map<string, number>();

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};
const address = (text: string, more: Partial<VirtualAddress> = {}): VirtualAddress => ({
  ...{ address: prefix(text), interface: null, scope: 'global', label: null, peer: null, advertise: true },
  ...more,
});
const route = (to: string, more: Partial<RouteConfig> = {}): RouteConfig => ({
  ...{ to: prefix(to), via: null, interface: null, source: null, table: 254, metric: null },
  ...more,
});
const rule = (more: Partial<RuleConfig>): RuleConfig => ({
  ...{ from: null, to: null, fwmark: null, interface: null, table: 100, priority: 1000 },
  ...more,
});
/** Of a config what holdings look at. */
const config = (more: Partial<VrrpConfig>): VrrpConfig =>
  ({ interface: DEVICE, routerId: 51, priority: 100, addresses: [], routes: [], rules: [], ...more }) as VrrpConfig;

function holdings(settings: VrrpConfig, family: 4 | 6 = 4, device = DEVICE, before: readonly Held[] = []) {
  const remembered: Held[][] = [];
  const made: Holdings = createHoldings({
    ...{ config: settings, family, rtnetlink, device: () => device, before },
    indexOf: (name) => indices.get(name),
    remember: (ours) => remembered.push([...ours]),
  });
  return Object.assign(made, { remembered });
}

async function readIndices(): Promise<void> {
  const links = await rtnetlink.links();
  assert.ok(links.ok);
  indices.clear();
  for (const { name, index } of links.value) indices.set(name, index);
}

type Shown = { family: string; local: string; prefixlen: number } & Record<string, unknown>;
async function shown(device = DEVICE): Promise<readonly Shown[]> {
  const text = await ipTool(`-j address show dev ${device}`);
  const all = (JSON.parse(text) as { addr_info: Shown[] }[])[0]?.addr_info ?? [];
  return all.filter((one) => !one.local.startsWith('fe80'));
}
const names = (all: readonly Shown[]): string[] => all.map((one) => `${one.local}/${one.prefixlen}`).sort();
const words = (all: readonly Held[]): string[] => all.map(formatHeld);

async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

const setting = (path: string): string => `/proc/sys/net/${path}`;
const get = (path: string): string => readFileSync(setting(path), 'utf8').trim();
const put = (path: string, value: string): void => writeFileSync(setting(path), value);

before(async () => {
  await ipTool(`netns add ${FAR}`);
  await ipTool(`link add ${DEVICE} address ${MAC.near} type veth peer name far0 address ${MAC.far} netns ${FAR}`);
  await ipTool('link add hold2 type dummy').catch(() => ipTool('link add hold2 type veth peer name hold3'));
  for (const device of ['lo', DEVICE, 'hold2']) await ipTool(`link set ${device} up`);
  await far('ip link set far0 up');
  await far('ip address add 192.0.2.2/24 dev far0');
  await eventually('the carrier', async () =>
    (await ipTool(`link show ${DEVICE}`)).includes('LOWER_UP') ? true : undefined,
  );
  await readIndices();
});

after(async () => {
  rtnetlink.close();
  await ipTool(`link delete ${DEVICE}`);
  await ipTool('link delete hold2');
  await ipTool(`netns delete ${FAR}`);
});

test('addresses have their options, those of IPv6 are usable at once and no source; release leaves what is not ours', async () => {
  await ipTool(`address add 192.0.2.1/24 dev ${DEVICE}`);
  const settings = config({
    addresses: [
      address('192.0.2.100/24', { label: `${DEVICE}:web` }),
      address('192.0.2.101/30', { peer: ip('198.51.100.1'), scope: 'link', advertise: false }),
      address('203.0.113.100/32', { interface: 'hold2', scope: 'host' }),
      address('2001:db8::100/64'),
    ],
  });
  const [four, six] = [holdings(settings), holdings(settings, 6)];
  assert.equal((await four.claim(seconds(30))).length, 3);
  assert.deepEqual(await four.claim(seconds(30)), []);
  assert.deepEqual(words(await six.claim(seconds(30))), [`address 2001:db8::100/64 dev ${DEVICE}`]);
  const there = new Map((await shown()).map((one) => [one.local, one]));
  assert.equal(there.get('192.0.2.100')?.label, `${DEVICE}:web`);
  assert.deepEqual([there.get('192.0.2.101')?.address, there.get('192.0.2.101')?.scope], ['198.51.100.1', 'link']);
  const v6 = there.get('2001:db8::100');
  assert.deepEqual([v6?.nodad, v6?.deprecated, v6?.preferred_life_time], [true, true, 0]);
  assert.ok(Number(v6?.valid_life_time) <= 30 && Number(v6?.valid_life_time) > 20);
  assert.equal((await shown('hold2'))[0]?.scope, 'host');
  await six.renew(seconds(600));
  const renewed = (await shown()).find((one) => one.local === '2001:db8::100');
  assert.ok(renewed?.deprecated === true && renewed.nodad === true && Number(renewed.valid_life_time) > 500);
  await four.renew(null);
  for (const one of await shown()) if (one.family === 'inet') assert.equal(one.valid_life_time, 0xffffffff);
  await six.renew(null);
  assert.equal((await shown()).find((one) => one.family === 'inet6')?.deprecated, true);

  assert.equal((await four.release()).length, 3);
  assert.equal((await six.release()).length, 1);
  assert.deepEqual(names(await shown()), ['192.0.2.1/24']);
  assert.deepEqual(names(await shown('hold2')), []);
  assert.deepEqual(await four.release(), []);
  await ipTool(`address delete 192.0.2.1/24 dev ${DEVICE}`);
});

test('of addresses that depend on each other some can go: the others are put back, ours and not ours', async () => {
  put(`ipv4/conf/${DEVICE}/promote_secondaries`, '0');
  const addresses = ['192.0.2.100/24', '192.0.2.101/24', '192.0.2.102/24'].map((text) => address(text));
  const four = holdings(config({ addresses }));
  await four.claim(seconds(60));
  await ipTool(`address add 192.0.2.9/24 dev ${DEVICE} label ${DEVICE}:own`);
  const gone = await four.reconfigure(config({ addresses: addresses.slice(1) }));
  assert.deepEqual(words(gone), [`address 192.0.2.100/24 dev ${DEVICE}`]);
  assert.deepEqual(names(await shown()), ['192.0.2.101/24', '192.0.2.102/24', '192.0.2.9/24']);
  assert.ok(Number((await shown()).find((one) => one.local === '192.0.2.101')?.valid_life_time) <= 60);
  assert.equal((await four.release()).length, 2);
  const left = await shown();
  assert.deepEqual(names(left), ['192.0.2.9/24']);
  assert.deepEqual([left[0]?.label, left[0]?.valid_life_time], [`${DEVICE}:own`, 0xffffffff]);
  await ipTool(`address delete 192.0.2.9/24 dev ${DEVICE}`);
});

test('an owner keeps the addresses that it had, and what it forgot is found by the next process', async () => {
  await ipTool(`address add 192.0.2.100/24 dev ${DEVICE}`);
  await ipTool(`address add 2001:db8::100/64 dev ${DEVICE} nodad`);
  const addresses = ['192.0.2.100/24', '192.0.2.101/24', '2001:db8::100/64', '2001:db8::101/64'].map((text) =>
    address(text),
  );
  const owner = holdings(config({ priority: 255, addresses }));
  assert.deepEqual(words(await owner.claim(null)), [`address 192.0.2.101/24 dev ${DEVICE}`]);
  assert.deepEqual(words(owner.remembered.at(-1) ?? []), [`address 192.0.2.101/24 dev ${DEVICE}`]);
  const owner6 = holdings(config({ priority: 255, addresses }), 6);
  await owner6.claim(null);
  assert.ok(
    (await shown()).every((one) => one.deprecated !== true),
    'an owner sends from its addresses',
  );
  await owner6.release();
  // Another process, as after a crash.
  const next = holdings(config({ priority: 255, addresses }), 4, DEVICE, owner.remembered.at(-1));
  assert.deepEqual(words(await next.release()), [`address 192.0.2.101/24 dev ${DEVICE}`]);
  assert.deepEqual(names(await shown()), ['192.0.2.100/24', '2001:db8::100/64']);
  await ipTool(`address flush dev ${DEVICE} scope global`);
});

test('routes and rules come after the addresses and go before them; what somebody else made stays', async () => {
  await ipTool(`address add 192.0.2.1/24 dev ${DEVICE}`);
  await ipTool('route add 198.51.100.0/24 via 192.0.2.254 proto static');
  const settings = config({
    addresses: [address('192.0.2.100/32'), address('2001:db8::100/64')],
    routes: [
      route('198.51.100.0/24', { via: ip('192.0.2.254') }),
      route('203.0.113.0/24', { via: ip('192.0.2.254'), source: ip('192.0.2.100'), table: 1000, metric: 7 }),
      route('0.0.0.0/0', { table: 1000 }),
      route('2001:db8:1::/48', { via: ip('2001:db8::1'), source: ip('2001:db8::100') }),
    ],
    rules: [
      rule({ from: prefix('192.0.2.100/32'), table: 1000 }),
      rule({ fwmark: 7, interface: DEVICE, priority: 1001 }),
    ],
  });
  const [four, six] = [holdings(settings), holdings(settings, 6)];
  assert.equal((await four.claim(seconds(30))).length, 5);
  assert.equal((await six.claim(seconds(30))).length, 3);
  assert.deepEqual([await four.claim(seconds(30)), await six.claim(seconds(30))], [[], []]);
  const table = (await ipTool('route show table 1000'))
    .trim()
    .split('\n')
    .map((line) => line.trim());
  assert.deepEqual(table, [
    `default dev ${DEVICE} proto 112 scope link`,
    `203.0.113.0/24 via 192.0.2.254 dev ${DEVICE} proto 112 src 192.0.2.100 metric 7`,
  ]);
  assert.match(
    await ipTool('-6 route show'),
    /2001:db8:1::\/48 via 2001:db8::1 dev hold0.1 proto 112 src 2001:db8::100/,
  );
  assert.match(
    await ipTool('rule show'),
    /1000:\tfrom 192.0.2.100 lookup 1000 proto 112\n1001:\tfrom all fwmark 0x7 iif hold0.1 lookup 100 proto 112/,
  );
  assert.match(await ipTool('-6 rule show'), /1001:\tfrom all fwmark 0x7 iif hold0.1 lookup 100 proto 112/);

  assert.deepEqual(
    words(await four.release()).map((line) => line.split(' ')[0]),
    ['rule', 'rule', 'route', 'route', 'address'],
  );
  assert.equal((await six.release()).length, 3);
  assert.doesNotMatch(
    (await ipTool('route show table all')) + (await ipTool('rule show')) + (await ipTool('-6 rule show')),
    /proto 112/,
  );
  assert.match(await ipTool('route show'), /198\.51\.100\.0\/24 via 192\.0\.2\.254/);
  await ipTool('route delete 198.51.100.0/24');
  await ipTool(`address delete 192.0.2.1/24 dev ${DEVICE}`);
});

test('what the kernel refuses is told in one error with its words, and the rest is done', async () => {
  await ipTool(`address add 192.0.2.1/24 dev ${DEVICE}`);
  await ipTool('route add 198.51.100.0/24 via 192.0.2.253 proto static');
  const four = holdings(
    config({
      addresses: [address('192.0.2.100/32'), address('192.0.2.101/32', { interface: 'nope' })],
      routes: [
        route('198.51.100.0/24', { via: ip('192.0.2.254') }),
        route('203.0.113.0/24', { via: ip('233.252.0.1') }),
        route('233.252.0.0/28', {}),
      ],
    }),
  );
  const error = await four.claim(null).then(
    () => undefined,
    (reason: Error) => reason.message,
  );
  assert.match(error ?? '', /refused to add address 192\.0\.2\.101\/32 dev nope: interface nope does not exist; /);
  assert.match(
    error ?? '',
    /; route 198\.51\.100\.0\/24 via 192\.0\.2\.254 .*: the table has another route to there with the same metric/,
  );
  assert.match(error ?? '', /; route 203\.0\.113\.0\/24 via 233\.252\.0\.1 [^;]*: \S+/);
  assert.match(await ipTool('route show'), /233\.252\.0\.0\/28 dev hold0.1 proto 112/);
  assert.deepEqual(words(await four.release()), [
    `route 233.252.0.0/28 dev ${DEVICE} table 254`,
    `address 192.0.2.100/32 dev ${DEVICE}`,
  ]);
  assert.match(await ipTool('route show'), /198\.51\.100\.0\/24 via 192\.0\.2\.253/);
  await ipTool('route delete 198.51.100.0/24');
  await ipTool(`address delete 192.0.2.1/24 dev ${DEVICE}`);
});

test('what a router left that is no longer configured is taken away', async () => {
  const settings = config({ addresses: [address('192.0.2.100/24')], rules: [rule({ fwmark: 9 })] });
  const four = holdings(settings);
  await four.claim(null);
  const gone: Held = { kind: 'address', interface: 'nope', prefix: prefix('192.0.2.7/24'), peer: null };
  assert.equal((await dropHeld(rtnetlink, [gone, ...four.ours])).length, 2);
  assert.deepEqual(names(await shown()), []);
});

test('a route and a rule of ours that go are told, and those of others are not', async () => {
  const heard: RoutingEvent[] = [];
  const watch = watchRouting((event) => heard.push(event));
  assert.ok(watch.ok, JSON.stringify(watch));
  try {
    await ipTool(`route add 203.0.113.0/24 dev ${DEVICE} proto static`);
    await ipTool(`route add 198.51.100.0/24 dev ${DEVICE} proto 112`);
    await ipTool('rule add fwmark 3 table 100 priority 500');
    await ipTool('-6 rule add fwmark 4 table 100 priority 501 protocol 112');
    await ipTool('route delete 203.0.113.0/24');
    await ipTool('rule delete fwmark 3 table 100 priority 500');
    await ipTool('route delete 198.51.100.0/24');
    await ipTool('-6 rule delete fwmark 4 table 100 priority 501');
    await eventually('both', () => (heard.length >= 2 ? true : undefined));
    assert.deepEqual(
      heard.map((event) =>
        event.kind === 'route' ? event.route.to.address : event.kind === 'rule' && event.rule.fwmark,
      ),
      ['198.51.100.0', 4],
    );
  } finally {
    watch.value.close();
  }
});

const troubles: string[] = [];
const trouble = (what: string, detail: string): void => void troubles.push(`${what}: ${detail}`);
async function macOf(family: 4 | 6, routerId = 51): Promise<VirtualMac> {
  const made = await openVirtualMac({ interface: DEVICE, routerId, family, rtnetlink, trouble });
  assert.ok(made.ok, JSON.stringify(made));
  await readIndices();
  return made.value;
}

test('the virtual MAC is a private macvlan, adopted when it is there, and the parent gets its settings back', async () => {
  put(`ipv4/conf/${DEVICE}/arp_ignore`, '0');
  put(`ipv4/conf/${DEVICE}/arp_announce`, '1');
  const four = await macOf(4);
  assert.deepEqual([four.name, four.mac, four.parent], ['vrrp4-51', '00:00:5e:00:01:33', indices.get(DEVICE)]);
  const [six, other] = await Promise.all([macOf(6), macOf(4, 52)]);
  assert.deepEqual([six.name, six.mac], ['vrrp6-51', '00:00:5e:00:02:33']);
  const told = await ipTool('-d link show vrrp4-51');
  assert.match(told, /macvlan mode private/);
  assert.match(told, /alias lvskeeper arp_ignore=0 arp_announce=1/);
  assert.match(await ipTool('link show vrrp4-52'), /alias lvskeeper arp_ignore=0 arp_announce=1/);
  assert.deepEqual([get(`ipv4/conf/${DEVICE}/arp_ignore`), get(`ipv4/conf/${DEVICE}/arp_announce`)], ['1', '2']);
  assert.equal(await ipTool('-6 address show dev vrrp6-51'), '', 'it makes itself no link-local address');
  assert.equal(await ipTool('-6 address show dev vrrp4-51'), '');

  assert.equal((await macOf(4)).index, four.index, 'the one that is there is adopted');
  await clearVirtualMacs({ rtnetlink, trouble }, new Set([four.index, six.index]));
  await assert.rejects(ipTool('link show vrrp4-52'));
  await other.close();
  assert.equal(get(`ipv4/conf/${DEVICE}/arp_ignore`), '1', 'one of ours still needs it');
  await four.close();
  assert.deepEqual([get(`ipv4/conf/${DEVICE}/arp_ignore`), get(`ipv4/conf/${DEVICE}/arp_announce`)], ['0', '1']);
  await six.close();
  await assert.rejects(ipTool('link show vrrp6-51'));
  assert.deepEqual(troubles, []);
});

test('a name that is taken gets the interface’s index, and a MAC that somebody else has there is refused in words', async () => {
  await ipTool('link add link hold2 name vrrp4-51 type macvlan mode bridge');
  const four = await macOf(4);
  assert.equal(four.name, `vrrp4-51-${(indices.get(DEVICE) ?? 0).toString(36)}`);
  await four.close();
  await ipTool('link delete vrrp4-51');
  await ipTool(`link add link ${DEVICE} name vrrp.51 address 00:00:5e:00:01:33 type macvlan mode private`);
  const refused = await openVirtualMac({ interface: DEVICE, routerId: 51, family: 4, rtnetlink, trouble });
  assert.deepEqual(refused, {
    ok: false,
    error: `vrrp.51 on ${DEVICE} has the MAC 00:00:5e:00:01:33 and is not ours: is another VRRP daemon running?`,
  });
  await ipTool('link delete vrrp.51');
  const nowhere = await openVirtualMac({ interface: 'nope', routerId: 51, family: 4, rtnetlink, trouble });
  assert.ok(!nowhere.ok && /interface nope does not exist/.test(nowhere.error));
});

test('neighbours learn the virtual MAC for a virtual address, and keep it while we answer and ask', async () => {
  await ipTool(`address add 192.0.2.1/24 dev ${DEVICE}`);
  const four = await macOf(4);
  const held = holdings(config({ addresses: [address('192.0.2.100/24')], virtualMac: true }), 4, four.name);
  assert.deepEqual(words(await held.claim(seconds(60))), ['address 192.0.2.100/24 dev vrrp4-51']);
  await held.renew(seconds(60));
  // Whichever came last, ours leaves by our own address.
  await ipTool(`address delete 192.0.2.1/24 dev ${DEVICE}`);
  await ipTool(`address add 192.0.2.1/24 dev ${DEVICE}`);
  assert.match(await ipTool('route get 192.0.2.2'), new RegExp(`dev ${DEVICE} src 192.0.2.1 `));
  const neighbour = async (address: string): Promise<string> =>
    /lladdr (\S+)/.exec(await far(`ip neigh show ${address}`))?.[1] ?? '';

  await far('ping -c1 -W5 192.0.2.100');
  assert.equal(await neighbour('192.0.2.100'), four.mac);
  await far('ping -c1 -W5 192.0.2.1');
  assert.equal(await neighbour('192.0.2.1'), MAC.near);
  // To answer we must ask who 192.0.2.2 is: not in the name of the virtual address.
  await ipTool(`neigh flush dev ${DEVICE}`);
  await far('ping -c1 -W5 192.0.2.100');
  assert.equal(await neighbour('192.0.2.100'), four.mac);
  await held.release();
  await four.close();
  await ipTool(`address delete 192.0.2.1/24 dev ${DEVICE}`);
  assert.deepEqual(troubles, []);
});
