/**
 * lvskeeper beside Debian's keepalived and FRR: one row a pair of configurations, each told both ways, with us as the
 * leader and with the peer. What a row does not say is in `DEFAULTS`: version 3, multicast, one IPv4 address.
 *
 *   npm run lab -- test/interop/interop.test.ts
 *   npm run lab -- test/interop/interop.test.ts '--test-name-pattern=keepalived: v2, password|Wireshark'
 *
 * With CONTROL=1 keepalived stands in for us wherever it can: what fails then is the peer or the test.
 */

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { must } from '../lab/process.ts';
import type { Product } from './party.ts';
import { configurations, createScene } from './scene.ts';
import { OUR_MAC } from './segment.ts';
import { DEFAULTS, INTERVAL, type RouterSettings, VIP4, VIP6 } from './settings.ts';
import { andWeSay, bothMaster, firstStays, groupMoves, parted, type Story, succession } from './stories.ts';

type Some = Partial<RouterSettings>;
type Case = {
  readonly name: string;
  readonly peer: Exclude<Product, 'lvskeeper'>;
  /** What the two have in common beyond `DEFAULTS`, and what only one of them has. */
  readonly both?: Some;
  readonly ours?: Some;
  readonly theirs?: Some;
  /** A second router, in a group with the first. */
  readonly second?: Some;
  readonly equal?: true;
  /** `null`: not told. */
  readonly weLead: Story | null;
  readonly theyLead: Story | null;
  /** keepalived cannot stand in for us: it is this that it lacks. */
  readonly onlyUs?: string;
};

const LEADER = 150;
const FOLLOWER = 100;

const always = (story: Story): Pick<Case, 'weLead' | 'theyLead'> => ({ weLead: story, theyLead: story });

/** A virtual router whose checksum Wireshark, which knows the other form only, takes for wrong. */
const MESSAGE = 98;
const V2: Some = { version: 2, interval: 1000 };
const V6: Some = { addresses: VIP6 };

const CASES: readonly Case[] = [
  // The slow ones first: version 2 counts whole seconds.
  { name: 'v2', peer: 'keepalived', both: V2, ...always(succession) },
  { name: 'v2', peer: 'frr', both: V2, ...always(succession) },
  { name: 'v2, unicast', peer: 'keepalived', both: { ...V2, unicast: true }, ...always(succession) },
  { name: 'v2, password', peer: 'keepalived', both: { ...V2, password: 'secret12' }, ...always(succession) },
  {
    name: 'v2, two passwords',
    peer: 'keepalived',
    both: V2,
    ours: { password: 'secret12' },
    theirs: { password: 'secret21' },
    ...always(bothMaster({ ours: 'password', theirs: /invalid passwd/ })),
  },
  {
    name: 'v2, two intervals (X4)',
    peer: 'keepalived',
    both: V2,
    ours: { interval: 2000 },
    ...always(bothMaster({ ours: 'interval-differs', theirs: /advertisement interval mismatch/ })),
  },
  {
    name: 'v2 and v3 (X6)',
    peer: 'keepalived',
    ours: V2,
    ...always(bothMaster({ ours: 'version', theirs: /wrong version/ })),
  },
  { name: 'v3', peer: 'keepalived', ...always(succession) },
  { name: 'v3, equal priorities (X7)', peer: 'keepalived', equal: true, ...always(firstStays) },
  { name: 'v3, no preemption', peer: 'keepalived', both: { preempt: false }, ...always(firstStays) },
  { name: 'v3, parted', peer: 'keepalived', ...always(parted) },
  { name: 'v3, equal priorities, parted', peer: 'keepalived', equal: true, ...always(parted) },
  {
    name: 'v3, two intervals (X5)',
    peer: 'keepalived',
    ours: { interval: 5 * INTERVAL },
    ...always(succession),
  },
  { name: 'v3, unicast', peer: 'keepalived', both: { unicast: true }, ...always(succession) },
  {
    name: 'v3, our addresses are more (X3)',
    peer: 'keepalived',
    ours: { addresses: [VIP4, '10.77.0.101/24'], interval: 5 * INTERVAL },
    // keepalived 2.2.7 drops what differs from its own list.
    weLead: bothMaster({ ours: null, theirs: /unexpected ip number count 2, expected 1/ }),
    theyLead: andWeSay(succession, /address lists differ/),
    onlyUs: 'it refuses another list',
  },
  {
    name: 'v3, checksum of the message (X1, X2)',
    peer: 'keepalived',
    ours: { checksum: 'message', routerId: MESSAGE, interval: 5 * INTERVAL },
    theirs: { routerId: MESSAGE },
    // keepalived 2.2.7 knows the other form only.
    weLead: bothMaster({ ours: null, theirs: /Invalid VRRPv3 checksum/ }),
    theyLead: andWeSay(succession, /checksum forms differ/),
    onlyUs: 'it knows one checksum',
  },
  {
    name: 'v3, we allow two missed adverts',
    peer: 'keepalived',
    ours: { downCount: 2 },
    weLead: null,
    theyLead: succession,
    onlyUs: 'down_count',
  },
  {
    name: 'v3, our virtual MAC',
    peer: 'keepalived',
    ours: { virtualMac: true },
    ...always(succession),
    onlyUs: 'virtual_mac',
  },
  { name: 'v3, IPv6', peer: 'keepalived', both: V6, ...always(succession) },
  // keepalived 2.2.7 sends IPv6 unicast with the system's hop limit.
  {
    name: 'v3, IPv6 unicast',
    peer: 'keepalived',
    both: { ...V6, unicast: true },
    ours: { minTtl: 64 },
    ...always(succession),
  },
  {
    name: 'v3, IPv6 unicast, from this network alone',
    peer: 'keepalived',
    both: { ...V6, unicast: true },
    weLead: null,
    theyLead: bothMaster({ ours: 'peer-ttl', theirs: null }),
    onlyUs: 'it takes any hop limit',
  },
  { name: 'v3, both families', peer: 'keepalived', both: { addresses: [VIP4, ...VIP6] }, ...always(succession) },
  {
    name: 'v3, a group',
    peer: 'keepalived',
    second: { name: 'inside', interface: 'eth1', routerId: 52, addresses: ['10.78.0.100/24'] },
    ...always(groupMoves),
  },
  { name: 'v3', peer: 'frr', ...always(succession) },
  { name: 'v3, equal priorities', peer: 'frr', equal: true, ...always(firstStays) },
  { name: 'v3, parted', peer: 'frr', ...always(parted) },
  { name: 'v3, IPv6', peer: 'frr', both: V6, ...always(succession) },
  { name: 'v3, both families', peer: 'frr', both: { addresses: [VIP4, ...VIP6] }, ...always(succession) },
  {
    name: 'v3, our virtual MAC',
    peer: 'frr',
    ours: { virtualMac: true },
    ...always(succession),
    onlyUs: 'virtual_mac',
  },
];

