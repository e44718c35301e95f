/** Checks leave nothing behind, whatever the servers do: every row of the table, more than twice. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { assertHeldStill, type Soaked } from './held.ts';

const CHECKS = 800;
/** Of the heap, bytes a check: a socket that is kept has more by far, and what a collection leaves for the next is less. */
const MOST = 500;

test('checks leave no descriptor, timer, process or memory', async () => {
  const flags = ['--expose-gc', '--enable-experimental-regexp-engine'];
  const argv = [...flags, join(import.meta.dirname, 'soak.ts'), String(CHECKS)];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 60_000 });
  const soaked: Soaked = JSON.parse(stdout);
  assert.ok(Object.values(soaked.outcomes).reduce((a, b) => a + b, 0) > CHECKS);
  assertHeldStill(soaked, MOST);
});
