import assert from 'node:assert/strict';
import test from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import { clearVirtualMacs, openVirtualMac, virtualMacOf } from '../../../src/daemon/virtual-mac.ts';
import type { Link, Macvlan, Rtnetlink } from '../../../src/system/rtnetlink.ts';
import type { Sysctl } from '../../../src/system/sysctl.ts';

const link = (index: number, name: string, more: Partial<Link> = {}): Link => ({
  ...{ index, name, mac: `02:00:00:00:00:0${index}`, up: true, running: true, lowerUp: true, loopback: false },
  ...{ multicast: true, mtu: 1500 },
  ...more,
});

/** Links by index, settings by path; a new link has each setting at 0, and none where `withoutIpv6`. */
function fakeMachine({ settings = {}, refuse = [] as readonly string[] } = {}) {
  const links = new Map([2, 3].map((index) => [index, link(index, `eth${index - 2}`)]));
  const values = new Map<string, string>(Object.entries(settings));
  const log: string[] = [];
  const refusal = { errno: 1, code: 'EPERM', message: 'Operation not permitted' };
  let next = 10;
  const answer = (what: string, act: () => void) => {
    log.push(what);
    if (refuse.includes(what)) return err(refusal);
    act();
    return ok(null);
  };
  const rtnetlink = {
    links: async () => ok([...links.values()]),
    link: async (name: string) => ok([...links.values()].find((one) => one.name === name)),
    addMacvlan: async ({ name, parent, mac }: Macvlan) =>
      answer(`add ${name}`, () => {
        links.set(next, link(next++, name, { kind: 'macvlan', parent, mac, up: false }));
      }),
    setLink: async (index: number, change: Partial<Link>) =>
      answer(`set ${index} ${JSON.stringify(change)}`, () => {
        links.set(index, { ...(links.get(index) as Link), ...change });
      }),
    deleteLink: async (index: number) => answer(`delete ${index}`, () => links.delete(index)),
  };
  const sysctl: Sysctl = {
    read: (setting) => ok(values.get(setting.join('/')) ?? '0'),
    write(setting, value) {
      const path = setting.join('/');
      if (refuse.includes(path)) return err({ code: 'EROFS', message: `cannot write ${value} to ${path}: read-only` });
      if ((values.get(path) ?? '0') === value) return ok('already-so');
      log.push(`${path} = ${value}`);
      values.set(path, value);
      return ok('written');
    },
  };
  const troubles: string[] = [];
  const ports = {
    ...{ rtnetlink: rtnetlink as unknown as Rtnetlink, sysctl },
    trouble: (what: string, detail: string) => void troubles.push(`${what}: ${detail}`),
  };
  const open = (name: string, routerId: number, family: 4 | 6) =>
    openVirtualMac({ ...ports, interface: name, routerId, family });
  async function opened(name: string, routerId: number, family: 4 | 6) {
    const made = await open(name, routerId, family);
    assert.ok(made.ok, JSON.stringify(made));
    return made.value;
  }
  const names = (): string[] => [...links.values()].map((one) => one.name);
  return { links, values, log, troubles, ports, open, opened, names };
}

test('the MAC has the VRID at its end', () => {
  assert.equal(virtualMacOf(51, 4), '00:00:5e:00:01:33');
  assert.equal(virtualMacOf(1, 6), '00:00:5e:00:02:01');
  assert.equal(virtualMacOf(255, 6), '00:00:5e:00:02:ff');
});

