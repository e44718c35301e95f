import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { instant, milliseconds, seconds } from '../../../src/base/time.ts';
import {
  type Advice,
  begin,
  intervalOf,
  type ProbeOutcome,
  reasonAt,
  riseOf,
  type Saved,
  type Settings,
  step,
  type Verdict,
} from '../../../src/health/verdict.ts';

const settings: Settings = { rise: 2, fall: 3, flapWindow: milliseconds(0), latencyTarget: null };

/** Feeds a run of results, one a second from second 1: `+` up, `-` down, `!` local error. */
function feed(results: string, from: Verdict = begin(null, instant(0)), how: Partial<Settings> = {}) {
  let verdict = from;
  const changes: string[] = [];
  for (const [i, sign] of [...results].entries()) {
    const outcome: ProbeOutcome = sign === '+' ? 'up' : sign === '-' ? 'down' : 'local-error';
    const reason = { up: 'connected', down: 'connection refused', 'local-error': 'no free local port' }[outcome];
    const at = instant((i + 1) * 1000);
    const { next, change } = step({ ...settings, ...how }, verdict, { outcome, reason, took: milliseconds(5) }, at);
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

/** Times as for `feed`: one result a second. */
const MINUTE = { rise: 2, fall: 1, flapWindow: seconds(60) };

test('each further fall within the window doubles what it takes to come back, up to sixteen times', () => {
  const { changes } = feed('+-++-++++-', undefined, MINUTE);
  assert.deepEqual(
    changes.map((line) => line.replace(/,.*/, '')),
    ['1: unknown -> up', '2: up -> down', '4: down -> up', '5: up -> down', '9: down -> up', '10: up -> down'],
  );
  let { verdict } = feed('+-', undefined, MINUTE);
  for (let fall = 2, now = 100; fall <= 8; fall++, now++) {
    assert.equal(
      riseOf({ ...settings, ...MINUTE, flapWindow: seconds(600) }, verdict, instant(3000)),
      2 * Math.min(16, 2 ** (fall - 2)),
    );
    verdict = { ...verdict, falls: [...verdict.falls, instant(now)].slice(-5) };
  }
});

test('falls that are longer ago than the window do not count, and without a window none does', () => {
  const { verdict } = feed('+-++-', undefined, MINUTE);
  const how = { ...settings, ...MINUTE };
  assert.equal(riseOf(how, verdict, instant(6000)), 4);
  assert.equal(riseOf(how, verdict, instant(2000 + 60_000)), 2);
  assert.deepEqual(feed('+-++-', undefined, { ...MINUTE, flapWindow: seconds(0) }).verdict.falls, []);
});

test('a server that answers again says how far it has come, and why it takes so long', () => {
  const { verdict } = feed('+-++-+', undefined, MINUTE);
  const how = { ...settings, ...MINUTE };
  assert.equal(reasonAt(how, verdict, instant(6000)), 'connected (1 of 4 good answers, as it fell 2 times in 60 s)');
  assert.equal(reasonAt(how, feed('+-+', undefined, MINUTE).verdict, instant(3000)), 'connected (1 of 2 good answers)');
  assert.equal(reasonAt(how, feed('+', undefined, MINUTE).verdict, instant(3000)), 'connected');
});

test('the interval is another while the answers speak against the verdict, and while a server is down', () => {
  const times = { interval: seconds(5), fastInterval: seconds(1), downInterval: seconds(20) };
  const after = (results: string, how: Partial<typeof times> | { fastInterval: null; downInterval: null } = {}) =>
    intervalOf({ ...times, backupInterval: null, ...how }, feed(results).verdict, false) / 1000;
  assert.deepEqual(
    ['', '+', '+-', '+--', '+---', '+---+', '+---++'].map((results) => after(results)),
    [5, 5, 1, 1, 20, 1, 5],
  );
  const plain = { fastInterval: null, downInterval: null };
  assert.deepEqual(
    ['+', '+-', '+---', '+---+'].map((results) => after(results, plain)),
    [5, 5, 5, 5],
  );
});

test('a backup probes no more often than it is told to', () => {
  const times = {
    interval: seconds(5),
    fastInterval: seconds(1),
    downInterval: seconds(20),
    backupInterval: seconds(10),
  };
  const after = (results: string, backup: boolean) => intervalOf(times, feed(results).verdict, backup) / 1000;
  assert.deepEqual(
    ['+', '+-', '+---'].map((results) => after(results, true)),
    [10, 10, 20],
  );
  assert.deepEqual(
    ['+', '+-', '+---'].map((results) => after(results, false)),
    [5, 1, 20],
  );
});

test('a saved verdict goes on where the kernel does not say otherwise', () => {
  const down: Saved = { state: 'down', since: instant(10), reason: 'HTTP 503', falls: [instant(10)] };
  for (const weight of [null, 0]) {
    const verdict = begin(weight, instant(1000), down);
    assert.deepEqual([verdict.state, verdict.since, verdict.reason, verdict.falls], ['down', 10, 'HTTP 503', [10]]);
    assert.equal(feed('+', verdict).verdict.state, 'down');
  }
  const up: Saved = { state: 'up', since: instant(10), reason: 'HTTP 200', falls: [instant(5)] };
  const verdict = begin(7, instant(1000), up);
  assert.deepEqual([verdict.state, verdict.since, verdict.reason, verdict.falls], ['up', 10, 'HTTP 200', [5]]);
  assert.equal(verdict.assumed, true);
});

test('where the kernel says otherwise it is right, and falls still count', () => {
  const saved = (state: Saved['state']): Saved => ({ state, since: instant(10), reason: 'x', falls: [instant(10)] });
  const carried = begin(7, instant(1000), saved('down'));
  assert.deepEqual([carried.state, carried.since, carried.falls], ['up', 1000, [10]]);
  for (const weight of [0, null]) {
    const out = begin(weight, instant(1000), saved('up'));
    assert.deepEqual([out.state, out.since, out.falls], ['unknown', 1000, [10]]);
  }
});

test('what a server advises holds until it says something else, each part by itself', () => {
  const say = (verdict: Verdict, advice?: Advice) =>
    step(settings, verdict, { outcome: 'up', reason: '', took: milliseconds(1), ...(advice && { advice }) }, instant(1))
      .next;
  let verdict = say(begin(null, instant(0)), { weight: { percent: 50 }, maxConnections: 30 });
  verdict = say(verdict);
  verdict = say(verdict, { mode: 'drain', weight: { weight: 7 } });
  assert.deepEqual(verdict.advice, { weight: { weight: 7 }, maxConnections: 30, mode: 'drain' });
});

test('a local error takes nothing from what is known of a server', () => {
  const known = { ...begin(null, instant(0)), advice: { weight: { percent: 50 } }, certificateExpires: 5, output: 'x' };
  const { verdict } = feed('!', known);
  assert.deepEqual([verdict.advice, verdict.certificateExpires, verdict.output], [{ weight: { percent: 50 } }, 5, 'x']);
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
