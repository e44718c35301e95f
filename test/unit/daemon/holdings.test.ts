import assert from 'node:assert/strict';
import test from 'node:test';
import { type Family, familyOf, formatPrefix, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { seconds } from '../../../src/base/time.ts';
import type { RouteConfig, RuleConfig, VirtualAddress, VrrpConfig } from '../../../src/config/config.ts';
import { formatHeld, type Held, parseHeld } from '../../../src/daemon/held.ts';
import { createHoldings, dropHeld } from '../../../src/daemon/holdings.ts';
import type {
  InterfaceAddress,
  NetlinkError,
  OwnAddress,
  Rtnetlink,
  Rule,
  TableRoute,
} from '../../../src/system/rtnetlink.ts';
import { IFA_F } from '../../../src/wire/netlink-address.ts';

const ETH0 = 2;
const ETH1 = 3;
const MACVLAN = 9;

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
  ({ interface: 'eth0', priority: 100, addresses: [], routes: [], rules: [], ...more }) as VrrpConfig;

const refusal = (code: string, message: string): NetlinkError => ({ errno: 1, code, message });
const key = (a: { readonly index: number; readonly prefix: Prefix }): string => `${a.index} ${formatPrefix(a.prefix)}`;

/**
 * As much of a kernel as holdings see: what it does not know is added, of an IPv4 network the first address on an
 * interface takes the others with it, and a delete asks for the maker. `refuse`: words that make it refuse.
 */
function fakeKernel(there: readonly (OwnAddress & { readonly label?: string })[] = []) {
  const addresses = new Map<string, OwnAddress>(there.map((one) => [key(one), one]));
  const table = new Map<string, TableRoute>();
  const rules = new Map<string, Rule>();
  const log: string[] = [];
  const refuse = new Map<string, NetlinkError>();
  const links = new Map([
    ['eth0', ETH0],
    ['eth1', ETH1],
    ['vrrp4-51', MACVLAN],
  ]);
  const network = (one: OwnAddress): string =>
    `${one.index} ${one.prefix.length} ${one.prefix.address.split('.').slice(0, 3).join('.')}`;
  const isV4 = (one: OwnAddress): boolean => familyOf(one.prefix.address) === 4;
  const isPrimary = (one: OwnAddress): boolean =>
    isV4(one) && [...addresses.values()].find((other) => isV4(other) && network(other) === network(one)) === one;
  /** Carries each item out, unless its text is one that is to be refused. */
  const each = <T, R>(verb: string, items: readonly T[], text: (item: T) => string, act: (item: T) => R) =>
    items.map((item) => {
      log.push(`${verb} ${text(item)}`);
      const refused = refuse.get(`${verb} ${text(item)}`);
      return refused === undefined ? ok(act(item)) : err(refused);
    });
  const put = <T>(into: Map<string, T>, name: string, item: T) => {
    if (into.has(name)) return 'already-there' as const;
    into.set(name, item);
    return 'added' as const;
  };
  const routeKey = (one: TableRoute): string => `${formatPrefix(one.to)} table ${one.table} metric ${one.metric}`;
  const ruleKey = (one: Rule): string => `${one.family} ${one.priority} table ${one.table}`;
  const remove = <T extends { readonly protocol: number }>(from: Map<string, T>, name: string, item: T) => {
    const found = from.get(name);
    if (found === undefined || found.protocol !== item.protocol) return 'absent' as const;
    from.delete(name);
    return 'deleted' as const;
  };
  const deleteAddress = (one: OwnAddress) => {
    const found = addresses.get(key(one));
    if (found === undefined) return 'absent' as const;
    const cascade = isPrimary(found)
      ? [...addresses.values()].filter((other) => network(other) === network(found))
      : [];
    for (const gone of [found, ...cascade]) addresses.delete(key(gone));
    return 'deleted' as const;
  };
  const rtnetlink = {
    addresses: async () =>
      ok(
        [...addresses.values()].map(
          (one): InterfaceAddress => ({
            ...{ index: one.index, prefix: one.prefix, scope: 0 },
            flags: isV4(one) && !isPrimary(one) ? IFA_F.SECONDARY : 0,
            ...(one.label !== undefined && { label: one.label }),
          }),
        ),
      ),
    link: async (name: string) => {
      const index = links.get(name);
      return index === undefined ? err(refusal('ENODEV', 'No such device')) : ok({ index });
    },
    addAddresses: async (all: readonly OwnAddress[]) => each('add', all, key, (one) => put(addresses, key(one), one)),
    renewAddresses: async (all: readonly OwnAddress[]) =>
      each('renew', all, key, (one) => {
        addresses.set(key(one), one);
        return 'renewed' as const;
      }),
    deleteAddresses: async (all: readonly OwnAddress[]) => each('delete', all, key, deleteAddress),
    restoreAddresses: async (all: readonly InterfaceAddress[]) =>
      each('restore', all, key, ({ index, prefix, label }) =>
        put(addresses, key({ index, prefix }), { index, prefix, ...(label !== undefined && { label }) }),
      ),
    addRoutes: async (all: readonly TableRoute[]) =>
      each('add', all, routeKey, (one) => put(table, routeKey(one), one)),
    deleteRoutes: async (all: readonly TableRoute[]) =>
      each('delete', all, routeKey, (one) => remove(table, routeKey(one), one)),
    addRules: async (all: readonly Rule[]) => each('add', all, ruleKey, (one) => put(rules, ruleKey(one), one)),
    deleteRules: async (all: readonly Rule[]) =>
      each('delete', all, ruleKey, (one) => remove(rules, ruleKey(one), one)),
  };
  return { rtnetlink: rtnetlink as unknown as Rtnetlink, addresses, table, rules, log, refuse, links };
}

type Options = { family?: Family; device?: string; before?: readonly Held[] };
function holdings(kernel: ReturnType<typeof fakeKernel>, settings: VrrpConfig, options: Options = {}) {
  const remembered: string[][] = [];
  /** How many things the kernel had each time. */
  const whenRemembered: number[] = [];
  const made = createHoldings({
    ...{ config: settings, family: options.family ?? 4, rtnetlink: kernel.rtnetlink, before: options.before ?? [] },
    indexOf: (name) => kernel.links.get(name),
    device: () => options.device ?? 'eth0',
    remember(ours) {
      remembered.push(ours.map(formatHeld));
      whenRemembered.push(kernel.addresses.size + kernel.table.size + kernel.rules.size);
    },
  });
  return Object.assign(made, { remembered, whenRemembered });
}
const words = (all: readonly Held[]): string[] => all.map(formatHeld);
const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was not refused',
    (reason: Error) => reason.message,
  );