test('the macvlan is marked first, then set, then comes up', async () => {
  const four = fakeMachine();
  const made = await four.opened('eth0', 51, 4);
  assert.deepEqual([made.name, made.index, made.parent, made.mac], ['vrrp4-51', 10, 2, '00:00:5e:00:01:33']);
  assert.deepEqual(four.log, [
    'add vrrp4-51',
    'set 10 {"alias":"lvskeeper arp_ignore=0 arp_announce=0"}',
    ...['ipv6/conf/vrrp4-51/disable_ipv6 = 1', 'ipv4/conf/vrrp4-51/arp_ignore = 1'],
    ...['ipv4/conf/vrrp4-51/accept_local = 1', 'ipv4/conf/vrrp4-51/promote_secondaries = 1'],
    ...['ipv4/conf/eth0/arp_ignore = 1', 'ipv4/conf/eth0/arp_announce = 2'],
    'set 10 {"up":true}',
  ]);
  const six = fakeMachine({ settings: { 'ipv6/conf/vrrp6-51/autoconf': '1', 'ipv6/conf/vrrp6-51/accept_ra': '1' } });
  await six.opened('eth0', 51, 6);
  assert.deepEqual(six.log, [
    ...[
      'add vrrp6-51',
      'set 10 {"alias":"lvskeeper"}',
      'ipv4/conf/vrrp6-51/arp_ignore = 8',
      'ipv6/conf/vrrp6-51/addr_gen_mode = 1',
    ],
    ...['ipv6/conf/vrrp6-51/autoconf = 0', 'ipv6/conf/vrrp6-51/accept_ra = 0', 'set 10 {"up":true}'],
  ]);
});

test('beside a strict rp_filter of `all` only a loose one of its own lets packets in', async () => {
  for (const [all, own] of [
    ['0', undefined],
    ['1', '2'],
    ['2', '2'],
  ] as const) {
    const machine = fakeMachine({ settings: { 'ipv4/conf/all/rp_filter': all } });
    await machine.opened('eth0', 51, 4);
    assert.equal(machine.values.get('ipv4/conf/vrrp4-51/rp_filter'), own, all);
  }
});

test('the parent gets back what it had when the last of ours goes, whoever finds it', async () => {
  const machine = fakeMachine({ settings: { 'ipv4/conf/eth0/arp_ignore': '2', 'ipv4/conf/eth0/arp_announce': '1' } });
  const arp = (): unknown[] =>
    ['arp_ignore', 'arp_announce'].map((name) => machine.values.get(`ipv4/conf/eth0/${name}`));
  const first = await machine.opened('eth0', 51, 4);
  assert.equal(machine.links.get(10)?.alias, 'lvskeeper arp_announce=1');
  const second = await machine.opened('eth0', 52, 4);
  assert.equal(machine.links.get(11)?.alias, 'lvskeeper arp_announce=1', 'the second knows what the first found');
  await machine.opened('eth0', 51, 6);
  assert.deepEqual(arp(), ['2', '2']);
  await first.close();
  assert.deepEqual(arp(), ['2', '2']);
  await second.close();
  assert.deepEqual(arp(), ['2', '1'], 'one of IPv6 needs nothing of the parent');

  await machine.opened('eth0', 53, 4);
  // A process died here.
  await clearVirtualMacs(machine.ports, new Set());
  assert.deepEqual(
    [arp(), machine.names()],
    [
      ['2', '1'],
      ['eth0', 'eth1'],
    ],
  );

  const third = await machine.opened('eth0', 54, 4);
  machine.values.set('ipv4/conf/eth0/arp_announce', '0');
  await third.close();
  assert.deepEqual(arp(), ['2', '0'], 'what somebody changed meanwhile is his');
  assert.deepEqual(machine.troubles, []);
});

test('the one that is there is adopted, with its memory; one that a process could not mark any more is, too', async () => {
  const machine = fakeMachine({ settings: { 'ipv4/conf/eth0/arp_ignore': '1', 'ipv4/conf/eth0/arp_announce': '2' } });
  const left = { kind: 'macvlan', parent: 2, mac: '00:00:5e:00:01:33' };
  machine.links.set(7, link(7, 'vrrp4-51', { ...left, alias: 'lvskeeper arp_ignore=0' }));
  machine.links.set(8, link(8, 'vrrp4-52', { ...left, mac: '00:00:5e:00:01:34' }));
  assert.equal((await machine.opened('eth0', 51, 4)).index, 7);
  assert.equal((await machine.opened('eth0', 52, 4)).index, 8);
  assert.deepEqual(
    [7, 8].map((index) => machine.links.get(index)?.alias),
    Array(2).fill('lvskeeper arp_ignore=0'),
  );
});

