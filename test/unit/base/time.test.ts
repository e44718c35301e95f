import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatDuration, milliseconds, parseDuration, seconds } from '../../../src/base/time.ts';

const written: readonly [string, number][] = [
  ['250ms', 250],
  ['1s', 1000],
  ['1.5s', 1500],
  ['0s', 0],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['2d', 172_800_000],
  ['1m30s', 90_000],
  ['1d2h3m4s5ms', 93_784_005],
];
for (const [text, expected] of written)
  test(`${text} is ${expected} ms`, () => assert.equal(parseDuration(text), expected));

for (const text of ['', '1', 's', '1 s', '-1s', '1s1m', '1s1s', '1S', '.5s', '1.s', '1us', '1s ', '1e3s'])
  test(`"${text}" is no duration`, () => assert.equal(parseDuration(text), undefined));

const spoken: readonly [number, string][] = [
  [0, '0 ms'],
  [0.123456, '0.123 ms'],
  [250, '250 ms'],
  [999.4, '999 ms'],
  [999.6, '1 s'],
  [3214, '3.21 s'],
  [119_999, '120 s'],
  [300_000, '5 m'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
];
for (const [ms, expected] of spoken)
  test(`${ms} ms reads ${expected}`, () => assert.equal(formatDuration(milliseconds(ms)), expected));

test('a duration is written with any unit and means the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (n) => {
      assert.equal(parseDuration(`${n}s`), seconds(n));
      assert.equal(parseDuration(`${n}000ms`), seconds(n));
    }),
  );
});
