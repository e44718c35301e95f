import assert from 'node:assert/strict';
import test from 'node:test';
import { onceMore, takingTurns } from '../../../src/base/turns.ts';

test('works do not overlap, and come in the order in which they were asked for', async () => {
  const inTurn = takingTurns();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await Promise.resolve();
    log.push(`${name} ends`);
    return name;
  };
  assert.deepEqual(await Promise.all([inTurn(work('a')), inTurn(work('b'))]), ['a', 'b']);
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends']);
});

test('one that fails is told to whoever asked, and does not hinder those after it', async () => {
  const inTurn = takingTurns();
  const failed = inTurn(() => Promise.reject(new Error('no')));
  const after = inTurn(async () => 'done');
  await assert.rejects(failed, /no/);
  assert.equal(await after, 'done');
});

test('all who ask before it begins share one more, and who asks while it runs gets another', async () => {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const ask = onceMore(takingTurns(), async () => {
    runs += 1;
    if (runs === 1) await gate.promise;
  });
  const first = [ask(), ask()];
  await Promise.resolve();
  const second = [ask(), ask()];
  assert.equal(runs, 1);
  gate.resolve();
  await Promise.all([...first, ...second]);
  assert.equal(runs, 2);
});
