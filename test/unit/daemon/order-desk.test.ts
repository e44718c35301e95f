import assert from 'node:assert/strict';
import test from 'node:test';
import type { OrderTerms } from '../../../src/control/director.ts';
import type { VrrpState } from '../../../src/control/event.ts';
import { createOrderDesk, decide } from '../../../src/daemon/order-desk.ts';
import { createRouterOrders } from '../../../src/daemon/router-orders.ts';

const ROUTERS = [
  { name: 'edge', syncGroup: null },
  { name: 'inner', syncGroup: 'lan' },
  { name: 'outer', syncGroup: 'lan' },
];
const terms: OrderTerms = { lifetime: null, reason: '', by: 'anna' };
const everybody = { router: null, toBackup: false, ...terms };

type Seen = { readonly name: string; readonly state: VrrpState; readonly cause: string };

/** A desk in front of routers in these states; `undefined`: nobody knows. */
function deskOf(
  states: Readonly<Record<string, VrrpState>> | undefined,
  routers = ROUTERS,
  more: readonly (readonly [string, VrrpState])[] = [],
) {
  const orders = createRouterOrders({
    load: () => undefined,
    save: () => {},
    now: () => new Date('2026-03-01T12:00:00.000Z'),
    later: () => ({ cancel() {} }),
    report: () => {},
    lapsed: () => {},
  });
  orders.configure(routers);
  const told = { times: 0 };
  const entries = states && [...Object.entries(states), ...more];
  const seen = entries?.map(([name, state]): Seen => ({ name, state, cause: 'because' }));
  const desk = createOrderDesk({
    orders,
    routers: () => routers,
    ask: async () => seen,
    changed: () => told.times++,
  });
  const kinds = () => Object.fromEntries([...orders.current()].map(([name, { kind }]) => [name, kind]));
  return { desk, told, kinds };
}

const NOW = { edge: 'master', inner: 'backup', outer: 'backup' } as const;

test('an order is answered with the one named first, and those that follow', async () => {
  const { desk, told, kinds } = deskOf(NOW);
  const answer = await desk.order('outer', { kind: 'promote', ...terms });
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.value.routers.map(({ router, syncGroup, before, done }) => [router, syncGroup, before, done]),
    [
      ['outer', 'lan', 'backup', 'given'],
      ['inner', 'lan', 'backup', 'given'],
    ],
  );
  assert.deepEqual([kinds(), told.times], [{ inner: 'promote', outer: 'promote' }, 1]);
});

test('an order is taken also while the vrrp process does not answer', async () => {
  const { desk, kinds } = deskOf(undefined);
  const answer = await desk.order('edge', { kind: 'demote', ...terms });
  assert.ok(answer.ok);
  assert.deepEqual([answer.value.routers[0]?.before, kinds()], [null, { edge: 'demote' }]);
});

test('what is taken back is told; where there is nothing to take back nobody is disturbed', async () => {
  const { desk, told, kinds } = deskOf(NOW);
  await desk.order('inner', { kind: 'promote', ...terms });
  const answer = await desk.takeBack('outer', 'bob');
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.value.routers.map(({ router, done, order }) => [router, done, order?.by]),
    [
      ['outer', 'taken-back', 'anna'],
      ['inner', 'taken-back', 'anna'],
    ],
  );
  assert.deepEqual([kinds(), told.times], [{}, 2]);
  const again = await desk.takeBack('outer', 'bob');
  assert.ok(again.ok);
  assert.deepEqual([again.value.routers.map(({ done }) => done), told.times], [['nothing'], 2]);
});

test('a failover moves every router to the other director, from here or to here', async () => {
  const { desk, told, kinds } = deskOf(NOW);
  const answer = await desk.failover(everybody);
  assert.ok(answer.ok);
  assert.deepEqual(kinds(), { edge: 'demote', inner: 'promote', outer: 'promote' });
  assert.deepEqual([answer.value.routers.length, told.times], [3, 1]);
});

test('a failover of one router leaves the others', async () => {
  const { desk, kinds } = deskOf(NOW);
  assert.ok((await desk.failover({ ...everybody, router: 'edge' })).ok);
  assert.deepEqual(kinds(), { edge: 'demote' });
});

test('a name with both families is master when one of them is, whichever is told of first', async () => {
  for (const [first, second] of [
    ['master', 'backup'],
    ['backup', 'master'],
  ] as const) {
    const { desk, kinds } = deskOf({ edge: first }, ROUTERS, [['edge', second]]);
    assert.ok((await desk.failover({ ...everybody, router: 'edge' })).ok);
    assert.deepEqual(kinds(), { edge: 'demote' });
  }
});

test('--to-backup makes this director the backup, and keeps it that where it is one', async () => {
  const { desk, told, kinds } = deskOf(NOW);
  const answer = await desk.failover({ ...everybody, toBackup: true });
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.value.routers.map(({ router, done }) => [router, done]),
    [
      ['edge', 'given'],
      ['inner', 'given'],
      ['outer', 'given'],
    ],
  );
  assert.deepEqual([kinds(), told.times], [{ edge: 'demote', inner: 'demote', outer: 'demote' }, 1]);
});

test('a router in fault cannot be taken over', async () => {
  const { desk, told, kinds } = deskOf({ ...NOW, edge: 'fault' });
  const answer = await desk.failover({ ...everybody, router: 'edge' });
  assert.ok(answer.ok);
  const [edge] = answer.value.routers;
  assert.deepEqual([edge?.done, kinds(), told.times], ['impossible', {}, 0]);
  assert.match(edge?.detail ?? '', /FAULT here.*because/);
});

test('an unknown router is refused by every verb, with the nearest and the list', async () => {
  const { desk } = deskOf(NOW);
  for (const answer of [
    await desk.order('egde', { kind: 'demote', ...terms }),
    await desk.takeBack('egde', 'anna'),
    await desk.failover({ ...everybody, router: 'egde' }),
  ])
    assert.deepEqual(answer, {
      ok: false,
      error: {
        error: 'no-such-router',
        what: 'there is no virtual router egde, did you mean edge?',
        todo: 'There are: edge, inner, outer.',
      },
    });
});

test('a failover is refused where nobody knows who is master, or there is no router', async () => {
  const silent = await deskOf(undefined).desk.failover(everybody);
  assert.equal(silent.ok ? '' : silent.error.error, 'no-answer');
  const none = await deskOf({}, []).desk.failover(everybody);
  assert.equal(none.ok ? '' : none.error.error, 'no-routers');
});

/** states of a group, --to-backup, what becomes of it */
const DECISIONS = [
  [['master'], false, 'demote'],
  [['backup'], false, 'promote'],
  [['master', 'backup'], false, 'demote'],
  [['backup', 'fault'], false, 'impossible'],
  [['init'], false, 'impossible'],
  [['master'], true, 'demote'],
  [['backup'], true, 'demote'],
  [['fault'], true, 'demote'],
] as const;
for (const [states, toBackup, expected] of DECISIONS)
  test(`failover${toBackup ? ' --to-backup' : ''} of ${states.join(' and ')}: ${expected}`, () => {
    const decision = decide(
      states.map((state) => ({ state, cause: 'because' })),
      toBackup,
    );
    assert.equal(decision.kind ?? decision.done, expected);
  });
