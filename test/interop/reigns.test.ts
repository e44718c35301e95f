/** The witness against two masters, on adverts made up: that it sees them, and nothing else. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { assertOneMaster, overlaps, reigns } from './reigns.ts';
import type { Advert } from './tape.ts';

const A = '10.77.0.11';
const B = '10.77.0.12';

/** `A 0 200 400!`: adverts of A at these times; `!` resigns. Its interval is 200 ms, that of `A/1000` a second. */
const adverts = (...rows: readonly string[]): Advert[] =>
  rows
    .flatMap((row) => {
      const [head = '', ...times] = row.split(' ');
      const [who, interval = '200'] = head.split('/');
      return times.map((time) => ({
        at: Number.parseInt(time, 10),
        source: who === 'A' ? A : B,
        priority: time.endsWith('!') ? 0 : 100,
        interval: Number(interval),
        mac: '',
        destination: '224.0.0.18',
        family: 4 as const,
        version: 3,
        routerId: 51,
        count: 1,
      }));
    })
    .sort((one, other) => one.at - other.at);

test('a reign goes from advert to advert, and ends with priority 0 or in silence', () => {
  assert.deepEqual(reigns(adverts('A 0 200 400 1000 1200!', 'B 1250 1450')), [
    { source: A, from: 0, to: 400 },
    { source: A, from: 1000, to: 1000 },
    { source: B, from: 1250, to: 1450 },
  ]);
});

for (const [name, rows, longest] of [
  ['one after the other', ['A 0 200 400!', 'B 500 700'], undefined],
  ['a take-over from the dead', ['A 0 200', 'B 900 1100'], undefined],
  ['a displaced master that is heard no more', ['A 0 200', 'B 390 590 790'], undefined],
  ['two adverts that cross', ['A 0 200 391', 'B 390 590'], 1],
  ['a master that comes back after it resigned', ['A 0 200 300! 2000 2200', 'B 400 600 800!'], undefined],
  ['one who comes back soon after the other resigned', ['A 0 200 400 810 1010', 'B 390 590 650!'], 10],
  ['one who comes back soon after the other died', ['A/1000 0 1000 2000 2950', 'B 1900 2100 2300'], 100],
  ['two masters', ['A 0 200 400 600 800 1000', 'B 390 590 790 990'], 600],
  ['two masters, one of whom resigns at last', ['A 0 200 400 600 800!', 'B 390 590 790 990'], 210],
  ['two masters, the second of whom gives up', ['A 0 200 400 600 800', 'B 390 590'], 200],
] as const) {
  test(`${name}: ${longest ?? 'no'} ms at a time`, () => {
    const all = adverts(...rows);
    const longer = overlaps(all).map(({ length }) => length);
    assert.deepEqual(longer, longest === undefined ? [] : [longest]);
    if (longest === undefined) return assertOneMaster(all, 0);
    assertOneMaster(all, longest);
    assert.throws(() => assertOneMaster(all, longest - 1), /both master for/);
  });
}
