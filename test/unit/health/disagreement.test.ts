import assert from 'node:assert/strict';
import test from 'node:test';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { disagreement, noticedWithin, type Opinion, type Pace } from '../../../src/health/disagreement.ts';

const LONG = seconds(3600);
const PATIENCE = seconds(8);

/** `lb2 down: connection refused`; without a name it is this director. */
function opinion(text: string, heldFor = LONG): Opinion {
  const [, director, state, reason] = /^(?:(\w+) )?(up|down|unknown)(?:: (.*))?$/.exec(text) ?? [];
  return { director: director ?? null, state: state as Opinion['state'], heldFor, reason: reason ?? '' };
}

const WORDS: readonly (readonly [opinions: readonly string[], words: string | null])[] = [
  // A pair.
  [['up', 'lb2 up'], null],
  [['down: no answer', 'lb2 down: connection refused'], null],
  [['up', 'lb2 down: connection refused'], 'only lb2 cannot reach web3: connection refused'],
  [['up', 'lb2 down'], 'only lb2 cannot reach web3'],
  [['down: no answer', 'lb2 up'], 'only this director cannot reach web3'],
  // What is not known says nothing.
  [['up'], null],
  [['unknown', 'lb2 down'], null],
  [['down', 'lb2 unknown'], null],
  // More than two.
  [['up', 'lb2 up', 'lb3 down: HTTP 503'], 'only lb3 cannot reach web3: HTTP 503'],
  [['down: no answer', 'lb2 up', 'lb3 up'], 'only this director cannot reach web3'],
  [['up', 'lb2 down: HTTP 503', 'lb3 down: no answer'], 'only this director can reach web3: HTTP 503'],
  [['down: no answer', 'lb2 down: HTTP 503', 'lb3 up'], 'only lb3 can reach web3: HTTP 503'],
  [['unknown', 'lb2 up', 'lb3 down: HTTP 503'], 'only lb3 cannot reach web3: HTTP 503'],
  [
    ['down: no answer', 'lb2 up', 'lb3 down: HTTP 503', 'lb4 up'],
    'this director and lb3 cannot reach web3, lb2 and lb4 can: HTTP 503',
  ],
  [
    ['up', 'lb2 down: HTTP 503', 'lb3 down', 'lb4 down', 'lb5 up'],
    'lb2, lb3 and lb4 cannot reach web3, this director and lb5 can: HTTP 503',
  ],
];

for (const [opinions, words] of WORDS)
  test(`${opinions.join(', ')}: ${words ?? 'nothing'}`, () => {
    const all = opinions.map((text) => opinion(text));
    assert.equal(disagreement('web3', all, PATIENCE), words);
  });

test('a change that the others may not have noticed yet is no disagreement, on whichever side it is', () => {
  const words = (own: number, peer: number): string | null =>
    disagreement('web3', [opinion('up', milliseconds(own)), opinion('lb2 down', milliseconds(peer))], PATIENCE);
  assert.equal(words(7_999, 3_600_000), null);
  assert.equal(words(3_600_000, 7_999), null);
  assert.equal(words(-1, 3_600_000), null, 'newer than what the peer told');
  assert.equal(words(8_000, 8_000), 'only lb2 cannot reach web3');
});

test('how fresh something is that says nothing does not matter', () => {
  const all = [opinion('up'), opinion('lb2 down'), opinion('lb3 unknown', milliseconds(0))];
  assert.equal(disagreement('web3', all, PATIENCE), 'only lb2 cannot reach web3');
});

test('a change is noticed within as many of the longest intervals as it takes results, and a timeout', () => {
  const pace: Pace = {
    ...{ interval: seconds(2), fastInterval: null, downInterval: null, backupInterval: null },
    ...{ rise: 2, fall: 3, jitter: 0, timeout: seconds(2) },
  };
  assert.equal(noticedWithin([]), 0);
  assert.equal(noticedWithin([pace]), 8_000);
  assert.equal(noticedWithin([{ ...pace, rise: 5 }]), 12_000);
  assert.equal(noticedWithin([{ ...pace, fastInterval: milliseconds(500) }]), 8_000);
  assert.equal(noticedWithin([{ ...pace, downInterval: seconds(5) }]), 17_000);
  assert.equal(noticedWithin([{ ...pace, backupInterval: seconds(10) }]), 32_000);
  assert.equal(noticedWithin([{ ...pace, jitter: 50 }]), 11_000);
  assert.equal(noticedWithin([pace, { ...pace, timeout: seconds(1) }]), 8_000, 'the slowest');
});