const CONTROL = process.env.CONTROL === '1';
/** Pairs mostly wait. In the guest, whose one CPU is slow, one at a time is on time. */
const concurrency = process.env.LAB_KERNEL === 'guest' ? 1 : 6 * availableParallelism();

const tapes: string[] = [];

describe('interoperation', { concurrency }, () => {
  for (const one of CASES) {
    for (const leads of ['us', 'peer'] as const) {
      const story = leads === 'us' ? one.weLead : one.theyLead;
      if (story === null || (CONTROL && one.onlyUs !== undefined)) continue;
      const name = `${one.peer}: ${one.name}: ${leads === 'us' ? 'we lead' : 'it leads'}`;
      test(name, { timeout: 120_000 }, async () => tell(name, one, leads, story));
    }
  }
});

/** What Wireshark's dissectors say of a packet that is not right; the severity is that of an error. */
const WRONG = [
  '_ws.malformed',
  '_ws.expert.severity >= 8388608',
  'vrrp.checksum.status == 0',
  'ip.checksum.status == 0',
  'icmpv6.checksum.status == 0',
  ...(CONTROL ? [] : [`(vrrp && !icmp && !icmpv6 && eth.src == ${OUR_MAC} && (ip.ttl != 255 || ipv6.hlim != 255))`]),
];

test('Wireshark finds nothing wrong on any of the wires', async () => {
  assert.ok(tapes.length > 0, 'a story was told');
  const all = join(process.env.LAB_OUT ?? '', 'all.pcap');
  await must(['mergecap', '-w', all, ...tapes]);
  const options = ['-n', '-o', 'ip.check_checksum:TRUE', '-T', 'fields', '-E', 'separator= '];
  const fields = [
    'frame.number',
    'eth.src',
    'ip.src',
    'ipv6.src',
    'vrrp.virt_rtr_id',
    '_ws.expert.message',
    '_ws.col.Info',
  ];
  const wrong = `(${WRONG.join(' || ')}) && !(vrrp.virt_rtr_id == ${MESSAGE})`;
  const argv = ['tshark', '-r', all, ...options, ...fields.flatMap((field) => ['-e', field])];
  assert.equal(await must([...argv, '-Y', wrong]), '');
  const adverts = (await must([...argv, '-Y', 'vrrp.checksum.status == 1'])).split('\n').length - 1;
  assert.ok(adverts >= tapes.length, `only ${adverts} adverts were right`);
});

async function tell(
  name: string,
  { peer, both, ours, theirs, second, equal }: Case,
  leads: 'us' | 'peer',
  story: Story,
) {
  const settings = (who: 'us' | 'peer'): RouterSettings[] => {
    const priority = who === leads && equal === undefined ? LEADER : FOLLOWER;
    const first = { ...DEFAULTS, priority, ...both, ...(who === 'us' ? ours : theirs) };
    return second === undefined ? [first] : [first, { ...first, ...second }];
  };
  const scene = await createScene({
    name,
    leads,
    us: { product: CONTROL ? 'keepalived' : 'lvskeeper', settings: settings('us') },
    peer: { product: peer, settings: settings('peer') },
  });
  try {
    await story(scene);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${configurations(scene)}`, { cause: error });
  } finally {
    await scene.close();
    tapes.push(...scene.tapes);
  }
}
