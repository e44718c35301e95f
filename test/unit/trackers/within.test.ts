import assert from 'node:assert/strict';
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { milliseconds, seconds, stoodStill } from '../../../src/base/time.ts';
import { within } from '../../../src/trackers/within.ts';

const standStill = (time: number): void => {
  const until = performance.now() + time;
  while (performance.now() < until);
};

test('what comes in time is given, what does not come is not waited for', async () => {
  assert.equal(await within(seconds(20), Promise.resolve(1)), 1);
  assert.equal(await within(milliseconds(20), new Promise(() => {})), undefined);
  await assert.rejects(within(seconds(20), Promise.reject(new Error('refused'))), /refused/);
});

test('a standstill of this process is not the other’s delay', async () => {
  const answer = await new Promise<Stats | undefined>((resolve) => {
    // Behind the reading of the event loop's turn, so that the timer comes before the next.
    setImmediate(() => {
      within(milliseconds(20), stat('/')).then(resolve);
      standStill(500);
    });
  });
  assert.ok(answer?.isDirectory());
});

test('and what needs some turns more after it has its time anew', async () => {
  const slow = async (): Promise<string> => {
    for (let i = 0; i < 6; i++) await turn();
    return 'there';
  };
  const answer = within(milliseconds(20), slow());
  standStill(500);
  assert.equal(await answer, 'there');
});

test('lateness beyond 200 ms and a quarter of the time is a standstill', () => {
  assert.equal(stoodStill(milliseconds(100), milliseconds(200)), false);
  assert.equal(stoodStill(milliseconds(100), milliseconds(201)), true);
  assert.equal(stoodStill(seconds(4), milliseconds(1000)), false);
  assert.equal(stoodStill(seconds(4), milliseconds(1001)), true);
});
