import assert from 'node:assert/strict';
import test from 'node:test';
import { backoff } from '../../../src/alerts/backoff.ts';

/** failures so far, jitter, pause in ms */
const TABLE = [
  [1, 0, 500],
  [1, 0.5, 750],
  [1, 0.999, 999.5],
  [2, 0, 1000],
  [3, 0.5, 3000],
  [6, 0, 16_000],
  [7, 0, 30_000],
  [7, 0.999, 59_970],
  [50, 0, 30_000],
  [2000, 0, 30_000],
] as const;

for (const [failures, jitter, pause] of TABLE)
  test(`after ${failures} failures and with jitter ${jitter} it pauses for ${pause} ms`, () => {
    assert.equal(Math.round(backoff(failures, jitter) * 10) / 10, pause);
  });
