/**
 * Seeded runs of a pair (and a trio) of directors through loss, delay, duplication, one-way cuts, kills, sleeps and
 * restarts. A failure names its seed. What must hold:
 *
 * - a running router holds the addresses exactly while it is master;
 * - on a sound network two running routers share the addresses no longer than an advert takes to arrive;
 * - once the faults end, the highest running priority, and it alone, holds the addresses within a bounded time.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { after, type Instant, instant, milliseconds, seconds } from '../../src/base/time.ts';
import { masterDown } from '../../src/vrrp/timing.ts';
import { mulberry32, NO_FAULTS, type Node, World } from './world.ts';

const SEEDS = Array.from({ length: 150 }, (_, i) => i + 1);
const INTERVAL = milliseconds(200);

function directors(seed: number): World {
  const world = new World(seed);
  const count = 2 + (seed % 2);
  for (let i = 0; i < count; i++)
    world.add(`lb${i + 1}`, `10.0.0.${i + 1}`, { interval: INTERVAL, priority: 150 - 50 * i });
  return world;
}

const running = (world: World): Node[] => [...world.nodes.values()].filter((n) => n.alive);
const holdingAndRunning = (world: World): Node[] => running(world).filter((n) => n.holds && n.up);

function holdsExactlyAsMaster(world: World, seed: number): void {
  for (const node of running(world))
    assert.equal(node.holds, node.router.state === 'master', `seed ${seed}: ${node.name} at ${world.now} ms`);
}

test('on a sound network there is one owner, through any order of starts, stops and power cuts', () => {
  for (const seed of SEEDS) {
    const random = mulberry32(seed);
    const world = directors(seed);
    let sharedSince: Instant | undefined;
    const watch = (): void => {
      holdsExactlyAsMaster(world, seed);
      if (holdingAndRunning(world).length < 2) sharedSince = undefined;
      else sharedSince ??= world.now;
      const shared = sharedSince === undefined ? 0 : world.now - sharedSince;
      assert.ok(shared <= NO_FAULTS.delay, `seed ${seed}: two owners for ${shared} ms at ${world.now} ms`);
    };
    for (let turn = 0; turn < 20; turn++) {
      const node = pick(world, random);
      if (!node.alive) world.start(node);
      else if (random() < 0.5) world.feed(node, { type: 'stop' });
      else world.crash(node);
      world.run(milliseconds(random() * 2000), watch);
    }
  }
});

test('once every fault has ended, the highest running priority alone is master', () => {
  for (const seed of SEEDS) {
    const random = mulberry32(seed);
    const world = directors(seed);
    for (const node of world.nodes.values()) world.start(node);
    for (let turn = 0; turn < 25; turn++) {
      disturb(world, random);
      world.run(milliseconds(random() * 800), () => holdsExactlyAsMaster(world, seed));
    }
    heal(world);
    // Everyone hears everyone again: at most one master-down for the highest to notice, one more if it slept.
    world.run(milliseconds(2 * masterDown(1, INTERVAL) + INTERVAL));
    const best = running(world).reduce((a, b) => (a.settings.priority > b.settings.priority ? a : b));
    assert.deepEqual(world.owners(), [best.name], `seed ${seed}`);
    world.run(seconds(5), () => assert.deepEqual(world.owners(), [best.name], `seed ${seed}: later`));
  }
});

test('adverts of the master keep their interval for as long as it is master', () => {
  const world = directors(1);
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

function disturb(world: World, random: () => number): void {
  world.faults = { loss: random() * 0.5, delay: milliseconds(random() * 50), duplicate: random() * 0.3 };
  const node = pick(world, random);
  const other = pick(world, random);
  switch (Math.floor(random() * 6)) {
    case 0:
      if (node.alive) world.crash(node);
      else world.start(node);
      return;
    case 1:
      return void world.cut.add(`${node.name}>${other.name}`);
    case 2:
      return world.cut.clear();
    case 3:
      node.asleepUntil = after(world.now, milliseconds(random() * 3000));
      return;
    case 4:
      node.up = !node.up;
      return world.feed(node, { type: 'interface', up: node.up, source: node.source, what: 'the interface is down' });
    default:
      return;
  }
}

function heal(world: World): void {
  world.faults = NO_FAULTS;
  world.cut.clear();
  for (const node of world.nodes.values()) {
    node.asleepUntil = instant(0);
    if (!node.up) {
      node.up = true;
      world.feed(node, { type: 'interface', up: true, source: node.source, what: 'the interface is up' });
    }
    if (!node.alive) world.start(node);
  }
}

function pick(world: World, random: () => number): Node {
  const all = [...world.nodes.values()];
  return all[Math.floor(random() * all.length)] as Node;
}