test('what is held reads as ip says it, and what is read is what was held', () => {
  const all: Readonly<Record<string, Held>> = {
    'address 192.0.2.10/24 dev eth0.100': {
      ...{ kind: 'address', interface: 'eth0.100', prefix: prefix('192.0.2.10/24'), peer: null },
    },
    'address 192.0.2.10/30 peer 198.51.100.1 dev eth0': {
      ...{ kind: 'address', interface: 'eth0', prefix: prefix('192.0.2.10/30'), peer: ip('198.51.100.1') },
    },
    'route 2001:db8:1::/48 via fe80::1 dev eth0 src 2001:db8::10 table 1000 metric 7': {
      ...{ kind: 'route', interface: 'eth0', to: prefix('2001:db8:1::/48'), via: ip('fe80::1') },
      ...{ source: ip('2001:db8::10'), table: 1000, metric: 7 },
    },
    'route 0.0.0.0/0 dev eth0 table 254': { kind: 'route', ...route('0.0.0.0/0'), interface: 'eth0' },
    'rule inet from 192.0.2.0/24 to 203.0.113.0/24 fwmark 7 iif eth0 table 100 priority 1000': {
      ...{ kind: 'rule', family: 4, from: prefix('192.0.2.0/24'), to: prefix('203.0.113.0/24') },
      ...{ fwmark: 7, interface: 'eth0', table: 100, priority: 1000 },
    },
    'rule inet6 fwmark 7 table 100 priority 1000': { kind: 'rule', family: 6, ...rule({ fwmark: 7 }) },
  };
  for (const [text, held] of Object.entries(all)) {
    assert.equal(formatHeld(held), text);
    assert.deepEqual(parseHeld(text), held);
  }
  for (const text of [
    ...['', 'address', 'address 192.0.2.10/24', 'address 192.0.2.10/33 dev eth0', 'address 192.0.2.10 dev eth0'],
    ...['address 192.0.2.10/24 dev eth0 scope link', 'route 192.0.2.0/24 dev eth0', 'rule inet priority 3'],
    ...['rule inet7 fwmark 7 table 100 priority 1000', 'constructor 192.0.2.10/24 dev eth0', '192.0.2.10/24'],
  ])
    assert.equal(parseHeld(text), undefined, text);
});

