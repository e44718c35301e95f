import assert from 'node:assert/strict';
import test from 'node:test';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createVerdictStore } from '../../../src/daemon/verdict-store.ts';
import type { Saved } from '../../../src/health/verdict.ts';

const DOWN: Saved = { state: 'down', since: instant(5), reason: 'HTTP 503', falls: [instant(5)] };

function world(saved?: unknown, verdict: Saved = DOWN) {
  const files: unknown[] = [];
  const told: Happening[] = [];
  let full = false;
  const soon: (() => void)[] = [];
  let now = instant(1000);
  const store = createVerdictStore({
    load: () => saved,
    save: (value) => {
      if (full) throw new Error('ENOSPC: no space left on device');
      files.push(JSON.parse(JSON.stringify(value)));
    },
    verdicts: () => ({ web: verdict }),
    now: () => now,
    later: (_after, work) => {
      soon.push(work);
      return { cancel: () => soon.splice(soon.indexOf(work), 1) };
    },
    report: (happening) => told.push(happening),
  });
  return {
    store,
    files,
    told: () => told.splice(0).map((h) => (h.kind === 'trouble' ? `${h.what}: ${h.detail}` : h.kind)),
    full: (is: boolean) => {
      full = is;
    },
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
  w.store.restore();
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
  const advice = { weight: { percent: 50 }, mode: 'maint', maxConnections: 3 } as const;
  const asks: Saved = { ...DOWN, advice, latency: { average: milliseconds(7.5), share: 70 } };
  for (const verdict of [DOWN, asks, { ...DOWN, advice: {}, latency: null }]) {
    const w = world(undefined, verdict);
    w.store.restore();
    w.store.close();
    const restored = world(w.files[0]).store.restore();
    assert.deepEqual(restored, new Map([['web', verdict]]));
  }
});

test('what was not restored yet is not written over', () => {
  const w = world({ at: 5, verdicts: { web: DOWN } });
  w.store.close();
  assert.deepEqual(w.files, []);
  w.store.restore();
  w.store.close();
  assert.equal(w.files.length, 1);
});

test('a disk that is full is told once, and ends nothing', () => {
  const w = world();
  w.store.restore();
  w.full(true);
  w.store.changed();
  w.soon();
  assert.deepEqual(w.told(), [
    'verdicts are not written down: a restart would begin without them: ENOSPC: no space left on device',
  ]);
  w.store.changed();
  w.soon();
  assert.deepEqual(w.told(), []);
  w.full(false);
  w.store.changed();
  w.soon();
  assert.equal(w.files.length, 1);
  w.full(true);
  w.store.close();
  assert.equal(w.told().length, 1);
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
    ...[7, { mode: 'away' }, { weight: 7 }, { weight: { percent: -1 } }, { weight: { weight: 65_536 } }].map(
      (advice) => ({
        ...DOWN,
        advice,
      }),
    ),
    { ...DOWN, advice: { maxConnections: 0 } },
    { ...DOWN, latency: { average: 'x', share: 70 } },
    { ...DOWN, latency: { average: 7, share: 0 } },
    null,
  ];
  for (const one of odd) assert.equal(restored({ at: 5, verdicts: { web: one } })?.size, 0, JSON.stringify(one));
});
