import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { instant, seconds } from '../../../src/base/time.ts';
import { type Leaving, withLeaving } from '../../../src/ipvs/leaving.ts';
import { plan } from '../../../src/ipvs/plan.ts';
import { type Destination, type Service, type Table, tableOf } from '../../../src/ipvs/table.ts';

const KEY = 'tcp 192.0.2.10:80';
const OURS = new Set([KEY]);
const NONE: Leaving = new Map();

const server = (last: number, weight: number, active: number, more: Partial<Destination> = {}): Destination => ({
  address: { address: ip(`10.0.0.${last}`), port: 80 },
  ...{ forward: 'dr', weight, upperThreshold: 0, lowerThreshold: 0, tunnel: null },
  counts: { active, inactive: 0, persistent: 0 },
  ...more,
});
const table = (...destinations: readonly Destination[]): Table =>
  tableOf([
    {
      id: { protocol: 'tcp', address: { address: ip('192.0.2.10'), port: 80 } },
      ...{ scheduler: 'wlc', persistence: null, granularity: 32, engine: null, flags: 0 },
      destinations,
    } satisfies Service,
  ]);
const rules = (configured: readonly string[] = []) => ({
  isConfigured: (key: string) => configured.includes(key),
  patience: () => seconds(60),
});
const weights = (of: Table): readonly string[] =>
  (of.get(KEY)?.destinations ?? []).map((d) => `${d.address.address} ${d.weight}`);

/** Server 21 stays, 22 has left the config. */
const left = (gone: Destination, { before = NONE, now = 0, owned = OURS, configured = [] as readonly string[] } = {}) =>
  withLeaving(table(server(21, 10, 3), gone), table(server(21, 10, 0)), owned, rules(configured), before, instant(now));

test('a server that has left the config stays at weight 0 while it has connections', () => {
  const { table: next, leaving } = left(server(22, 10, 1), { now: 5 });
  assert.deepEqual(weights(next), ['10.0.0.21 10', '10.0.0.22 0']);
  assert.deepEqual([...leaving], [[`${KEY} 10.0.0.22:80`, 5]]);
});

for (const kind of ['active', 'inactive', 'persistent'] as const)
  test(`${kind} connections keep it`, () => {
    const counts = { active: 0, inactive: 0, persistent: 0, [kind]: 1 };
    assert.equal(weights(left(server(22, 10, 0, { counts })).table).length, 2);
  });

test('without connections it goes at once', () => {
  const { table: next, leaving } = left(server(22, 10, 0));
  assert.deepEqual(weights(next), ['10.0.0.21 10']);
  assert.equal(leaving.size, 0);
});

test('its time counts from when it left, and then it goes with its connections', () => {
  const before: Leaving = new Map([[`${KEY} 10.0.0.22:80`, instant(1000)]]);
  const at = (now: number) => left(server(22, 0, 7), { before, now });
  assert.deepEqual(weights(at(60_999).table), ['10.0.0.21 10', '10.0.0.22 0']);
  assert.equal(at(60_999).leaving.get(`${KEY} 10.0.0.22:80`), 1000);
  assert.deepEqual(weights(at(61_000).table), ['10.0.0.21 10']);
});

test('one that the config has, and that is out of the table for another reason, is not leaving', () => {
  const configured = [`${KEY} 10.0.0.22:80`];
  assert.deepEqual(weights(left(server(22, 10, 5), { configured }).table), ['10.0.0.21 10']);
});

test('in a service that was not ours nobody leaves slowly', () => {
  assert.deepEqual(weights(left(server(22, 10, 5), { owned: new Set() }).table), ['10.0.0.21 10']);
});

test('a service that goes takes its servers along at once', () => {
  const { table: next, leaving } = withLeaving(table(server(22, 10, 5)), new Map(), OURS, rules(), NONE, instant(0));
  assert.deepEqual([next.size, leaving.size], [0, 0]);
});

test('the plan is one change of weight, then nothing, then a deletion', () => {
  const gone = server(22, 10, 1, {
    forward: 'tun',
    tunnel: { type: 'gre', port: 0, checksum: 'csum' },
    upperThreshold: 9,
  });
  const actual = table(server(21, 10, 3), gone);
  const wanted = left(gone).table;
  assert.deepEqual(
    plan(actual, wanted, OURS).map(({ op }) => op),
    ['set-destination'],
  );
  const drained = table(server(21, 10, 3), { ...gone, weight: 0 });
  assert.deepEqual(plan(drained, left({ ...gone, weight: 0 }).table, OURS), []);
  const idle = { ...gone, weight: 0, counts: { active: 0, inactive: 0, persistent: 0 } };
  assert.deepEqual(
    plan(table(server(21, 10, 3), idle), left(idle).table, OURS).map(({ op }) => op),
    ['delete-destination'],
  );
});
