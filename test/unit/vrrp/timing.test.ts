import assert from 'node:assert/strict';
import test from 'node:test';
import { milliseconds } from '../../../src/base/time.ts';
import { lease, masterDown, skew } from '../../../src/vrrp/timing.ts';

/** version, priority, interval, skew and master-down in milliseconds, by hand from RFC 9568, 6.1, and RFC 3768, 6.1. */
const table: readonly [2 | 3, number, number, number, number][] = [
  [2, 100, 1000, 609.375, 3609.375],
  [2, 100, 10_000, 609.375, 30_609.375],
  [2, 254, 255_000, 7.8125, 765_007.8125],
  [3, 255, 1000, 3.90625, 3003.90625],
  [3, 254, 1000, 7.8125, 3007.8125],
  [3, 100, 1000, 609.375, 3609.375],
  [3, 1, 1000, 996.09375, 3996.09375],
  [3, 128, 10, 5, 35],
  [3, 100, 40_950, 24_953.90625, 147_803.90625],
];
for (const [version, priority, interval, expectedSkew, expectedDown] of table) {
  test(`version ${version}, priority ${priority} and ${interval} ms: skew ${expectedSkew} ms, master down after ${expectedDown} ms`, () => {
    const pace = { version, priority, downCount: 3 };
    assert.equal(skew(pace, milliseconds(interval)), expectedSkew);
    assert.equal(masterDown(pace, milliseconds(interval)), expectedDown);
  });
}

test('a lease outlives the longest wait of any peer by a second, in whole seconds', () => {
  for (const [interval, expected] of [
    [10, 2000],
    [100, 2000],
    [250, 2000],
    [500, 3000],
    [1000, 5000],
    [40_950, 165_000],
  ] as const) {
    assert.equal(lease(milliseconds(interval), 3), expected);
    const patient = { version: 3, priority: 1, downCount: 3 } as const;
    assert.ok(lease(milliseconds(interval), 3) >= masterDown(patient, milliseconds(interval)) + 1000 - 4);
  }
});

test('the down count multiplies the interval, not the skew', () => {
  assert.equal(masterDown({ version: 3, priority: 128, downCount: 5 }, milliseconds(1000)), 5500);
  assert.equal(lease(milliseconds(1000), 5), 7000);
});
