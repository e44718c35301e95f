/**
 * What comes with the role and goes with it, by the words of ip(8) and of the wire: addresses with all their options, routes
 * and rules, announcements, the virtual MAC; and what happens when somebody else meddles with them.
 */

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { capture } from '../lab/capture.ts';
import { eventually, must } from '../lab/process.ts';
import {
  begin,
  claims,
  createPair,
  holds,
  type Member,
  monitor,
  PATIENCE,
  type Pair,
  PRIORITY,
  type RouterToml,
  startPair,
  vrrpToml,
} from './directors.ts';
import { GRACE } from './scene.ts';
import { VIP4, VIP6, virtualMac } from './settings.ts';
import { tapeTime } from './tape.ts';

const VIP = '10.77.0.100';

const pairOf = (router: Omit<RouterToml, 'priority'>) => ({
  lb1: vrrpToml({ ...router, priority: PRIORITY.lb1 }),
  lb2: vrrpToml({ ...router, priority: PRIORITY.lb2 }),
});

async function told(pair: Pair, story: (pair: Pair) => Promise<void>): Promise<void> {
  try {
    await story(pair);
  } finally {
    await pair.close();
  }
}

type Address = {
  readonly local: string;
  readonly address?: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly label?: string;
  readonly deprecated?: boolean;
  readonly nodad?: boolean;
};
async function shown({ station }: Member, device: string): Promise<readonly Address[]> {
  const text = await station.must(['ip', '-j', 'address', 'show', 'dev', device]);
  return (JSON.parse(text) as { addr_info: Address[] }[]).flatMap((link) => link.addr_info);
}
const list = async ({ station }: Member, ...argv: readonly string[]): Promise<readonly Record<string, unknown>[]> =>
  JSON.parse((await station.must(['ip', '-j', ...argv])).trim() || '[]');

/** The hardware addresses of its macvlans. */
const macvlans = async (who: Member): Promise<readonly unknown[]> =>
  (await list(who, 'link', 'show', 'type', 'macvlan')).map(({ address }) => address).sort();

/** The role moves by hand, as it would by a failure. */
async function moves(from: Member, to: Member): Promise<void> {
  const { code, stderr } = await from.lvskeeper('demote', 'edge', '--for', '10m');
  assert.equal(code, 0, stderr);
  await to.becomes('master');
  await from.becomes('backup');
}

