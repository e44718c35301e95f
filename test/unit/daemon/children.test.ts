import assert from 'node:assert/strict';
import test from 'node:test';
import { restartPause } from '../../../src/daemon/children.ts';

test('the first death is answered at once, the next ones after growing pauses, none longer than 5 s', () => {
  const pauses = Array.from({ length: 9 }, (_, i) => restartPause(i));
  assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  assert.equal(restartPause(1_000_000), 5000);
});
