import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { milliseconds } from '../../../src/base/time.ts';
import { type Latency, latencyOf } from '../../../src/health/latency.ts';

const TARGET = milliseconds(20);

/** After these answers, in ms. */
const after = (...took: readonly number[]): Latency | null =>
  took.reduce<Latency | null>((before, ms) => latencyOf(before, TARGET, milliseconds(ms)), null);

test('without a target the time of answers says nothing', () => {
  assert.equal(latencyOf(null, null, milliseconds(5000)), null);
});

test('answers within the target have all of the weight, slower ones a share in proportion, a tenth at least', () => {
  for (const [took, share] of [
    [1, 100],
    [20, 100],
    [40, 50],
    [80, 30],
    [100_000, 10],
  ] as const)
    assert.equal(after(took)?.share, share, `${took} ms`);
});

test('one slow answer is one fifth of an average', () => {
  assert.equal(after(10, 60)?.average, 20);
  assert.equal(after(10, 60)?.share, 100);
});

test('the share moves in steps, and not for less than one of them', () => {
  const half = after(40) as Latency;
  // Its average goes to 38, then to 34: shares of 53 and 59 are the half still.
  assert.equal(latencyOf(half, TARGET, milliseconds(30))?.share, 50);
  assert.equal(latencyOf({ ...half, average: milliseconds(34) }, TARGET, milliseconds(34))?.share, 50);
  assert.equal(latencyOf({ ...half, average: milliseconds(32) }, TARGET, milliseconds(32))?.share, 60);
});

test('a server that is fast again has all of its weight in the end, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 20 }), (took) => {
      const back = after(...took, ...Array.from({ length: 60 }, () => 10));
      assert.equal(back?.share, 100);
    }),
  );
});