describe('the role', { concurrency: 8 }, () => {
  test('brings addresses with their options, routes and rules, and takes them along when it goes', async () => {
    const more = `
routes = [
  { to = "10.200.0.0/16", via = "10.77.0.10", source = "${VIP}", metric = 77 },
  { to = "10.201.0.0/16", via = "10.77.0.10", table = 100 },
]
rules = [{ from = "${VIP}/32", table = 100, priority = 1000 }]
`;
    const addresses = [
      VIP4,
      '{ address = "10.77.0.101/32", scope = "link", label = "eth0:web" }',
      '{ address = "10.99.0.1/32", peer = "10.99.0.2" }',
      '{ address = "10.78.0.100/24", interface = "eth1" }',
      '{ address = "10.77.0.102/24", advertise = false }',
    ];
    const all = [VIP4, '10.77.0.101/32', '10.99.0.1/32', '10.78.0.100/24', '10.77.0.102/24'];
    const hasAll = async (who: Member): Promise<void> => {
      await holds(who, all, true);
      const on0 = await shown(who, 'eth0');
      const find = (local: string) => on0.find((one) => one.local === local);
      assert.deepEqual([find('10.77.0.101')?.scope, find('10.77.0.101')?.label], ['link', 'eth0:web']);
      assert.deepEqual([find('10.99.0.1')?.address, find('10.99.0.1')?.prefixlen], ['10.99.0.2', 32]);
      assert.ok((await shown(who, 'eth1')).some(({ local }) => local === '10.78.0.100'));
      await eventually('routes and rules', PATIENCE, async () => ((await others(who)).length === 3 ? true : undefined));
      const [route, table, rule] = await others(who);
      assert.deepEqual([route?.gateway, route?.prefsrc, route?.metric], ['10.77.0.10', VIP, 77]);
      assert.deepEqual([table?.gateway, table?.dev], ['10.77.0.10', 'eth0']);
      assert.deepEqual([rule?.src, rule?.table], [VIP, '100']);
    };
    /** Its routes, in `main` and in 100, and its rule. */
    const others = async (who: Member): Promise<readonly Record<string, unknown>[]> => [
      ...(await list(who, 'route', 'show', '10.200.0.0/16')),
      // A table that was never written to does not exist.
      ...(await list(who, 'route', 'show', 'table', 'all')).filter(({ dst }) => dst === '10.201.0.0/16'),
      ...(await list(who, 'rule', 'show')).filter(({ priority }) => priority === 1000),
    ];
    const hasNone = async (who: Member): Promise<void> => {
      await holds(who, all, false);
      await eventually('no route and no rule', PATIENCE, async () =>
        (await others(who)).length === 0 ? true : undefined,
      );
    };

    await told(await startPair('addresses', { ...pairOf({ addresses, more }), wires: 2 }), async ({ lb1, lb2 }) => {
      await hasAll(lb1);
      await hasNone(lb2);
      assert.equal(lb1.adverts().at(-1)?.count, 4, 'one is not advertised');
      await moves(lb1, lb2);
      await hasAll(lb2);
      await hasNone(lb1);
      assert.ok(
        (await shown(lb1, 'eth0')).some(({ local }) => local === '10.77.0.11'),
        'its own address stays',
      );

      // Whatever somebody takes away comes back, and is said.
      for (const [object, argv] of [
        [/^10\.77\.0\.102\/24 on eth0$/, ['address', 'delete', '10.77.0.102/24', 'dev', 'eth0']],
        [/10\.200\.0\.0\/16/, ['route', 'delete', '10.200.0.0/16', 'metric', '77']],
        [/1000/, ['rule', 'delete', 'priority', '1000']],
      ] as const) {
        const before = (await lb2.events('drift')).length;
        await lb2.station.must(['ip', ...argv]);
        await eventually(`drift of ${object}`, PATIENCE, async () =>
          (await lb2.events('drift')).slice(before).find((event) => object.test(event.object)),
        );
        await hasAll(lb2);
        await lb2.becomes('master');
      }
      // And with all of it deleted at once, such as by a network manager that starts anew.
      await lb2.station.must(['ip', 'address', 'flush', 'dev', 'eth0', 'to', '10.77.0.96/28']);
      await hasAll(lb2);
      await lb2.director.stop();
      await hasNone(lb2);
    });
  });

  test('is announced: bursts of ARP and neighbour advertisements from the addresses themselves, and refreshed', async () => {
    const more = 'announce_count = 4\nannounce_delay = "400ms"\nannounce_refresh = "1s"';
    const pair = await createPair('announcements', pairOf({ addresses: [VIP4, ...VIP6], more }));
    await told(pair, async ({ lb1, lb2, segment, tape }) => {
      const wire = await capture(segment.client, 'icmp6 or arp', 'wire');
      await begin(pair);
      const moved = tapeTime();
      await moves(lb1, lb2);
      const { mac } = lb2.station;
      const said = (address: string): readonly number[] =>
        tape
          .claims()
          .filter((one) => one.at >= moved && one.gratuitous && one.address === address && one.mac === mac)
          .map(({ at }) => at);
      for (const address of [VIP, 'fe80::100', 'fd77::100']) {
        const first = (await claims(lb2, moved, address.includes(':') ? 6 : 4)).at;
        await eventually(`${address} to be refreshed twice`, PATIENCE, () =>
          said(address).some((at) => at >= first + 2000) ? true : undefined,
        );
        const groups = apart(said(address), 200);
        assert.deepEqual(
          groups.slice(0, 4).map((times) => times.length),
          [4, 4, 1, 1],
          `${address}: two bursts, then one a second`,
        );
        const [burst = [], again = [], ...refreshed] = groups;
        const at = (times: readonly number[]): number => (times[0] ?? 0) - first;
        assert.ok(at(burst) <= GRACE, `the first comes ${at(burst).toFixed()} ms after the first advert`);
        assert.ok(Math.abs(at(again) - 400) <= GRACE, `the second burst ${at(again).toFixed()} ms after`);
        for (const [n, times] of refreshed.entries()) assert.ok(Math.abs(at(times) - 1000 * (n + 1)) <= GRACE);
      }
      await wire.stop();
      const names = ['ipv6.src', 'ipv6.dst', 'ipv6.hlim', 'eth.dst', 'icmpv6.nd.na.flag.o', 'icmpv6.nd.na.flag.s'];
      const target = 'icmpv6.nd.na.target_address';
      const fields = await wire.fields(
        [...names, target, 'icmpv6.opt.linkaddr'],
        `icmpv6.type == 136 && eth.src == ${mac} && ipv6.dst == ff02::1`,
      );
      assert.ok(fields.length >= 18);
      for (const one of fields) {
        const [source, ...rest] = names.map((name) => one[name]?.join());
        assert.deepEqual(rest, ['ff02::1', '255', '33:33:00:00:00:01', yes(rest[3]), no(rest[4])]);
        assert.equal(one[target]?.join(), source, 'the source is the address itself');
        assert.ok(['fe80::100', 'fd77::100'].includes(source ?? ''));
        assert.equal(one['icmpv6.opt.linkaddr']?.join(), mac);
      }

      // An IPv6 address of the role is for answers alone: what the director sends by itself is from its own.
      const held = (await shown(lb2, 'eth0')).find(({ local }) => local === 'fd77::100');
      assert.deepEqual([held?.deprecated, held?.nodad], [true, true]);
      const [way] = await list(lb2, '-6', 'route', 'get', 'fd77::10');
      assert.equal(way?.prefsrc, 'fd77::12');
      const connect = `const s = require('node:dgram').createSocket('udp6');
        s.connect(9, 'fd77::10', () => { console.log(s.address().address); s.close(); });`;
      assert.equal(await lb2.station.must([process.execPath, '-e', connect]), 'fd77::12\n');
      await segment.client.must(['ping', '-n', '-c', '1', '-W', '2', 'fd77::100']);

      // Each had asked who has the addresses when the other became master: that is no stranger.
      for (const one of [lb1, lb2]) assert.deepEqual(await one.events('conflict'), []);
    });
  });

  test('is told of somebody who has the addresses already, before they are first claimed', async () => {
    const pair = await createPair('conflict', pairOf({ addresses: [VIP4, ...VIP6] }));
    await told(pair, async ({ lb1, lb2, segment, tape }) => {
      const { client } = segment;
      for (const one of [`${VIP}/32`, 'fd77::100/128'])
        await must([
          'ip',
          '-n',
          client.name,
          'address',
          'add',
          one,
          'dev',
          'wire',
          ...(one.includes(':') ? ['nodad'] : []),
        ]);
      await lb1.start();
      await lb1.becomes('master');
      for (const address of [VIP, 'fd77::100']) {
        const found = await lb1.told('conflict', (event) => event.address === address);
        assert.deepEqual([found.mac, found.interface, found.router], [client.mac, 'eth0', 'edge']);
        const family = address.includes(':') ? 6 : 4;
        const master = await lb1.told('vrrp', (event) => event.to === 'master' && event.family === family);
        assert.ok(found.seq < master.seq, 'it is told before the role is');
        const claimed = tape.claims().find((one) => one.address === address && one.mac === lb1.station.mac);
        assert.ok(claimed !== undefined && Date.parse(found.time) < claimed.at + 1, 'and before it is claimed');
      }
      // Another director that has them, or comes to have them meanwhile, is no conflict.
      await lb2.start();
      await lb2.becomes('backup');
      await must(['ip', '-n', client.name, 'address', 'delete', `${VIP}/32`, 'dev', 'wire']);
      assert.deepEqual(await lb2.events('conflict'), []);
    });
  });

  test('has a MAC of its own: adverts and answers come from it, and there is one interface with it, or none', async () => {
    const pair = await startPair('virtual mac', pairOf({ addresses: [VIP4, ...VIP6], more: 'virtual_mac = true' }));
    await told(pair, async ({ lb1, lb2, segment, tape }) => {
      const { client } = segment;
      const VIRTUAL = [virtualMac(4, 51), virtualMac(6, 51)];
      /** The hardware addresses that the client is told when it looks for the address. The tape may be a moment behind. */
      const answering = async (address: string, asked: number): Promise<readonly string[]> => {
        await client.must(['ping', '-n', '-c', '1', '-W', '2', address]);
        return eventually(`an answer for ${address} on the tape`, PATIENCE, () => {
          const answers = tape.claims().filter((one) => one.at >= asked && one.address === address);
          return answers.length > 0 ? [...new Set(answers.map(({ mac }) => mac))] : undefined;
        });
      };
      const isAt = async (who: Member): Promise<void> => {
        const asked = tapeTime();
        await must(['ip', '-n', client.name, 'neighbour', 'flush', 'dev', 'wire']);
        for (const [address, family] of [
          [VIP, 4],
          ['fd77::100', 6],
        ] as const) {
          assert.deepEqual(await answering(address, asked), [virtualMac(family, 51)]);
          const advert = await claims(who, asked, family);
          assert.equal(advert.mac, virtualMac(family, 51), 'adverts come from it');
        }
      };
      await isAt(lb1);
      for (const one of [lb1, lb2]) assert.deepEqual(await macvlans(one), VIRTUAL);
      // A director's own address is at its own MAC: the virtual one is in use elsewhere, on the master.
      for (const { station } of [lb1, lb2]) {
        const asked = tapeTime();
        await must(['ip', '-n', client.name, 'neighbour', 'flush', 'dev', 'wire']);
        assert.deepEqual(await answering(station.address, asked), [station.mac]);
      }

      await lb1.director.killAll();
      await lb2.becomes('master');
      await isAt(lb2);
      await lb1.start();
      await lb1.becomes('master');
      await lb2.becomes('backup');
      await isAt(lb1);
      for (const one of [lb1, lb2]) assert.deepEqual(await macvlans(one), VIRTUAL, 'no second ones');
      // A config and an order that change nothing of the addresses are no loss of them.
      assert.match((await lb1.lvskeeper('reload')).stdout, /unchanged/);
      await lb1.lvskeeper('promote', 'edge');
      await lb1.lvskeeper('promote', 'edge', '--cancel');
      await isAt(lb1);
      assert.deepEqual(await lb1.events('drift'), []);

      const watch = await monitor(lb1);
      await lb1.director.stop();
      assert.deepEqual(await macvlans(lb1), []);
      assert.ok((await watch.stop()).some(({ gone }) => gone));
      const settings = await lb1.station.must(['cat', '/proc/sys/net/ipv4/conf/eth0/arp_ignore']);
      assert.equal(settings.trim(), '0', 'the interface is as it was');
      await lb2.becomes('master');
      await isAt(lb2);
    });
  });

  test('had a MAC of its own when all of it was killed, and has none now: what was left of it is cleared away', async () => {
    const plain = pairOf({ addresses: [VIP4, ...VIP6] });
    const pair = await createPair(
      'virtual mac left',
      pairOf({ addresses: [VIP4, ...VIP6], more: 'virtual_mac = true' }),
    );
    await told(pair, async ({ lb1 }) => {
      const settings = async (): Promise<string> => {
        const names = ['arp_ignore', 'arp_announce'].map((name) => `net.ipv4.conf.eth0.${name}`);
        return (await lb1.station.must(['sysctl', '-n', ...names])).trim().replaceAll('\n', ' ');
      };
      assert.equal(await settings(), '0 0');
      await lb1.start();
      await lb1.becomes('master');
      await lb1.director.killAll();
      assert.deepEqual([await macvlans(lb1), await settings()], [[virtualMac(4, 51), virtualMac(6, 51)], '1 2']);

      await lb1.start({}, plain.lb1);
      await lb1.becomes('master');
      assert.deepEqual([await macvlans(lb1), await settings()], [[], '0 0']);
      const here = (await shown(lb1, 'eth0')).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
      for (const address of [VIP4, ...VIP6]) assert.ok(here.includes(address), `${address} is on the interface itself`);
    });
  });
});

/** Times in groups, where none is as far as this from the one before. */
function apart(times: readonly number[], gap: number): readonly (readonly number[])[] {
  const groups: number[][] = [];
  for (const [i, at] of times.entries()) {
    if (i === 0 || at - (times[i - 1] ?? at) >= gap) groups.push([]);
    groups.at(-1)?.push(at);
  }
  return groups;
}

/** tshark says a flag as 1 or True, by its version. */
const yes = (said: string | undefined): string => (said === 'True' ? 'True' : '1');
const no = (said: string | undefined): string => (said === 'False' ? 'False' : '0');
