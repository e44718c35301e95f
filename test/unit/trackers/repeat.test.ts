import assert from 'node:assert/strict';
import test from 'node:test';
import { seconds } from '../../../src/base/time.ts';
import { repeat } from '../../../src/trackers/repeat.ts';
import { fakeClock, settle } from './fake-clock.ts';

function world() {
  const clock = fakeClock();
  const log: string[] = [];
  let finish: (() => void) | undefined;
  const work = repeat(
    clock,
    seconds(1),
    () => {
      log.push(`begun at ${clock.now()}`);
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
    () => log.push(`missed at ${clock.now()}`),
  );
  const end = async (): Promise<void> => {
    finish?.();
    await settle();
  };
  return { clock, log, work, end };
}

test('the first time is at once, and then every interval', async () => {
  const { clock, log, end } = world();
  for (const at of [0, 1000, 2000]) {
    await clock.run(at);
    await end();
  }
  assert.deepEqual(log, ['begun at 0', 'begun at 1000', 'begun at 2000']);
});

test('never twice at a time: what is due meanwhile is told, and done once when it is over', async () => {
  const { clock, log, end } = world();
  await clock.run(2500);
  await end();
  await end();
  await clock.run(3000);
  assert.deepEqual(log, ['begun at 0', 'missed at 1000', 'missed at 2000', 'begun at 2500', 'begun at 3000']);
});

test('once more is at once, or when it is over', async () => {
  const { clock, log, work, end } = world();
  await clock.run(100);
  work.again();
  work.again();
  await end();
  await end();
  await clock.run(200);
  work.again();
  assert.deepEqual(log, ['begun at 0', 'begun at 100', 'begun at 200']);
});

test('after the end nothing begins', async () => {
  const { clock, log, work, end } = world();
  await clock.run(100);
  work.again();
  work.close();
  await end();
  work.again();
  await clock.run(5000);
  assert.deepEqual(log, ['begun at 0']);
  assert.equal(clock.armed(), 0);
});
