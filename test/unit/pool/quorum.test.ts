import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { instant } from '../../../src/base/time.ts';
import { begin, type Counted, needed, type QuorumSettings, step } from '../../../src/pool/quorum.ts';

const NOW = instant(0);
const HEALTH = { '+': 'up', '-': 'down', '?': 'unknown', o: 'unchecked', x: 'up' } as const;
type Sign = keyof typeof HEALTH;

/** `+` up, `-` down, `?` unknown, `o` unchecked, `x` up and taken out by an operator. Weights 10, 20, 30 and so on. */
const read = (signs: string): Counted[] =>
  [...signs].map((sign, i) => ({
    health: HEALTH[sign as Sign],
    weight: 10 * (i + 1),
    word: sign === 'x' ? ({ kind: 'drain', weight: null } as const) : null,
  }));

const settings = (quorum: QuorumSettings['quorum'], quorumHysteresis = 0): QuorumSettings => ({
  ...{ quorum, quorumBy: 'servers', quorumHysteresis },
});

/** What is reported over a run of verdicts, from the presumption on. */
function reports(by: QuorumSettings, run: readonly string[], sorry = false): string[] {
  let hold = begin(sorry, NOW);
  const said: string[] = [];
  for (const [i, signs] of run.entries()) {
    const taken = step(by, hold, read(signs), instant(i));
    hold = taken.hold;
    const { change } = taken;
    if (change) said.push(`${i}: ${change.held ? 'held' : 'lost'}, ${change.up} of ${change.needed}`);
  }
  return said;
}

for (const [name, by, run, said] of [
  ['a good start says nothing', settings(2), ['???', '+??', '++?', '+++'], []],
  [
    'a start with enough bad servers is a loss as soon as that is certain',
    settings(2),
    ['???', '-??', '--?'],
    ['2: lost, 0 of 2'],
  ],
  ['a start with no server in reach is a loss', settings(1), ['--'], ['0: lost, 0 of 1']],
  ['a service without a check holds its quorum', settings(2), ['oo'], []],
  [
    'a loss and its end are reported once each',
    settings(2),
    ['++', '+-', '--', '+-', '++', '++'],
    ['1: lost, 1 of 2', '4: held, 2 of 2'],
  ],
  [
    'a new server not yet known does not undo a loss',
    settings(1),
    ['-', '-?', '-?', '-+'],
    ['0: lost, 0 of 1', '3: held, 1 of 1'],
  ],
  ['more servers needed after a reload can lose it', settings(3), ['++'], ['0: lost, 2 of 3']],
  ['a share is of all servers, rounded up', settings({ percent: 60 }), ['+++--', '++---'], ['1: lost, 2 of 3']],
  [
    'with weights it is their sum that counts',
    { ...settings(50), quorumBy: 'weight' },
    ['+++', '-++', '++-'],
    ['2: lost, 30 of 50'],
  ],
  [
    'a share of the weights',
    { ...settings({ percent: 50 }), quorumBy: 'weight' },
    ['--+', '++-', '-+-'],
    ['2: lost, 20 of 30'],
  ],
  [
    'with a hysteresis it is lost below and regained above',
    settings(3, 1),
    ['+++++', '+++--', '++---', '+----', '+++--', '++++-'],
    ['3: lost, 1 of 3', '5: held, 4 of 3'],
  ],
  ['one that an operator has taken out does not count', settings(2), ['++', '+x'], ['1: lost, 1 of 2']],
] as const)
  test(name, () => assert.deepEqual(reports(by, run), said));

test('sorry servers that are in at the start say that it was lost: that is told when it is certain, and its end not', () => {
  assert.deepEqual(reports(settings(2), ['???', '+??', '++?'], true), []);
  assert.deepEqual(reports(settings(2), ['???', '--?', '+-+'], true), ['1: lost, 0 of 2', '2: held, 2 of 2']);
});

test('until that is certain it stays lost, and the moment that it is regained is kept', () => {
  const waiting = step(settings(2), begin(true, NOW), read('+?'), instant(5));
  assert.deepEqual([waiting.open, waiting.hold], [true, { held: false, said: true, since: NOW }]);
  const regained = step(settings(2), waiting.hold, read('++'), instant(6)).hold;
  assert.deepEqual(regained, { held: true, said: true, since: instant(6) });
  assert.equal(step(settings(2), regained, read('++'), instant(7)).hold.since, instant(6));
});

test('what is open is told apart from what is lost', () => {
  const { quorum, open } = step(settings(1), begin(false, NOW), read('?'), NOW);
  assert.deepEqual([quorum, open], [{ needed: 1, up: 0, held: true }, true]);
});

test('a share comes to at least one', () => {
  assert.deepEqual([needed({ percent: 1 }, 3), needed({ percent: 0.1 }, 0), needed({ percent: 100 }, 7)], [1, 1, 7]);
});

test('inside the band of the hysteresis the quorum never changes', () => {
  const run = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 18 }), fc.nat({ max: 10 }), run, (quorum, band, ups) => {
      const hysteresis = Math.min(band, quorum - 1, 20 - quorum);
      let hold = begin(false, NOW);
      for (const up of ups) {
        const before = hold.held;
        const servers = read('+'.repeat(up) + '-'.repeat(20 - up));
        hold = step(settings(quorum, hysteresis), hold, servers, NOW).hold;
        if (up >= quorum - hysteresis && up < quorum + hysteresis) assert.equal(hold.held, before);
        else assert.equal(hold.held, up >= quorum);
      }
    }),
  );
});
