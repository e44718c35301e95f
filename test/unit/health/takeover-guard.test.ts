import assert from 'node:assert/strict';
import test from 'node:test';
import { instant } from '../../../src/base/time.ts';
import { createTakeoverGuard } from '../../../src/health/takeover-guard.ts';

const VIP = '192.0.2.10';
const at = instant;

test('a failure at any other time is the server’s', () => {
  const guard = createTakeoverGuard();
  assert.equal(guard.heard(VIP, 1, true, at(0)), false);
  assert.equal(guard.heard(VIP, 1, false, at(1000)), false);
});

test('when all that were good fail from the take-over on, the fault is ours, for as long as none comes back', () => {
  const guard = createTakeoverGuard();
  for (const way of [1, 2]) guard.heard(VIP, way, true, at(0));
  guard.became(VIP, at(500));
  for (const began of [600, 1600, 100_000]) {
    assert.equal(guard.heard(VIP, 1, false, at(began)), true);
    assert.equal(guard.heard(VIP, 2, false, at(began)), true);
  }
});

test('the first that comes back shows that it is not ours', () => {
  const guard = createTakeoverGuard();
  for (const way of [1, 2]) guard.heard(VIP, way, true, at(0));
  guard.became(VIP, at(500));
  assert.equal(guard.heard(VIP, 1, false, at(600)), true);
  assert.equal(guard.heard(VIP, 2, true, at(700)), false);
  assert.equal(guard.heard(VIP, 1, false, at(1600)), false);
});

test('an answer to a probe of before the take-over shows nothing', () => {
  const guard = createTakeoverGuard();
  guard.heard(VIP, 1, true, at(0));
  guard.became(VIP, at(500));
  assert.equal(guard.heard(VIP, 1, true, at(499)), false);
  assert.equal(guard.heard(VIP, 1, false, at(1600)), true);
});

test('a way that was bad before, or was never seen to be good, is not excused', () => {
  const guard = createTakeoverGuard();
  guard.heard(VIP, 1, true, at(0));
  guard.heard(VIP, 2, true, at(0));
  guard.heard(VIP, 2, false, at(100));
  guard.became(VIP, at(500));
  assert.equal(guard.heard(VIP, 1, false, at(600)), true);
  assert.equal(guard.heard(VIP, 2, false, at(600)), false);
  assert.equal(guard.heard(VIP, 3, false, at(600)), false);
});

test('the next take-over asks anew, and another address is another matter', () => {
  const guard = createTakeoverGuard();
  guard.heard(VIP, 1, true, at(0));
  guard.heard('192.0.2.11', 1, true, at(0));
  guard.became(VIP, at(500));
  assert.equal(guard.heard('192.0.2.11', 1, false, at(600)), false);
  guard.heard(VIP, 1, true, at(700));
  guard.became(VIP, at(900));
  assert.equal(guard.heard(VIP, 1, false, at(1000)), true);
});