test('an unmarked macvlan of another kind of name, or a marked link of another kind, is not ours', async () => {
  const machine = fakeMachine();
  const left = { kind: 'macvlan', parent: 2, mac: '00:00:5e:00:01:33' };
  machine.links.set(7, link(7, 'vrrp.51', left));
  machine.links.set(8, link(8, 'vrrp4-52', { ...left, alias: 'mine', mac: '00:00:5e:00:01:34' }));
  machine.links.set(9, link(9, 'br0', { kind: 'bridge', alias: 'lvskeeper' }));
  await clearVirtualMacs(machine.ports, new Set());
  assert.deepEqual(machine.names().slice(2), ['vrrp.51', 'vrrp4-52', 'br0']);
  for (const [routerId, name] of [
    [51, 'vrrp.51'],
    [52, 'vrrp4-52'],
  ] as const) {
    const refused = await machine.open('eth0', routerId, 4);
    assert.ok(!refused.ok);
    assert.match(
      refused.error,
      new RegExp(`^${name} on eth0 has the MAC 00:00:5e:00:01:3. and is not ours: is another`),
    );
  }
});

test('the same VRID on another interface has another name, at most 15 characters long', async () => {
  const machine = fakeMachine();
  machine.links.set(1234567, link(1234567, 'eth9'));
  assert.equal((await machine.opened('eth0', 255, 4)).name, 'vrrp4-255');
  assert.equal((await machine.opened('eth1', 255, 4)).name, 'vrrp4-255-3');
  const { name } = await machine.opened('eth9', 255, 4);
  assert.equal(name, 'vrrp4-255-qglj');
  await clearVirtualMacs(machine.ports, new Set([11]));
  assert.deepEqual(machine.names(), ['eth0', 'eth1', 'eth9', 'vrrp4-255-3']);
});

test('a backup routes nothing that comes to the virtual MAC, a master what its parent would', async () => {
  const m = fakeMachine({ settings: { 'ipv4/conf/eth0/forwarding': '1', 'ipv4/conf/vrrp4-51/forwarding': '1' } });
  const routed = () => m.values.get('ipv4/conf/vrrp4-51/forwarding');
  const made = await m.opened('eth0', 51, 4);
  assert.equal(routed(), '0');
  made.forward(true);
  assert.equal(routed(), '1');
  // The process of a master is replaced: what it routes goes on.
  const adopted = await m.opened('eth0', 51, 4);
  assert.equal(routed(), '1');
  adopted.forward(false);
  assert.equal(routed(), '0');
});

test('what is refused is told in words: the router cannot do without the link, but without a setting', async () => {
  for (const [what, words] of [
    ['add vrrp4-51', 'no macvlan vrrp4-51 with the MAC 00:00:5e:00:01:33 on eth0: Operation not permitted'],
    ['set 10 {"up":true}', 'macvlan vrrp4-51 on eth0 could not be set up: Operation not permitted'],
  ] as const)
    assert.deepEqual(await fakeMachine({ refuse: [what] }).open('eth0', 51, 4), { ok: false, error: words });
  assert.deepEqual(await fakeMachine().open('nope', 51, 4), {
    ok: false,
    error: 'no macvlan with the MAC 00:00:5e:00:01:33: interface nope does not exist',
  });
  const machine = fakeMachine({ refuse: ['ipv4/conf/eth0/arp_ignore', 'delete 10'] });
  const made = await machine.opened('eth0', 51, 4);
  await made.close();
  assert.deepEqual(machine.troubles, [
    'a setting for the virtual MAC is refused: cannot write 1 to ipv4/conf/eth0/arp_ignore: read-only',
    'macvlan vrrp4-51 could not be deleted: Operation not permitted',
  ]);
});
