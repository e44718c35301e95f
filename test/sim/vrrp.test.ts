/**
 * Seeded runs of two or three directors, with one virtual router each or a group of two, through loss, delay,
 * duplication, reordering, one-way cuts, kills, sleeps, restarts, failing tracked things and operators' orders. A failure
 * names its seed: `SEED=n` runs that one alone. What must hold:
 *
 * - a running router holds the addresses exactly while it is master, and a group is master as one;
 * - on a sound network two running routers share the addresses no longer than an advert takes to arrive;
 * - a master that stops cleanly says priority 0 last;
 * - once the faults end, the highest running priority, and it alone, holds the addresses within a bounded time.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { after, type Duration, type Instant, instant, milliseconds, seconds } from '../../src/base/time.ts';
import { lease, masterDown } from '../../src/vrrp/timing.ts';
import { mulberry32, NO_FAULTS, type Node, World } from './world.ts';

/** Schedules of each kind; 10,000 in all. */
const SCHEDULES = 2500;
const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: SCHEDULES }, (_, i) => i + 1);
const INTERVAL = milliseconds(200);

type Shape = { readonly version: 2 | 3; readonly grouped: boolean };
const KINDS: readonly (readonly [string, Shape])[] = [
  ['version 3', { version: 3, grouped: false }],
  ['version 2', { version: 2, grouped: false }],
  ['groups', { version: 3, grouped: true }],
];

const intervalOf = ({ version }: Shape): Duration => (version === 2 ? seconds(1) : INTERVAL);
const worstWait = (shape: Shape): Duration =>
  masterDown({ version: shape.version, priority: 1, downCount: 3 }, intervalOf(shape));

/** `lb1`, `lb2` and, with an odd seed, `lb3`; a grouped one is `lb1/4` and `lb1/6`. */
function directors(seed: number, shape: Shape): World {
  const world = new World(seed);
  const count = 2 + (seed % 2);
  for (let i = 1; i <= count; i++) {
    const settings = { version: shape.version, interval: intervalOf(shape), priority: 200 - 50 * i };
    if (!shape.grouped) world.add(`lb${i}`, `10.0.0.${i}`, settings);
    else {
      world.add(`lb${i}/4`, `10.0.0.${i}`, settings, `lb${i}`);
      world.add(`lb${i}/6`, `fe80::${i}`, settings, `lb${i}`);
    }
  }
  return world;
}

const machineOf = (node: Node): string => node.name.split('/')[0] as string;
const machines = (world: World): string[] => [...new Set([...world.nodes.values()].map(machineOf))];
const nodesOf = (world: World, machine: string): Node[] =>
  [...world.nodes.values()].filter((node) => machineOf(node) === machine);
const basePriority = (node: Node): number => 200 - 50 * Number(machineOf(node).slice(2));

function holdsExactlyAsMaster(world: World, seed: number): void {
  for (const node of world.nodes.values()) {
    if (!node.alive || node.asleepUntil > world.now || node.router.listenedAgain) continue;
    assert.equal(node.holds, node.router.state === 'master', `seed ${seed}: ${node.name} at ${world.now} ms`);
  }
  for (const machine of machines(world)) {
    const awake = nodesOf(world, machine).filter((n) => n.alive && n.asleepUntil <= world.now);
    const masters = awake.filter((n) => n.router.state === 'master').length;
    assert.ok(masters === 0 || masters === awake.length, `seed ${seed}: half of ${machine} is master at ${world.now}`);
  }
}

