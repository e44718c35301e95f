import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { instant, seconds } from '../../../src/base/time.ts';
import { createFailures, mostFail } from '../../../src/health/failures.ts';

const WINDOW = seconds(60);

/** `+a` probe a is well, `-a` it fails; one a second. */
function world(...heard: readonly string[]) {
  const failures = createFailures(WINDOW);
  let now = 0;
  const hear = (...more: readonly string[]): void => {
    for (const word of more) {
      now += 1000;
      failures.hear(word.slice(1), word.startsWith('-'), instant(now), false);
    }
  };
  hear(...heard);
  return {
    failures,
    hear,
    at: (second: number) => {
      now = second * 1000;
    },
    count: () => Object.values(failures.count()),
  };
}

test('each probe counts once, by how it ended last', () => {
  const w = world('+a', '+b', '-b', '-b', '-c', '+c');
  assert.deepEqual(w.count(), [1, 3]);
  assert.deepEqual([...w.failures.failing()], ['b']);
});

test('most is more than half', () => {
  assert.deepEqual(
    [
      [0, 0],
      [1, 2],
      [1, 1],
      [2, 3],
      [5, 10],
    ].map(([failing = 0, all = 0]) => mostFail({ failing, all })),
    [false, false, true, true, false],
  );
});

test('what has failed for longer than the window counts no more, until it is well again', () => {
  const w = world('-a', '+b');
  w.at(61);
  w.hear('-a', '+b');
  assert.deepEqual(w.count(), [0, 1]);
  w.hear('+a', '-a');
  assert.deepEqual(w.count(), [1, 2]);
});

test('nothing grows old on hold', () => {
  const w = world('-a');
  w.failures.hear('b', false, instant(600_000), true);
  assert.deepEqual(w.count(), [1, 2]);
  w.failures.hear('b', false, instant(600_000), false);
  assert.deepEqual(w.count(), [0, 1]);
});

test('what is probed no longer counts no longer', () => {
  const w = world('-a', '+b', '+c', '-d');
  w.failures.keep(new Set(['a', 'c']));
  assert.deepEqual(w.count(), [1, 2]);
});

test('the counts are those of a plain reading of what was heard, whatever that is', () => {
  const one = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    failed: fc.boolean(),
    wait: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), (heard) => {
      const failures = createFailures(WINDOW);
      const since = new Map<string, number | null>();
      let now = 0;
      for (const { key, failed, wait } of heard) {
        now += wait * 1000;
        failures.hear(key, failed, instant(now), false);
        if (!failed) since.set(key, null);
        else if (since.get(key) == null) since.set(key, now);
      }
      const failing = [...since.values()].filter((at) => at !== null && now - at < WINDOW).length;
      const well = [...since.values()].filter((at) => at === null).length;
      assert.deepEqual(failures.count(), { failing, all: failing + well });
    }),
  );
});
