import assert from 'node:assert/strict';
import test from 'node:test';
import { place, places, type Standing } from '../../../src/pool/weights.ts';

/** Every verdict, with what the kernel has, and the place under each policy. */
const table: readonly (readonly [Standing['health'], number | null, number | 'absent', number | 'absent'])[] = [
  // health      kernel  quiesce  remove
  ['up', null, 100, 100],
  ['up', 0, 100, 100],
  ['up', 50, 100, 100],
  ['unchecked', null, 100, 100],
  ['unchecked', 0, 100, 100],
  ['down', null, 0, 'absent'],
  ['down', 0, 0, 'absent'],
  ['down', 100, 0, 'absent'],
  ['unknown', null, 0, 'absent'],
  ['unknown', 0, 0, 0],
  ['unknown', 50, 50, 50],
];

for (const [health, present, quiesce, remove] of table)
  test(`${health}, ${present === null ? 'not in the kernel' : `weight ${present} in the kernel`}`, () => {
    assert.equal(place('quiesce', { weight: 100, health, present }), quiesce);
    assert.equal(place('remove', { weight: 100, health, present }), remove);
  });

test('a configured weight of 0 is a weight: an up server keeps its place with it', () => {
  assert.equal(place('remove', { weight: 0, health: 'up', present: null }), 0);
});

test('the places of a service are told by key', () => {
  const servers = new Map<string, Standing>([
    ['a', { weight: 1, health: 'up', present: null }],
    ['b', { weight: 2, health: 'down', present: 2 }],
  ]);
  assert.deepEqual(
    [...places('remove', servers)],
    [
      ['a', 1],
      ['b', 'absent'],
    ],
  );
});
