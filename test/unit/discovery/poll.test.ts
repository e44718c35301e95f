import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { err, ok } from '../../../src/base/result.ts';
import { type Duration, milliseconds, seconds } from '../../../src/base/time.ts';
import { poll } from '../../../src/discovery/poll.ts';
import type { Answer, Source } from '../../../src/discovery/source.ts';

const good = (again: Duration | null = null): Answer => ok({ targets: [], skipped: [], again });
const bad: Answer = err('no answer');

/** A source that answers when it is told to, and a clock that only notes for when something is wanted. */
function set(more: Partial<Source> = {}) {
  const asked: { signal: AbortSignal; answer: (answer: Answer) => void }[] = [];
  const waiting: { after: Duration; work: () => void; cancelled: boolean }[] = [];
  const told: Answer[] = [];
  const source: Source = {
    ...{ what: 'it', interval: seconds(60), retry: seconds(5), ...more },
    ask: (signal) => new Promise((resolve) => asked.push({ signal, answer: resolve })),
  };
  const polling = poll(
    source,
    (after, work) => {
      const one = { after, work, cancelled: false };
      waiting.push(one);
      return {
        cancel() {
          one.cancelled = true;
        },
      };
    },
    (answer) => told.push(answer),
  );
  async function answer(with_: Answer): Promise<void> {
    asked.at(-1)?.answer(with_);
    await setImmediate();
  }
  return { asked, waiting, told, polling, answer };
}

test('it is asked at once, and again an interval after the answer, or when the answer says', async () => {
  const { asked, waiting, told, answer } = set();
  assert.equal(asked.length, 1);
  await answer(good());
  assert.deepEqual([told.length, waiting.at(-1)?.after], [1, 60_000]);
  waiting.at(-1)?.work();
  assert.equal(asked.length, 2);
  await answer(good(milliseconds(7000)));
  assert.equal(waiting.at(-1)?.after, 7000);
});

test('after a failure it is asked sooner, then less and less often, and as always after an answer', async () => {
  const { waiting, answer } = set();
  for (const pause of [5000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    await answer(bad);
    assert.equal(waiting.at(-1)?.after, pause);
    waiting.at(-1)?.work();
  }
  await answer(good());
  waiting.at(-1)?.work();
  await answer(bad);
  assert.equal(waiting.at(-1)?.after, 5000);
});

test('a source that breaks has given no answer, and is asked again', async () => {
  const told: Answer[] = [];
  const waiting: Duration[] = [];
  const source: Source = {
    ...{ what: 'it', interval: seconds(60), retry: seconds(5) },
    ask: () => Promise.reject(new Error('a defect')),
  };
  const polling = poll(
    source,
    (after) => {
      waiting.push(after);
      return { cancel: () => {} };
    },
    (answer) => told.push(answer),
  );
  await setImmediate();
  assert.deepEqual(told, [err('cannot be asked: Error: a defect')]);
  assert.deepEqual(waiting, [5000]);
  polling.close();
});

test('a change that is noticed has it asked at once, and never twice at a time', async () => {
  let changed = (): void => {};
  let closed = 0;
  const { asked, waiting, told, polling, answer } = set({
    watch(told) {
      changed = told;
      return { close: () => void closed++ };
    },
  });
  changed();
  changed();
  assert.equal(asked.length, 1);
  await answer(good());
  assert.deepEqual([asked.length, told.length, waiting.length], [2, 1, 0]);
  await answer(good());
  assert.deepEqual([asked.length, waiting.length], [2, 1]);
  changed();
  assert.deepEqual([asked.length, waiting[0]?.cancelled], [3, true]);
  polling.close();
  assert.equal(closed, 1);
});

test('after it is closed nothing is told and nothing waits', async () => {
  const first = set();
  first.polling.close();
  assert.equal(first.asked[0]?.signal.aborted, true);
  await first.answer(good());
  assert.deepEqual([first.told, first.waiting], [[], []]);
  const second = set();
  await second.answer(good());
  second.polling.close();
  assert.equal(second.waiting[0]?.cancelled, true);
});
