import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { renderTable, wrap } from '../../../src/cli/table.ts';
import { painter } from '../../../src/cli/verb.ts';
import { age, left, moment, since, stamp } from '../../../src/cli/when.ts';

process.env.TZ = 'UTC';

const NOW = new Date('2026-03-01T12:05:03.900Z');

/** time, age */
const AGES = [
  ['2026-03-01T12:05:03.500Z', '0 s'],
  ['2026-03-01T12:05:04.000Z', '0 s'],
  ['2026-03-01T12:05:01.900Z', '2 s'],
  ['2026-03-01T12:03:04.000Z', '119 s'],
  ['2026-03-01T12:01:03.900Z', '4 m'],
  ['2026-03-01T10:05:04.000Z', '119 m'],
  ['2026-03-01T10:05:03.900Z', '2 h'],
  ['2026-02-01T12:05:03.900Z', '28 d'],
] as const;
for (const [time, expected] of AGES)
  test(`${time} was ${expected} ago`, () => {
    assert.equal(age(time, NOW), expected);
  });

test('what is left is said as an age is, and never less than nothing', () => {
  assert.equal(left('2026-03-01T12:13:04.000Z', NOW), '8 m');
  assert.equal(left('2026-03-01T12:05:03.000Z', NOW), '0 s');
});

test('a moment of today is a time, of another day a date too; with its age', () => {
  assert.equal(moment('2026-03-01T00:00:01Z', NOW), '00:00:01');
  assert.equal(moment('2026-02-28T23:59:59Z', NOW), '2026-02-28 23:59:59');
  assert.equal(since('2026-03-01T12:01:03Z', NOW), '12:01:03 (4 m)');
  assert.equal(stamp('2026-03-01T12:01:03Z'), '2026-03-01 12:01:03');
});

test('columns are as wide as their texts, numbers to the right, nothing trails', () => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' }, { title: 'WORDS' }] as const;
  const rows = [
    ['a', '1', ''],
    ['bcdef', '1000', { text: 'one two', style: 'red' }],
  ] as const;
  assert.equal(
    renderTable(columns, rows, { width: 80, paint: painter(false) }),
    'NAME      N  WORDS\na         1\nbcdef  1000  one two\n',
  );
});

test('the last column is wrapped under itself', () => {
  assert.equal(
    renderTable([{ title: 'A' }, { title: 'B' }], [['x', 'one two three four']], {
      width: 20,
      paint: painter(false),
      indent: 2,
    }),
    '  A  B\n  x  one two three\n     four\n',
  );
});

test('wrapping loses no word and keeps to the width', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-zé→]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 5, max: 40 }),
      (words, width) => {
        const lines = wrap(words.join(' '), width);
        for (const line of lines) assert.ok([...line].length <= width, line);
        assert.equal(lines.join('').replaceAll(' ', ''), words.join(''));
      },
    ),
  );
});
