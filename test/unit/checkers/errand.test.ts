import assert from 'node:assert/strict';
import { stat } from 'node:fs';
import test from 'node:test';
import { milliseconds } from '../../../src/base/time.ts';
import { createDiskAsker, errand } from '../../../src/checkers/errand.ts';

const SHORT = milliseconds(30);

test('what does not answer in time is not waited for, nor asked again before it has answered', async () => {
  const ask = createDiskAsker();
  const { promise, resolve } = Promise.withResolvers<string>();
  let asked = 0;
  const hanging = () => {
    asked += 1;
    return promise;
  };
  assert.equal(await ask(SHORT, hanging), undefined);
  assert.equal(await ask(milliseconds(60_000), hanging), undefined, 'at once');
  assert.equal(asked, 1);
  resolve('late');
  await promise;
  assert.equal(await ask(SHORT, async () => 'in time'), 'in time');
});

test('an answer that came while this process was held up counts', async () => {
  const ask = createDiskAsker();
  // So that what is due comes next, and only then what has come in.
  await new Promise((resolve) => setImmediate(resolve));
  const answer = ask(SHORT, () => new Promise((resolve) => stat('/', () => resolve('there'))));
  const end = performance.now() + 100;
  while (performance.now() < end);
  assert.equal(await answer, 'there');
});

test('work that is given up is told so, and not waited for', async () => {
  let told = false;
  const { result, giveUp } = errand((signal) => {
    signal.addEventListener('abort', () => {
      told = true;
    });
    return new Promise(() => undefined);
  });
  giveUp();
  assert.equal((await result).reason, 'cannot probe: the check was changed or stopped');
  assert.ok(told);
});

test('the time it took is the whole, or what the work says', async () => {
  const said = await errand(async () => ({ outcome: 'up', reason: 'x', took: milliseconds(7) })).result;
  assert.equal(said.took, 7);
  const measured = await errand(async () => ({ outcome: 'up', reason: 'x' })).result;
  assert.ok(measured.took >= 0 && measured.took < 5000);
});
