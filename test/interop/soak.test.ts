/**
 * Checks leave nothing behind, however many: all rows of the table again and again. A hundred thousand take three minutes:
 *
 *   CHECKS=100000 npm run lab -- test/interop/soak.test.ts
 */

import { join } from 'node:path';
import { test } from 'node:test';
import { assertHeldStill, type Soaked } from '../checkers/held.ts';
import { must } from '../lab/process.ts';

const CHECKS = process.env.CHECKS ?? '10000';
/** Of the heap, bytes a check: hundreds of kinds and manners, of which one alone may keep a few thousand. */
const MOST = 150;

test('checks leave no descriptor, timer, process or memory', async () => {
  const flags = ['--expose-gc', '--enable-experimental-regexp-engine'];
  const soaked: Soaked = JSON.parse(
    await must([process.execPath, ...flags, join(import.meta.dirname, '../checkers/soak.ts'), CHECKS]),
  );
  assertHeldStill(soaked, MOST);
});
