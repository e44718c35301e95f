import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { instant, milliseconds } from '../../../src/base/time.ts';
import { begin, type ProbeOutcome, type Settings, step, type Verdict } from '../../../src/health/verdict.ts';

const settings: Settings = { rise: 2, fall: 3 };

/** Feeds a run of results, one a second from second 1: `+` up, `-` down, `!` local error. */
function feed(results: string, from: Verdict = begin(null, instant(0)), how = settings) {
  let verdict = from;
  const changes: string[] = [];
  for (const [i, sign] of [...results].entries()) {
    const outcome: ProbeOutcome = sign === '+' ? 'up' : sign === '-' ? 'down' : 'local-error';
    const reason = { up: 'connected', down: 'connection refused', 'local-error': 'no free local port' }[outcome];
    const at = instant((i + 1) * 1000);
    const { next, change } = step(how, verdict, { outcome, reason, took: milliseconds(5) }, at);
    if (change) changes.push(`${i + 1}: ${change.from} -> ${change.to}, ${change.reason}`);
    verdict = next;
  }
  return { verdict, changes };
}

const cases: readonly { name: string; results: string; weight?: number; state: string; changes: string[] }[] = [
  { name: 'nothing heard', results: '', state: 'unknown', changes: [] },
  {
    name: 'the first success decides',
    results: '+',
    state: 'up',
    changes: ['1: unknown -> up, first probe: connected'],
  },
  {
    name: 'the first failure decides',
    results: '-',
    state: 'down',
    changes: ['1: unknown -> down, first probe: connection refused'],
  },
  {
    name: 'a first local error decides nothing',
    results: '!!-',
    state: 'down',
    changes: ['3: unknown -> down, first probe: connection refused'],
  },
  {
    name: 'fall - 1 failures are forgiven',
    results: '+--+--+',
    state: 'up',
    changes: ['1: unknown -> up, first probe: connected'],
  },
  {
    name: 'fall failures in a row fail it',
    results: '+---',
    state: 'down',
    changes: ['1: unknown -> up, first probe: connected', '4: up -> down, 3 failures in a row: connection refused'],
  },
  {
    name: 'a local error neither breaks nor lengthens a row of failures',
    results: '+-!-!!-',
    state: 'down',
    changes: ['1: unknown -> up, first probe: connected', '7: up -> down, 3 failures in a row: connection refused'],
  },
  {
    name: 'local errors alone never fail it',
    results: '+!!!!!!!!',
    state: 'up',
    changes: ['1: unknown -> up, first probe: connected'],
  },
  {
    name: 'rise successes in a row bring it back',
    results: '-+-++',
    state: 'up',
    changes: ['1: unknown -> down, first probe: connection refused', '5: down -> up, 2 successes in a row: connected'],
  },
  { name: 'what the kernel sends traffic to starts up', results: '', weight: 100, state: 'up', changes: [] },
  { name: 'an assumption confirmed is no change', results: '+', weight: 100, state: 'up', changes: [] },
  { name: 'an assumption stands fall - 1 failures', results: '--', weight: 1, state: 'up', changes: [] },
  {
    name: 'an assumption falls by fall failures',
    results: '---',
    weight: 1,
    state: 'down',
    changes: ['3: up -> down, 3 failures in a row: connection refused'],
  },
  {
    name: 'weight 0 in the kernel assumes nothing',
    results: '+',
    weight: 0,
    state: 'up',
    changes: ['1: unknown -> up, first probe: connected'],
  },
];

for (const { name, results, weight, state, changes } of cases)
  test(`${name} (${results || 'no results'})`, () => {
    const heard = feed(results, begin(weight ?? null, instant(0)));
    assert.equal(heard.verdict.state, state);
    assert.deepEqual(heard.changes, changes);
  });

test('with rise and fall of 1 every result decides', () => {
  const { changes } = feed('+-+', undefined, { rise: 1, fall: 1 });
  assert.deepEqual(changes.slice(1), [
    '2: up -> down, 1 failure: connection refused',
    '3: down -> up, 1 success: connected',
  ]);
});

test('the last reason, its time and the counts are kept, those of local errors too', () => {
  const { verdict } = feed('+-!');
  assert.equal(verdict.reason, 'no free local port');
  assert.deepEqual(verdict.last, { at: 3000, took: 5 });
  assert.deepEqual(verdict.counters, { probes: 3, failures: 1, localErrors: 1 });
  assert.equal(verdict.since, 1000);
});

test('an assumption is marked as such until the first success, and says what it rests on', () => {
  const assumed = begin(7, instant(0));
  assert.equal(assumed.assumed, true);
  assert.equal(assumed.reason, 'assumed up: the kernel has it with weight 7');
  assert.equal(feed('-!', assumed).verdict.assumed, true);
  assert.equal(feed('+', assumed).verdict.assumed, false);
  assert.equal(feed('---', assumed).verdict.assumed, false);
});

test('the verdict is what the end of the run says, for any run, rise and fall', () => {
  const signs = fc.array(fc.constantFrom('+', '-', '!'), { maxLength: 40 }).map((list) => list.join(''));
  const count = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(signs, count, count, (results, rise, fall) => {
      const { verdict, changes } = feed(results, undefined, { rise, fall });
      const heard = results.replaceAll('!', '');
      if (heard === '') assert.equal(verdict.state, 'unknown');
      if (heard.endsWith('+'.repeat(rise)) || /^\++$/.test(heard)) assert.equal(verdict.state, 'up');
      if (heard.endsWith('-'.repeat(fall)) || /^-+$/.test(heard)) assert.equal(verdict.state, 'down');
      // A verdict differs from the one without local errors in nothing but the last reason and the counts.
      assert.equal(feed(heard, undefined, { rise, fall }).verdict.state, verdict.state);
      assert.equal(feed(heard, undefined, { rise, fall }).changes.length, changes.length);
      assert.equal(Math.min(verdict.successes, verdict.failures), 0);
    }),
  );
});
