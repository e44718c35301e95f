import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePointer, valueAt } from '../../../src/base/json-pointer.ts';

/** RFC 6901, 5. */
const document = {
  ...{ foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'e^f': 3, 'g|h': 4, 'i\\j': 5, 'k"l': 6, ' ': 7, 'm~n': 8 },
};
const rows: readonly (readonly [string, unknown])[] = [
  ['', document],
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0],
  ['/a~1b', 1],
  ['/c%d', 2],
  ['/e^f', 3],
  ['/g|h', 4],
  ['/i\\j', 5],
  ['/k"l', 6],
  ['/ ', 7],
  ['/m~0n', 8],
];
for (const [pointer, value] of rows)
  test(`the pointer ${JSON.stringify(pointer)} of RFC 6901`, () => {
    assert.deepEqual(valueAt(document, parsePointer(pointer) ?? ['no pointer']), value);
  });

test('a pointer to nothing, or to what is no part of the document', () => {
  for (const pointer of [
    '/foo/2',
    '/foo/00',
    '/foo/-',
    '/foo/length',
    '/foo/0/0',
    '/bar/baz',
    '/__proto__',
    '/toString',
    '/m~01n',
  ])
    assert.equal(valueAt(document, parsePointer(pointer) ?? []), undefined, pointer);
  assert.equal(valueAt(null, ['a']), undefined);
});

test('what is no pointer', () => {
  for (const text of ['foo', 'foo/bar', '/~', '/a~2', '/a~', '#/foo'])
    assert.equal(parsePointer(text), undefined, text);
  assert.deepEqual(parsePointer('/~01/~1\n'), ['~1', '/\n']);
});
