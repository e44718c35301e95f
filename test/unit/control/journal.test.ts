import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Happening } from '../../../src/control/event.ts';
import { createJournal, EVENT_KINDS } from '../../../src/control/journal.ts';
import { routerKey } from '../../../src/control/tally.ts';

const trouble = (what: string): Happening => ({ kind: 'trouble', severity: 'warning', what, detail: '' });
const reload = (outcome: 'applied' | 'refused'): Happening => ({ kind: 'reload', outcome, detail: '' });

function journalAt(...dates: string[]) {
  return createJournal({ now: () => new Date(dates.shift() ?? '2026-03-01T12:00:00Z') });
}

test('events are numbered from 1 and dated in UTC with milliseconds', () => {
  const journal = journalAt('2026-03-01T13:00:00.250+01:00', '2026-03-01T12:00:01Z');
  assert.deepEqual(journal.add(trouble('a')), { seq: 1, time: '2026-03-01T12:00:00.250Z', ...trouble('a') });
  assert.equal(journal.add(trouble('b')).seq, 2);
});

test('a query by number gives what came after it', () => {
  const journal = journalAt();
  for (const what of ['a', 'b', 'c']) journal.add(trouble(what));
  assert.deepEqual(
    journal.query({ since: 1 }).map((event) => event.seq),
    [2, 3],
  );
  assert.deepEqual(journal.query({ since: 3 }), []);
});

test('a query by time gives what happened then or later, also when the clock stepped back', () => {
  const journal = journalAt(
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00:05Z',
    '2026-03-01T12:00:01Z',
    '2026-03-01T12:00:06Z',
  );
  for (const what of ['a', 'b', 'c', 'd']) journal.add(trouble(what));
  assert.deepEqual(
    journal.query({ since: new Date('2026-03-01T12:00:05Z') }).map((event) => event.seq),
    [2, 4],
  );
});

test('a query keeps the latest of the kinds asked for, oldest first', () => {
  const journal = journalAt();
  for (const happening of [reload('applied'), trouble('a'), reload('refused'), reload('applied'), trouble('b')])
    journal.add(happening);
  assert.deepEqual(
    journal.query({ kinds: ['reload'], limit: 2 }).map((event) => event.seq),
    [3, 4],
  );
  assert.deepEqual(journal.query({ limit: 0 }), []);
});

test('the journal keeps the latest events and no more, whatever its size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 }), (size, added) => {
      const journal = createJournal({ now: () => new Date(0), size });
      for (let i = 0; i < added; i++) journal.add(trouble(String(i)));
      const expected = Array.from({ length: Math.min(size, added) }, (_, i) => added - Math.min(size, added) + i + 1);
      assert.deepEqual(
        journal.query({}).map((event) => event.seq),
        expected,
      );
    }),
  );
});

test('every subscriber sees every event in order, also one that another subscriber makes', () => {
  const journal = journalAt();
  const seen: string[] = [];
  journal.subscribe((event) => {
    if (event.kind === 'reload') journal.add(trouble('made by a subscriber'));
  });
  const stop = journal.subscribe((event) => seen.push(`${event.seq} ${event.kind}`));
  journal.add(reload('applied'));
  journal.add(trouble('later'));
  stop();
  journal.add(trouble('unseen'));
  assert.deepEqual(seen, ['1 reload', '2 trouble', '3 trouble']);
});

test('the tally counts also what the journal no longer keeps', () => {
  const journal = createJournal({ now: () => new Date(0), size: 1 });
  const vrrp = { kind: 'vrrp', router: 'edge', family: 4, cause: '', priority: 100, addresses: [] } as const;
  journal.add({ ...vrrp, from: 'init', to: 'backup' });
  journal.add({ ...vrrp, from: 'backup', to: 'master' });
  journal.add({ ...vrrp, from: 'master', to: 'backup' });
  journal.add(reload('refused'));
  journal.add({ ...vrrp, family: 6, from: 'init', to: 'backup' });
  const { events, reloads, transitions } = journal.tally;
  assert.equal(events.get('vrrp'), 4);
  assert.equal(reloads.get('refused'), 1);
  assert.deepEqual(
    transitions.get(routerKey('edge', 4)),
    new Map([
      ['backup', 2],
      ['master', 1],
    ]),
  );
});

test('a kind is listed once', () => {
  assert.equal(new Set(EVENT_KINDS).size, EVENT_KINDS.length);
  assert.ok(EVENT_KINDS.includes('split-brain'));
});