test('what is missing is added, each on its interface; what is there stays, and has the lease too', async () => {
  const kernel = fakeKernel([{ index: ETH0, prefix: prefix('192.0.2.101/24') }]);
  const four = holdings(
    kernel,
    config({
      addresses: [
        address('192.0.2.100/24', { label: 'eth0:web', scope: 'link' }),
        address('192.0.2.101/24'),
        address('203.0.113.5/32', { interface: 'eth1', advertise: false }),
        address('2001:db8::100/64'),
      ],
    }),
  );
  assert.deepEqual(words(await four.claim(seconds(4))), [
    ...['address 192.0.2.100/24 dev eth0', 'address 203.0.113.5/32 dev eth1'],
  ]);
  assert.deepEqual(
    [...kernel.addresses.values()].map((one) => [key(one), one.lifetime, one.label, one.scope, one.routeMetric]),
    [
      ['2 192.0.2.101/24', 4, undefined, 'global', undefined],
      ['2 192.0.2.100/24', 4, 'eth0:web', 'link', undefined],
      ['3 203.0.113.5/32', 4, undefined, 'global', undefined],
    ],
  );
  await four.renew(seconds(9));
  assert.ok([...kernel.addresses.values()].every((one) => one.lifetime === 9));
  await four.renew(null);
  assert.ok([...kernel.addresses.values()].every((one) => one.lifetime === null));
});

test('an address of IPv6 is usable at once and never a source, unless it is an owner’s', async () => {
  for (const [priority, deprecated] of [
    [100, true],
    [255, false],
  ] as const) {
    const kernel = fakeKernel();
    const settings = config({ priority, addresses: [address('2001:db8::100/64'), address('192.0.2.100/24')] });
    const six = holdings(kernel, settings, { family: 6 });
    await six.claim(null);
    await six.renew(null);
    const [only, ...more] = kernel.addresses.values();
    assert.deepEqual([more, only?.noDad, only?.deprecated], [[], true, deprecated]);
    const four = holdings(kernel, settings);
    await four.claim(null);
    assert.equal(kernel.addresses.get('2 192.0.2.100/24')?.deprecated, undefined);
  }
});

test('what is ours is remembered before the kernel has it, and forgotten when it has it no more', async () => {
  const kernel = fakeKernel();
  const four = holdings(kernel, config({ addresses: [address('192.0.2.100/24')], rules: [rule({ fwmark: 1 })] }));
  const known = ['address 192.0.2.100/24 dev eth0', 'rule inet fwmark 1 table 100 priority 1000'];
  await four.claim(null);
  assert.deepEqual(four.whenRemembered, [0]);
  await four.claim(null);
  assert.deepEqual(four.remembered, [known], 'once');
  await four.release();
  assert.deepEqual(
    [four.remembered, four.whenRemembered],
    [
      [known, []],
      [0, 0],
    ],
  );
});

test('below 255 a router’s addresses go with it, whoever put them there', async () => {
  const kernel = fakeKernel([
    { index: ETH0, prefix: prefix('192.0.2.100/24') },
    { index: ETH0, prefix: prefix('192.0.2.7/25') },
  ]);
  const four = holdings(kernel, config({ addresses: [address('192.0.2.100/24')] }));
  assert.deepEqual(words(await four.release()), ['address 192.0.2.100/24 dev eth0']);
  assert.deepEqual([...kernel.addresses.keys()], ['2 192.0.2.7/25']);
});

