import assert from 'node:assert/strict';
import test from 'node:test';
import { effective, type TrackState } from '../../../src/vrrp/tracking.ts';

const eth1 = (up: boolean, weight: number | null): TrackState => ({
  ...{ what: 'interface eth1', up, reason: up ? '' : 'is down', weight, factor: null },
});
const file = (factor: number, weight: number): TrackState => ({
  ...{ what: 'file /etc/weight', up: true, reason: `says ${factor}`, weight, factor },
});

test('a negative weight counts while the thing fails, a positive one while it is well', () => {
  assert.equal(effective(150, [eth1(true, -60)], null).priority, 150);
  assert.equal(effective(150, [eth1(false, -60)], null).priority, 90);
  assert.equal(effective(100, [eth1(true, 50)], null).priority, 150);
  assert.equal(effective(100, [eth1(false, 50)], null).priority, 100);
});

test('the parts add up to the priority, and say in words what they are', () => {
  const { priority, parts } = effective(150, [eth1(false, -60), eth1(true, 10)], null);
  assert.equal(priority, 100);
  assert.deepEqual(parts, [
    { what: 'configured', delta: 150 },
    { what: 'interface eth1 is down', delta: -60 },
    { what: 'interface eth1', delta: 10 },
  ]);
});

test('the number in a file is multiplied with its weight, whatever its sign', () => {
  assert.equal(effective(100, [file(20, 1)], null).priority, 120);
  assert.equal(effective(100, [file(1, -10)], null).priority, 90);
  assert.equal(effective(100, [file(-2, 10)], null).priority, 80);
  assert.equal(effective(100, [file(0, 10)], null).priority, 100);
});

test('tracking stays within 1 and 254, and says that it does', () => {
  const low = effective(50, [eth1(false, -60)], null);
  assert.equal(low.priority, 1);
  assert.deepEqual(low.parts.at(-1), { what: 'kept within 1 and 254', delta: 11 });
  assert.equal(effective(200, [eth1(true, 100)], null).priority, 254);
});

test('without a weight a failure is a fault, and all of them are named', () => {
  const { fault, priority } = effective(150, [eth1(false, null), { ...eth1(false, null), what: 'service web' }], null);
  assert.equal(fault, 'interface eth1 is down; service web is down');
  assert.equal(priority, 150);
  assert.equal(effective(150, [eth1(true, null)], null).fault, null);
});

test('weights leave an owner alone, a fault does not', () => {
  assert.deepEqual(effective(255, [eth1(false, -60)], null), {
    priority: 255,
    fault: null,
    parts: [{ what: 'configured', delta: 255 }],
  });
  assert.equal(effective(255, [eth1(false, null)], null).fault, 'interface eth1 is down');
});

test("an operator's order overrides the sum: the last to take over, or the first", () => {
  const demoted = effective(150, [eth1(false, -60)], { kind: 'demote', by: 'anna' });
  assert.equal(demoted.priority, 1);
  assert.deepEqual(demoted.parts.at(-1), { what: 'demoted by anna', delta: -89 });
  assert.equal(effective(150, [], { kind: 'promote', by: 'anna' }).priority, 254);
  assert.equal(effective(255, [], { kind: 'promote', by: 'anna' }).priority, 255);
  assert.equal(effective(255, [], { kind: 'demote', by: 'anna' }).priority, 1);
});

test('the parts always add up', () => {
  for (const base of [1, 100, 254, 255])
    for (const up of [true, false])
      for (const weight of [-253, -1, 1, 253])
        for (const order of [null, { kind: 'demote', by: 'x' }, { kind: 'promote', by: 'x' }] as const) {
          const { priority, parts } = effective(base, [eth1(up, weight)], order);
          const sum = parts.reduce((total, { delta }) => total + delta, 0);
          assert.equal(sum, priority, `${base} ${up} ${weight} ${order?.kind}`);
          assert.ok(priority >= 1 && priority <= 255);
        }
});