for (const [kind, shape] of KINDS) {
  test(`on a sound network there is one owner, through any order of starts, stops and power cuts (${kind})`, () => {
    for (const seed of seeds.slice(0, SCHEDULES / 3)) {
      const random = mulberry32(seed);
      const world = directors(seed, shape);
      let sharedSince: Instant | undefined;
      const watch = (): void => {
        holdsExactlyAsMaster(world, seed);
        const holders = [...world.nodes.values()].filter((n) => n.alive && n.holds && n.up);
        if (new Set(holders.map(machineOf)).size < 2) sharedSince = undefined;
        else sharedSince ??= world.now;
        const shared = sharedSince === undefined ? 0 : world.now - sharedSince;
        assert.ok(shared <= 2 * NO_FAULTS.delay, `seed ${seed}: two owners for ${shared} ms at ${world.now} ms`);
      };
      for (let turn = 0; turn < 10; turn++) {
        const machine = pick(machines(world), random);
        const nodes = nodesOf(world, machine);
        if (!nodes.every((n) => n.alive)) for (const node of nodes) world.start(node);
        else if (random() < 0.5) stop(world, nodes, seed);
        else for (const node of nodes) world.crash(node);
        world.run(milliseconds(random() * 10 * intervalOf(shape)), watch);
      }
    }
  });

  test(`once every fault has ended, the highest running priority alone is master (${kind})`, () => {
    for (const seed of seeds) {
      const random = mulberry32(seed);
      const world = directors(seed, shape);
      for (const node of world.nodes.values()) world.start(node);
      for (let turn = 0; turn < 12; turn++) {
        disturb(world, shape, seed, random);
        world.run(milliseconds(random() * 4 * intervalOf(shape)), () => holdsExactlyAsMaster(world, seed));
      }
      heal(world);
      // Everyone hears everyone again: one master-down for the highest to notice, one more if it slept, one more for the
      // rest of its group, and the lease of an address whose process was killed and never came back as master.
      const expected = 3 * worstWait(shape) + lease(intervalOf(shape), 3);
      world.run(milliseconds(expected));
      const best = nodesOf(world, 'lb1').map((n) => n.name);
      assert.deepEqual(world.owners(), best, `seed ${seed}\n${world.trace.slice(-40).join('\n')}`);
      world.run(milliseconds(10 * intervalOf(shape)), () =>
        assert.deepEqual(world.owners(), best, `seed ${seed}: later\n${world.trace.slice(-40).join('\n')}`),
      );
    }
  });
}

test('adverts of the master keep their interval for as long as it is master', () => {
  const world = directors(1, { version: 3, grouped: false });
  for (const node of world.nodes.values()) world.start(node);
  world.run(seconds(5));
  const master = world.node('lb1');
  let previous: Instant | undefined;
  world.run(seconds(60), () => {
    const due = master.router.timers.advert;
    assert.ok(due !== undefined);
    if (previous !== undefined && due !== previous) assert.ok(Math.abs(due - previous - INTERVAL) < 1e-6);
    previous = due;
  });
});

function stop(world: World, nodes: readonly Node[], seed: number): void {
  const masters = nodes.filter((n) => n.router.state === 'master' && n.asleepUntil <= world.now);
  for (const node of nodes) world.feed(node, { type: 'stop' });
  for (const node of nodes) assert.equal(node.holds, false, `seed ${seed}: ${node.name} stopped with its addresses`);
  for (const node of masters) assert.equal(world.sent.get(node.name)?.at(-1), 0, `seed ${seed}: ${node.name} resigns`);
}

function disturb(world: World, shape: Shape, seed: number, random: () => number): void {
  const interval = intervalOf(shape);
  world.faults = { loss: random() * 0.5, delay: milliseconds(random() * interval * 0.5), duplicate: random() * 0.3 };
  const machine = pick(machines(world), random);
  const nodes = nodesOf(world, machine);
  const node = pick(nodes, random);
  switch (Math.floor(random() * 11)) {
    case 0:
      for (const each of nodes) if (each.alive) world.crash(each);
      return;
    case 1:
      for (const each of nodes) if (each.alive) world.kill(each);
      return;
    case 2:
      for (const each of nodes) if (!each.alive) world.start(each);
      return;
    case 3:
      return void world.cut.add(`${node.name}>${pick([...world.nodes.values()], random).name}`);
    case 4:
      return world.cut.clear();
    case 5: {
      const until = after(world.now, milliseconds(random() * 15 * interval));
      for (const each of nodes) each.asleepUntil = until;
      return;
    }
    case 6:
      return world.able(node, { up: !node.up });
    case 7:
      return world.able(node, { lacks: node.lacks === null ? 'script /bin/false exited with 1' : null });
    case 8:
      return world.prioritise(node, 1 + Math.floor(random() * 254));
    case 9: {
      const order = random() < 0.5 ? 'promote' : 'demote';
      for (const each of nodes)
        world.prioritise(each, order === 'promote' ? 254 : 1, { type: 'order', order, cause: `${order}d` });
      return;
    }
    default:
      if (nodes.every((each) => each.alive)) stop(world, nodes, seed);
      return;
  }
}

function heal(world: World): void {
  world.faults = NO_FAULTS;
  world.cut.clear();
  for (const node of world.nodes.values()) {
    node.asleepUntil = instant(0);
    if (!node.alive) world.start(node);
    world.prioritise(node, basePriority(node), { type: 'order', order: 'none', cause: 'all orders end' });
    world.able(node, { up: true, lacks: null });
  }
}

function pick<T>(all: readonly T[], random: () => number): T {
  return all[Math.floor(random() * all.length)] as T;
}