test('an owner’s addresses go only if we put them there, now or in a process before', async () => {
  const settings = config({
    priority: 255,
    addresses: ['192.0.2.100/24', '192.0.2.101/24'].map((one) => address(one)),
  });
  const kernel = fakeKernel([{ index: ETH0, prefix: prefix('192.0.2.100/24') }]);
  const first = holdings(kernel, settings);
  assert.deepEqual(words(await first.claim(null)), ['address 192.0.2.101/24 dev eth0']);
  assert.deepEqual(first.remembered, [['address 192.0.2.101/24 dev eth0']]);
  assert.equal(kernel.addresses.get('2 192.0.2.100/24')?.lifetime, undefined, 'the machine’s own is not touched');

  const before = (first.remembered.at(-1) ?? []).flatMap((text) => parseHeld(text) ?? []);
  const second = holdings(kernel, settings, { before });
  assert.deepEqual(await second.reconfigure(settings), []);
  assert.deepEqual(await second.claim(null), []);
  assert.deepEqual(words(await second.release()), ['address 192.0.2.101/24 dev eth0']);
  assert.deepEqual([...kernel.addresses.keys()], ['2 192.0.2.100/24']);
});

test('an owner’s address that came while we looked is not ours, though we were about to add it', async () => {
  const kernel = fakeKernel();
  const owner = holdings(kernel, config({ priority: 255, addresses: [address('192.0.2.100/24')] }));
  const claim = owner.claim(null);
  kernel.addresses.set('2 192.0.2.100/24', { index: ETH0, prefix: prefix('192.0.2.100/24') });
  assert.deepEqual(await claim, []);
  assert.deepEqual(owner.ours, []);
});

test('a router that becomes the owner takes the lease off what it put there', async () => {
  const addresses = [address('192.0.2.100/24')];
  const kernel = fakeKernel();
  const four = holdings(kernel, config({ addresses }));
  await four.claim(seconds(4));
  await four.reconfigure(config({ priority: 255, addresses }));
  await four.claim(null);
  assert.equal(kernel.addresses.get('2 192.0.2.100/24')?.lifetime, null);
  assert.equal((await four.release()).length, 1);
});

test('new settings take away what they no longer have, and nothing else', async () => {
  const kernel = fakeKernel([{ index: ETH0, prefix: prefix('192.0.2.1/24') }]);
  const old = config({
    addresses: ['192.0.2.100/24', '192.0.2.101/24'].map((one) => address(one)),
    ...{ routes: [route('203.0.113.0/24')], rules: [rule({ fwmark: 1 })] },
  });
  const four = holdings(kernel, old);
  await four.claim(null);
  const next = config({ addresses: [address('192.0.2.101/24', { interface: 'eth1' })], rules: [rule({ fwmark: 1 })] });
  assert.deepEqual(words(await four.reconfigure(next)), [
    'route 203.0.113.0/24 dev eth0 table 254',
    'address 192.0.2.100/24 dev eth0',
    'address 192.0.2.101/24 dev eth0',
  ]);
  assert.deepEqual(words(await four.claim(null)), ['address 192.0.2.101/24 dev eth1']);
  assert.deepEqual([...kernel.addresses.keys()], ['2 192.0.2.1/24', '3 192.0.2.101/24']);
  assert.equal(kernel.rules.size, 1);
});

test('addresses that went with the first of their network are put back, and those that were to go are not', async () => {
  const all = ['192.0.2.100/24', '192.0.2.101/24', '192.0.2.102/24', '203.0.113.1/24'].map((one) => address(one));
  const kernel = fakeKernel();
  const four = holdings(kernel, config({ addresses: all }));
  await four.claim(null);
  kernel.addresses.set('2 192.0.2.9/24', { index: ETH0, prefix: prefix('192.0.2.9/24'), label: 'eth0:own' });
  const gone = await four.reconfigure(config({ addresses: all.slice(2) }));
  assert.deepEqual(words(gone), ['address 192.0.2.101/24 dev eth0', 'address 192.0.2.100/24 dev eth0']);
  assert.deepEqual([...kernel.addresses.keys()].sort(), ['2 192.0.2.102/24', '2 192.0.2.9/24', '2 203.0.113.1/24']);
  assert.equal(kernel.addresses.get('2 192.0.2.9/24')?.label, 'eth0:own');
  assert.equal((await four.release()).length, 2);
  assert.deepEqual([...kernel.addresses.keys()], ['2 192.0.2.9/24']);

  kernel.refuse.set('restore 2 192.0.2.9/24', refusal('EPERM', 'Operation not permitted'));
  kernel.addresses.clear();
  await four.claim(null);
  kernel.addresses.set('2 192.0.2.9/24', { index: ETH0, prefix: prefix('192.0.2.9/24') });
  assert.match(await message(four.release()), /192\.0\.2\.9\/24 .*cannot be put back: Operation not permitted/);
});

