/** The kinds of value that are more than one thing in a file. The golden files of the language have their errors. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { type FileValue, inFile, type Kind, type Plain, placeOf, type Reading } from '../../../src/base/option.ts';
import { integer, list, perFamily, text } from '../../../src/base/option-kinds.ts';
import { hostAddress } from '../../../src/base/option-net.ts';
import { keyed, ordered, textOrTable } from '../../../src/base/option-tables.ts';

function reader() {
  const errors: string[] = [];
  const reading: Reading = {
    error: (at, message) => errors.push(`${at}: ${message}`),
    warn: () => assert.fail('a kind warns of nothing'),
    facts: {},
    places: new Map(),
  };
  const read = <T>(kind: Kind<T>, value: FileValue) => kind.read(value, 'key', reading);
  return { errors, reading, read };
}

/** Reads a value, which must be without an error, and writes it again. */
function round<T>(kind: Kind<T>, value: Plain): Plain {
  const { errors, read } = reader();
  const out = read(kind, inFile(value, 0));
  assert.deepEqual(errors, []);
  assert.ok(out !== undefined);
  return kind.write(out);
}

const word = text('a word', /^\w+$/);
const item = textOrTable('[item]', 'An item.', 'name', {
  name: { is: word, doc: 'Its name.' },
  size: { is: integer(1, 9), default: 1, doc: 'Its size.' },
  note: { is: word, default: null, doc: 'A note.' },
});

test('a text is the table with only that key, and is written so when there is no more to say', () => {
  const { read } = reader();
  assert.deepEqual(read(item, inFile('a', 0)), { name: 'a', size: 1, note: null });
  assert.deepEqual(read(item, inFile({ name: 'a', size: 2 }, 0)), { name: 'a', size: 2, note: null });
  assert.deepEqual(round(item, { name: 'a', size: 1 }), 'a');
  assert.deepEqual(round(item, { size: 2, name: 'a' }), { name: 'a', size: 2 });
  assert.deepEqual(round(item, { name: 'a', note: 'b' }), { name: 'a', note: 'b' });
});

test('what is wrong with the text alone is told at its place', () => {
  const { errors, read } = reader();
  read(list(item, 0, 9), { type: 'array', at: 1, items: [{ type: 'string', value: 'a b', at: 7 }] });
  assert.deepEqual(errors, ['7: name is "a b", expected a word']);
});

test('a list in an order of its own keeps the place of each', () => {
  const { read, reading } = reader();
  const kind = ordered(list(item, 0, 9, false), ({ size }) => -(size ?? 0));
  const [a, b, c] = ['a', { name: 'b', size: 5 }, 'c'].map((value, at) => inFile(value, at));
  const out = read(kind, { type: 'array', at: 9, items: [a, b, c] as FileValue[] });
  assert.deepEqual(
    out?.map((one) => `${one.name} ${placeOf(reading, one)}`),
    ['b 1', 'a 0', 'c 2'],
  );
  assert.equal(placeOf(reading, out as object), 9);
});

test('one address is a list of one; of two, IPv4 is first, and each has its place', () => {
  const kind = perFamily(hostAddress);
  const { errors, read, reading } = reader();
  const items = ['2001:db8::1', '192.0.2.1'].map((value, at): FileValue => ({ type: 'string', value, at }));
  const out = read(kind, { type: 'array', at: 9, items });
  assert.deepEqual(out, ['192.0.2.1', '2001:db8::1']);
  assert.deepEqual([placeOf(reading, out, '0'), placeOf(reading, out, '1')], [1, 0]);
  assert.deepEqual(errors, []);
  assert.deepEqual(round(kind, ['192.0.2.1']), '192.0.2.1');
  assert.deepEqual(round(kind, '192.0.2.1'), '192.0.2.1');
  assert.deepEqual(round(kind, []), []);
  assert.deepEqual(round(kind, ['::1', '127.0.0.1']), ['127.0.0.1', '::1']);
});

const animal = keyed('[[animal]]', 'An animal.', {
  common: { legs: { is: integer(0, 8), default: 4, doc: 'How many legs.' } },
  branches: {
    cat: { cat: { is: word, doc: 'The name of a cat.' }, lives: { is: integer(1, 9), default: 9, doc: 'Lives.' } },
    bird: { bird: { is: word, doc: 'The name of a bird.' }, wings: { is: integer(0, 2), doc: 'Wings.' } },
  },
  docs: { cat: 'A cat.', bird: 'A bird.' },
});

test('the key that is there says what a table is', () => {
  const { read } = reader();
  assert.deepEqual(read(animal, inFile({ cat: 'tom' }, 0)), { type: 'cat', cat: 'tom', lives: 9, legs: 4 });
  assert.deepEqual(round(animal, { legs: 2, bird: 'jay', wings: 2 }), { bird: 'jay', wings: 2, legs: 2 });
});

const mistakes: readonly [Plain, readonly string[]][] = [
  [{}, ['nothing to go by in [[animal]], expected "cat" or "bird"']],
  [
    { legs: 9 },
    ['nothing to go by in [[animal]], expected "cat" or "bird"', 'legs is 9, expected a whole number from 0 to 8'],
  ],
  [{ cta: 'tom' }, ['unknown key "cta" in [[animal]], did you mean "cat"?']],
  [
    { cat: 'tom', bird: 'jay', lives: 10 },
    [
      '"bird" beside "cat" in [[animal]], expected one of them, or a [[animal]] for each',
      'lives is 10, expected a whole number from 1 to 9',
    ],
  ],
  [{ cat: 'tom', wings: 2 }, ['"wings" is no option of [[animal]] with "cat", expected "bird" for it']],
  [{ bird: 'jay' }, ['missing "wings" in [[animal]], expected a whole number from 0 to 2']],
];
for (const [value, expected] of mistakes)
  test(`what is wrong with ${JSON.stringify(value)}`, () => {
    const { errors, read } = reader();
    read(animal, inFile(value, 0));
    assert.deepEqual(
      errors,
      expected.map((message) => `0: ${message}`),
    );
  });

test('the schema asks for the key of one branch, and refuses those of the others', () => {
  const { oneOf } = animal.schema() as { oneOf: { required: string[]; properties: object }[] };
  assert.deepEqual(
    oneOf.map(({ required, properties }) => [required, Object.keys(properties)]),
    [
      [['cat'], ['cat', 'lives', 'legs']],
      [
        ['bird', 'wings'],
        ['bird', 'wings', 'legs'],
      ],
    ],
  );
});
