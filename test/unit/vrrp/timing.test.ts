import assert from 'node:assert/strict';
import test from 'node:test';
import { milliseconds } from '../../../src/base/time.ts';
import { lease, masterDown, skew } from '../../../src/vrrp/timing.ts';

/** priority, interval, skew and master-down in milliseconds, worked out by hand from RFC 9568, 6.1. */
const table: readonly [number, number, number, number][] = [
  [255, 1000, 3.90625, 3003.90625],
  [254, 1000, 7.8125, 3007.8125],
  [100, 1000, 609.375, 3609.375],
  [1, 1000, 996.09375, 3996.09375],
  [128, 10, 5, 35],
  [100, 40_950, 24_953.90625, 147_803.90625],
];
for (const [priority, interval, expectedSkew, expectedDown] of table) {
  test(`priority ${priority} and ${interval} ms: skew ${expectedSkew} ms, master down after ${expectedDown} ms`, () => {
    assert.equal(skew(priority, milliseconds(interval)), expectedSkew);
    assert.equal(masterDown(priority, milliseconds(interval)), expectedDown);
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
    assert.equal(lease(milliseconds(interval)), expected);
    assert.ok(lease(milliseconds(interval)) >= masterDown(1, milliseconds(interval)) + 1000 - 4);
  }
});