test('what routers give up in one turn goes at once: the table is read once, and none puts back what another gave up', async () => {
  const kernel = fakeKernel();
  let reads = 0;
  const { addresses } = kernel.rtnetlink;
  Object.assign(kernel.rtnetlink, {
    addresses: () => {
      reads += 1;
      return addresses();
    },
  });
  const all = ['192.0.2.100/24', '192.0.2.101/24', '192.0.2.102/24'].map((one) =>
    holdings(kernel, config({ addresses: [address(one)] })),
  );
  for (const one of all) await one.claim(null);
  kernel.addresses.set('2 192.0.2.9/24', { index: ETH0, prefix: prefix('192.0.2.9/24') });
  kernel.refuse.set('delete 2 192.0.2.101/24', refusal('EPERM', 'Operation not permitted'));
  const [first, second, third] = await Promise.all(all.map((one) => one.release().then(words, String)));
  assert.deepEqual(first, ['address 192.0.2.100/24 dev eth0']);
  assert.match(String(second), /192\.0\.2\.101\/24 dev eth0: Operation not permitted/);
  assert.deepEqual(third, ['address 192.0.2.102/24 dev eth0']);
  assert.equal(reads, 2, 'once before, and once for what went along');
  assert.deepEqual([...kernel.addresses.keys()], ['2 192.0.2.9/24']);
});

test('an address that is alone in its network is taken away without reading the table', async () => {
  const kernel = fakeKernel();
  const one = holdings(kernel, config({ addresses: [address('192.0.2.100/32')] }));
  await one.claim(null);
  Object.assign(kernel.rtnetlink, { addresses: () => assert.fail('read') });
  assert.deepEqual(words(await one.release()), ['address 192.0.2.100/32 dev eth0']);
});

test('what is foreseen is told ahead, and not again; of an owner nothing is', async () => {
  const kernel = fakeKernel();
  const one = holdings(kernel, config({ addresses: [address('192.0.2.100/32')] }));
  one.foresee();
  assert.deepEqual(one.remembered, [['address 192.0.2.100/32 dev eth0']]);
  assert.deepEqual(one.whenRemembered, [0]);
  await one.claim(null);
  assert.equal(one.remembered.length, 1);
  const owner = holdings(kernel, config({ addresses: [address('192.0.2.101/32')], priority: 255 }));
  owner.foresee();
  assert.deepEqual(owner.remembered, []);
});

test('routes and rules come after the addresses and go before them', async () => {
  const kernel = fakeKernel();
  const settings = config({
    addresses: [address('192.0.2.100/24'), address('2001:db8::100/64')],
    routes: [route('203.0.113.0/24', { via: ip('192.0.2.254'), source: ip('192.0.2.100') }), route('2001:db8:1::/48')],
    rules: [
      rule({ from: prefix('192.0.2.0/24') }),
      rule({ to: prefix('2001:db8::/32'), priority: 7 }),
      rule({ fwmark: 1, priority: 8 }),
    ],
  });
  const four = holdings(kernel, settings);
  await four.claim(null);
  await four.release();
  assert.deepEqual(kernel.log, [
    'add 2 192.0.2.100/24',
    'add 203.0.113.0/24 table 254 metric null',
    ...['add 4 1000 table 100', 'add 4 8 table 100', 'delete 4 1000 table 100', 'delete 4 8 table 100'],
    'delete 203.0.113.0/24 table 254 metric null',
    'delete 2 192.0.2.100/24',
  ]);
  const six = holdings(kernel, settings, { family: 6 });
  assert.deepEqual(words(await six.claim(null)).slice(1), [
    'route 2001:db8:1::/48 dev eth0 table 254',
    'rule inet6 to 2001:db8::/32 table 100 priority 7',
    'rule inet6 fwmark 1 table 100 priority 8',
  ]);
});

