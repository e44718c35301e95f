import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Duration, seconds } from '../../../src/base/time.ts';
import type { OrderRequest } from '../../../src/control/director.ts';
import type { Happening } from '../../../src/control/event.ts';
import type { RouterOrder } from '../../../src/control/status.ts';
import { createRouterOrders, inForce, membersOf, unitsOf } from '../../../src/daemon/router-orders.ts';

const router = (name: string, syncGroup: string | null = null) => ({ name, syncGroup });
const EDGE = router('edge');
const LAN = [router('inner', 'lan'), router('outer', 'lan')];

const demote: OrderRequest = { kind: 'demote', lifetime: null, reason: 'kernel upgrade', by: 'anna' };
const brief: OrderRequest = { ...demote, lifetime: seconds(600) };

const START = Date.parse('2026-03-01T12:00:00.000Z');

/** Orders whose clock and timer the test moves, and whose file is `disk`. */
function ordersOn(disk: { saved: unknown }, routers = [EDGE, ...LAN]) {
  const world = { clock: START, lapses: 0, happened: [] as string[] };
  let due: { at: number; work: () => void } | undefined;
  const orders = createRouterOrders({
    load: () => disk.saved,
    save: (value) => {
      disk.saved = JSON.parse(JSON.stringify(value));
    },
    now: () => new Date(world.clock),
    later: (after: Duration, work) => {
      const own = { at: after, work };
      due = own;
      return {
        cancel: () => {
          if (due === own) due = undefined;
        },
      };
    },
    report: (h: Happening) =>
      world.happened.push(h.kind === 'order' ? `${h.router} ${h.order} ${h.what} ${h.by}: ${h.reason}` : h.kind),
    lapsed: () => world.lapses++,
  });
  orders.configure(routers);
  return {
    orders,
    world,
    /** How long the timer runs; `undefined`: there is none. */
    timer: () => due?.at,
    fire: () => {
      const { work } = due ?? assert.fail('no timer');
      due = undefined;
      work();
    },
  };
}

const kinds = (orders: ReadonlyMap<string, RouterOrder>) =>
  Object.fromEntries([...orders].map(([name, { kind }]) => [name, kind]));

test('an order is for the router and its whole sync group, and for nobody else', () => {
  const { orders, world } = ordersOn({ saved: undefined });
  orders.give('outer', demote);
  assert.deepEqual(kinds(orders.current()), { inner: 'demote', outer: 'demote' });
  assert.deepEqual(world.happened, [
    'inner demote given anna: kernel upgrade',
    'outer demote given anna: kernel upgrade',
  ]);
});

test('a second order takes the place of the first', () => {
  const { orders, world, timer } = ordersOn({ saved: undefined });
  orders.give('edge', brief);
  world.clock += 1000;
  orders.give('edge', { ...demote, kind: 'promote', by: 'bob' });
  assert.deepEqual(kinds(orders.current()), { edge: 'promote' });
  assert.equal(world.happened.at(-1), 'edge promote given bob: kernel upgrade');
  assert.equal(timer(), undefined, 'the end of the first order is nobody’s business any more');
});

test('an order without an end stays, and needs no timer', () => {
  const { orders, world, timer } = ordersOn({ saved: undefined });
  const given = orders.give('edge', demote);
  world.clock += 1e12;
  assert.deepEqual([given.until, timer(), orders.current().size], [null, undefined, 1]);
});

test('an order ends by itself at its time and not before, and says so once', () => {
  const { orders, world, timer, fire } = ordersOn({ saved: undefined });
  assert.equal(orders.give('edge', brief).until, '2026-03-01T12:10:00.000Z');
  assert.equal(timer(), 1000);
  world.clock = START + 599_400;
  fire();
  assert.deepEqual([orders.current().size, timer(), world.lapses], [1, 600, 0]);
  world.clock = START + 600_000;
  fire();
  assert.deepEqual([orders.current().size, timer(), world.lapses], [0, undefined, 1]);
  assert.deepEqual(world.happened.slice(1), ['edge demote ended anna: its time is over']);
});

test('a clock that is set forward ends an order at the next look, which is a second away at most', () => {
  const { orders, world, timer, fire } = ordersOn({ saved: undefined });
  orders.give('edge', brief);
  world.clock += 86_400_000;
  assert.ok((timer() ?? Number.POSITIVE_INFINITY) <= 1000);
  fire();
  assert.equal(orders.current().size, 0);
});

test('an order taken back ends for the whole group; one that is not there is no order', () => {
  const { orders, world } = ordersOn({ saved: undefined });
  orders.give('inner', demote);
  assert.equal(orders.takeBack('outer', 'bob')?.by, 'anna');
  assert.equal(orders.takeBack('outer', 'bob'), undefined);
  assert.equal(orders.current().size, 0);
  assert.deepEqual(world.happened.slice(2), [
    'inner demote ended anna: taken back by bob',
    'outer demote ended anna: taken back by bob',
  ]);
});

test('orders outlive the process, without being given anew', () => {
  const disk = { saved: undefined };
  ordersOn(disk).orders.give('outer', brief);
  const { orders, world, timer } = ordersOn(disk);
  assert.deepEqual(kinds(orders.current()), { inner: 'demote', outer: 'demote' });
  assert.deepEqual([world.happened, timer()], [[], 1000]);
});

