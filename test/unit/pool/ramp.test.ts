import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { after, instant, milliseconds, seconds } from '../../../src/base/time.ts';
import { ramp } from '../../../src/pool/ramp.ts';

const FROM = instant(1234.567);
const at = (ms: number) => after(FROM, milliseconds(ms));

test('a server with weight 100 begins with 10, and has all of it after ten seconds', () => {
  const seen = [0, 999, 1000, 5000, 9999, 10_000].map((ms) => ramp(100, seconds(10), FROM, at(ms))?.weight);
  assert.deepEqual(seen, [10, 10, 19, 55, 91, undefined]);
});

test('it begins with 1 at least, and never changes a weight of 0 or 1', () => {
  assert.equal(ramp(5, seconds(10), FROM, FROM)?.weight, 1);
  assert.equal(ramp(1, seconds(10), FROM, FROM), undefined);
  assert.equal(ramp(0, seconds(10), FROM, FROM), undefined);
});

test('without a slow start there is none', () => assert.equal(ramp(100, seconds(0), FROM, FROM), undefined));

test('a small weight is not asked after every second', () => {
  assert.deepEqual(ramp(3, seconds(60), FROM, FROM), { weight: 1, next: at(30_000) });
  assert.deepEqual(ramp(3, seconds(60), FROM, at(30_000)), { weight: 2, next: at(60_000) });
});

test('a start at a fraction of a millisecond loses no step to rounding', () => {
  const from = instant(1000.37);
  const { next } = ramp(100, seconds(10), from, from) ?? {};
  assert.equal(next, 2000.37);
  assert.equal(ramp(100, seconds(10), from, instant(2000.37))?.weight, 19);
});

test('it only grows, in whole numbers below the weight, and changes exactly when it says', () => {
  const weight = fc.integer({ min: 0, max: 65535 });
  const slow = fc.integer({ min: 1, max: 3600 });
  const start = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(weight, slow, start, (full, length, from) => {
      const begun = instant(from);
      let [now, last] = [begun, 0];
      for (let steps = 0; ; steps++) {
        const on = ramp(full, seconds(length), begun, now);
        if (on === undefined) break;
        assert.ok(steps <= length, 'it ends');
        assert.ok(Number.isInteger(on.weight) && on.weight > last && on.weight < full);
        assert.ok(on.next > now && on.next <= after(begun, seconds(length)));
        const before = ramp(full, seconds(length), begun, after(on.next, milliseconds(-1)));
        assert.equal(before?.weight, on.weight, 'not before');
        [now, last] = [on.next, on.weight];
      }
    }),
  );
});
