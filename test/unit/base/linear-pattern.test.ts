import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import fc from 'fast-check';
import { parseLinear } from '../../../src/base/linear-pattern.ts';

const accepted = (source: string): boolean => parseLinear(source).ok;

for (const source of [
  'ok',
  '"status": *"ok"',
  '^(a+)+b$',
  '[^\\]]{3,}',
  '(?:a{4}){4}',
  '(?<n>a|b)*?',
  '\\d\\.\\d',
  'a{',
  '(?:a+){16}x{16}',
])
  test(`accepted: ${source}`, () => assert.ok(accepted(source)));

for (const source of [
  '(a)\\1',
  '\\k<n>',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '(?<!a)',
  '(?i:a)',
  'a{17}',
  'a{0,17}',
  '(?:(?:a{3}){3}){3}',
  '(',
  'a**',
  '[b-a]',
])
  test(`refused: ${source}`, () => assert.ok(!accepted(source)));

test("a dot matches a line's end", () => {
  const pattern = parseLinear('a.b');
  assert.ok(pattern.ok && pattern.value.test('a\nb'));
});

test('what is accepted, the linear matcher takes: so no pattern of a good config fails in the checker', () => {
  const atoms = [
    'a',
    '.',
    '\\d',
    '\\b',
    '[ab]',
    '[^\\]x]',
    '(',
    ')',
    '(?:',
    '(?<n>',
    '|',
    '*',
    '+?',
    '?',
    '{2}',
    '{3,}',
    '{0,9}',
    '{16}',
    '{17}',
    '^',
    '$',
    '\\.',
    '\\1',
    '(?=',
    '(?i:',
    '{',
    ']',
    '\\u0041',
  ];
  const sources = fc
    .sample(
      fc.array(fc.constantFrom(...atoms), { minLength: 1, maxLength: 9 }).map((a) => a.join('')),
      { numRuns: 3000, seed: 7 },
    )
    .filter(accepted);
  assert.ok(sources.length > 200);
  const program = `for (const s of JSON.parse(process.argv[1])) try { new RegExp(s, 'sl') } catch { console.log(s) }`;
  const refused = execFileSync(
    process.execPath,
    ['--enable-experimental-regexp-engine', '-e', program, JSON.stringify(sources)],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(refused, '');
});

test('any text is a pattern or is refused', () => {
  fc.assert(fc.property(fc.string({ maxLength: 30 }), (source) => void parseLinear(source)));
});