test('an order whose time ran out while nobody was there ends at the start', () => {
  const over = {
    kind: 'demote',
    by: 'anna',
    reason: '',
    since: '2026-03-01T11:00:00.000Z',
    until: '2026-03-01T11:10:00.000Z',
  };
  const disk = { saved: { edge: over } };
  const { orders, world } = ordersOn(disk);
  assert.equal(orders.current().size, 0);
  assert.deepEqual(world.happened, ['edge demote ended anna: its time is over']);
  assert.deepEqual(disk.saved, {});
});

test('an order goes with its router', () => {
  const { orders, world } = ordersOn({ saved: undefined });
  orders.give('edge', demote);
  orders.configure(LAN);
  assert.equal(orders.current().size, 0);
  assert.deepEqual(world.happened.slice(1), ['edge demote ended anna: it is no longer in the config']);
});

test('a router that joins a sync group follows its order', () => {
  const { orders, world } = ordersOn({ saved: undefined });
  orders.give('inner', demote);
  orders.configure([router('edge', 'lan'), ...LAN]);
  assert.deepEqual(kinds(orders.current()), { edge: 'demote', inner: 'demote', outer: 'demote' });
  assert.deepEqual(world.happened.slice(2), ['edge demote given anna: kernel upgrade']);
});

test('routers that are put together have the later of their orders', () => {
  for (const [first, second] of [
    ['edge', 'inner'],
    ['inner', 'edge'],
  ] as const) {
    const { orders, world } = ordersOn({ saved: undefined }, [EDGE, router('inner')]);
    orders.give(first, demote);
    world.clock += 1000;
    orders.give(second, { ...demote, kind: 'promote' });
    orders.configure([router('edge', 'x'), router('inner', 'x')]);
    assert.deepEqual(kinds(orders.current()), { edge: 'promote', inner: 'promote' });
  }
});

test('a damaged file counts for what can be read of it', () => {
  const good = { kind: 'demote', by: 'anna', reason: '', since: '2026-03-01T11:00:00.000Z', until: null };
  for (const saved of [
    null,
    'x',
    [],
    { edge: null },
    { edge: { ...good, kind: 'x' } },
    { edge: { ...good, until: 'x' } },
  ])
    assert.equal(ordersOn({ saved }).orders.current().size, 0, JSON.stringify(saved));
  assert.deepEqual(kinds(ordersOn({ saved: { edge: good, inner: 1 } }).orders.current()), { edge: 'demote' });
});

test('orders that cannot be kept are in force all the same, and somebody is told', () => {
  const happened: Happening[] = [];
  const orders = createRouterOrders({
    load: () => undefined,
    save: () => {
      throw new Error('ENOSPC');
    },
    now: () => new Date(START),
    later: () => ({ cancel() {} }),
    report: (h) => happened.push(h),
    lapsed: () => {},
  });
  orders.configure([EDGE]);
  orders.give('edge', demote);
  assert.equal(orders.current().size, 1);
  assert.deepEqual(
    happened.map(({ kind }) => kind),
    ['trouble', 'order'],
  );
});

test('a name that JavaScript has other ideas about is a name', () => {
  for (const name of ['__proto__', 'constructor']) {
    const disk = { saved: undefined };
    ordersOn(disk, [router(name)]).orders.give(name, demote);
    assert.equal(
      ordersOn(disk, [router(name)])
        .orders.current()
        .get(name)?.by,
      'anna',
      name,
    );
  }
});

test('after close no timer is left', () => {
  const { orders, timer } = ordersOn({ saved: undefined });
  orders.give('edge', brief);
  orders.close();
  assert.equal(timer(), undefined);
});

test('who goes together, in the order of the config', () => {
  const routers = [LAN[0], EDGE, LAN[1]].filter((r) => r !== undefined);
  assert.deepEqual(
    membersOf(routers, 'outer').map(({ name }) => name),
    ['inner', 'outer'],
  );
  assert.deepEqual(membersOf(routers, 'nobody'), []);
  assert.deepEqual(
    unitsOf(routers).map((members) => members.map(({ name }) => name)),
    [['inner', 'outer'], ['edge']],
  );
});

test('whatever orders there were, in force are none that is over, none of a router that is gone, and one a group', () => {
  const NAMES = ['a', 'b', 'c', 'd'];
  const order = fc.record({
    kind: fc.constantFrom('promote' as const, 'demote' as const),
    by: fc.constantFrom('anna', 'bob'),
    reason: fc.constant(''),
    since: fc.integer({ min: 0, max: 9 }).map((n) => new Date(START + n).toISOString()),
    until: fc.option(fc.integer({ min: -9, max: 9 }).map((n) => new Date(START + n).toISOString())),
  });
  const routers = fc.uniqueArray(
    fc.record({ name: fc.constantFrom(...NAMES), syncGroup: fc.constantFrom(null, 'x', 'y') }),
    { selector: ({ name }) => name },
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...NAMES), order), routers, (saved, there) => {
      const now = new Date(START);
      const next = inForce(new Map(Object.entries(saved)), there, now);
      for (const [name, { until }] of next) {
        assert.ok(there.some((r) => r.name === name));
        assert.ok(until === null || Date.parse(until) > now.getTime());
      }
      for (const members of unitsOf(there)) assert.ok(new Set(members.map(({ name }) => next.get(name))).size === 1);
      assert.deepEqual(inForce(next, there, now), next, 'asked again it is the same');
    }),
  );
});