test('a route or rule of somebody else’s is never deleted', async () => {
  const kernel = fakeKernel();
  const four = holdings(kernel, config({ routes: [route('203.0.113.0/24')], rules: [rule({ fwmark: 1 })] }));
  await four.claim(null);
  for (const map of [kernel.table, kernel.rules] as Map<string, { protocol: number }>[])
    for (const [name, one] of map) {
      assert.equal(one.protocol, 112);
      map.set(name, { ...one, protocol: 4 });
    }
  assert.deepEqual(await four.claim(null), []);
  assert.deepEqual(await four.release(), []);
  assert.deepEqual([kernel.table.size, kernel.rules.size], [1, 1]);
});

test('with a virtual MAC its macvlan has the addresses, at a metric that leaves our own traffic where it was', async () => {
  const kernel = fakeKernel();
  const settings = config({
    addresses: [address('192.0.2.100/24'), address('203.0.113.5/32', { interface: 'eth1' })],
    routes: [
      route('198.51.100.0/24', { via: ip('192.0.2.254') }),
      route('198.51.101.0/24', { via: ip('233.252.0.1') }),
      route('198.51.102.0/24'),
      route('198.51.103.0/24', { interface: 'eth1' }),
      route('198.51.104.0/24', { interface: 'eth0', via: ip('192.0.2.254') }),
    ],
  });
  const four = holdings(kernel, settings, { device: 'vrrp4-51' });
  await four.claim(null);
  assert.deepEqual(
    [...kernel.addresses.values()].map((one) => [key(one), one.routeMetric]),
    [
      ['9 192.0.2.100/24', 4096],
      ['3 203.0.113.5/32', undefined],
    ],
  );
  assert.deepEqual(
    [...kernel.table.values()].map((one) => one.index),
    [MACVLAN, ETH0, MACVLAN, ETH1, ETH0],
  );
});

test('each refusal is told with the kernel’s words, the rest is done, and what stays is still ours', async () => {
  const kernel = fakeKernel();
  kernel.links.delete('eth1');
  kernel.refuse.set('add 2 192.0.2.100/24', refusal('EPERM', 'Operation not permitted'));
  kernel.refuse.set('add 4 1000 table 100', refusal('EINVAL', 'Invalid argument'));
  const settings = config({
    addresses: [address('192.0.2.100/24'), address('192.0.2.101/24'), address('192.0.2.102/24', { interface: 'eth1' })],
    rules: [rule({ fwmark: 1 })],
  });
  const four = holdings(kernel, settings);
  assert.equal(
    await message(four.claim(null)),
    'the kernel refused to add address 192.0.2.102/24 dev eth1: interface eth1 does not exist; ' +
      'address 192.0.2.100/24 dev eth0: Operation not permitted; ' +
      'rule inet fwmark 1 table 100 priority 1000: Invalid argument',
  );
  assert.deepEqual([...kernel.addresses.keys()], ['2 192.0.2.101/24']);
  kernel.refuse.set('renew 2 192.0.2.101/24', refusal('EPERM', 'Operation not permitted'));
  assert.match(await message(four.renew(null)), /refused to renew address 192\.0\.2\.101\/24 dev eth0: Operation/);
  kernel.refuse.set('delete 2 192.0.2.101/24', refusal('EPERM', 'Operation not permitted'));
  assert.match(await message(four.release()), /refused to remove address 192\.0\.2\.101\/24 dev eth0: Operation/);
  assert.deepEqual(four.remembered.at(-1), ['address 192.0.2.101/24 dev eth0']);
});

test('an interface that was renamed still gives the addresses up; one that is gone took them with it', async () => {
  const kernel = fakeKernel();
  const four = holdings(kernel, config({ addresses: [address('192.0.2.100/24')] }));
  await four.claim(null);
  kernel.links.delete('eth0');
  assert.equal((await four.release()).length, 1);
  assert.equal(kernel.addresses.size, 0);

  const nowhere = holdings(kernel, config({ addresses: [address('192.0.2.100/24')] }));
  assert.deepEqual(await nowhere.release(), []);
  const left: Held[] = ['address 192.0.2.7/24 dev nope', 'address 192.0.2.8/24 dev eth1'].flatMap(
    (text) => parseHeld(text) ?? [],
  );
  kernel.addresses.set('3 192.0.2.8/24', { index: ETH1, prefix: prefix('192.0.2.8/24') });
  assert.deepEqual(words(await dropHeld(kernel.rtnetlink, left)), ['address 192.0.2.8/24 dev eth1']);
});
