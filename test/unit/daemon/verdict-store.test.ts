import assert from 'node:assert/strict';
import test from 'node:test';
import { type Instant, instant } from '../../../src/base/time.ts';
import { createVerdictStore } from '../../../src/daemon/verdict-store.ts';
import type { Saved } from '../../../src/health/verdict.ts';

const DOWN: Saved = { state: 'down', since: instant(5), reason: 'HTTP 503', falls: [instant(5)] };

function world(saved?: unknown) {
  const files: unknown[] = [];
  const soon: (() => void)[] = [];
  let now = instant(1000);
  const store = createVerdictStore({
    load: () => saved,
    save: (value) => files.push(JSON.parse(JSON.stringify(value))),
    verdicts: () => ({ web: DOWN }),
    now: () => now,
    later: (_after, work) => {
      soon.push(work);
      return { cancel: () => soon.splice(soon.indexOf(work), 1) };
    },
  });
  return {
    store,
    files,
    soon: () => {
      for (const work of soon.splice(0)) work();
    },
    at: (next: Instant) => {
      now = next;
    },
  };
}

test('many changes are one file, and the end writes once more', () => {
  const w = world();
  w.store.changed();
  w.store.changed();
  assert.equal(w.files.length, 0);
  w.soon();
  assert.equal(w.files.length, 1);
  w.store.changed();
  w.at(instant(2000));
  w.store.close();
  w.soon();
  assert.deepEqual(w.files[1], { at: 2000, verdicts: { web: DOWN } });
  assert.equal(w.files.length, 2);
});

test('what was written down is what is restored', () => {
  const w = world();
  w.store.close();
  const restored = world(w.files[0]).store.restore();
  assert.deepEqual(restored, { at: 1000, verdicts: new Map([['web', DOWN]]) });
});

test('what makes no sense is left out: of another boot, of another shape, no file at all', () => {
  const restored = (saved: unknown) => world(saved).store.restore();
  for (const saved of [
    undefined,
    null,
    7,
    [],
    {},
    { at: 1001, verdicts: {} },
    { at: 5, verdicts: 7 },
    { at: 'x', verdicts: {} },
  ])
    assert.equal(restored(saved), undefined, JSON.stringify(saved));
  const odd = [
    { ...DOWN, state: 'unknown' },
    { ...DOWN, since: 1001 },
    { ...DOWN, reason: 7 },
    { ...DOWN, falls: ['x'] },
    null,
  ];
  for (const one of odd)
    assert.equal(restored({ at: 5, verdicts: { web: one } })?.verdicts.size, 0, JSON.stringify(one));
});
