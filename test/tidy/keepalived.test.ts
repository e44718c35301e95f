/**
 * The ledger of what goes wrong with keepalived (`docs/keepalived-faults.md`): every row names a test of ours that is there.
 * A row is
 *
 *     | reload-3 | what happens there | what happens here | `test/…/x.test.ts`: title of the test |
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { entriesOf, missing, rowsOf } from './ledger.ts';

const LEDGER = 'docs/keepalived-faults.md';
/** What goes wrong, in the order of the page. */
const KINDS = ['death', 'start', 'stop', 'reload', 'file', 'sight'];

const rows = rowsOf(LEDGER, /^\w+-\d+ /, 4).map(([id = '', there = '', here = '', held = '']) => ({
  ...{ id, there, here, held },
  where: `${LEDGER}: ${id}`,
}));

test('ids are numbered in their order, kind by kind', () => {
  const numbered = KINDS.flatMap((kind) => {
    const { length } = rows.filter(({ id }) => id.startsWith(`${kind}-`));
    assert.ok(length >= 2, `${length} rows of ${kind}`);
    return Array.from({ length }, (_, i) => `${kind}-${i + 1}`);
  });
  assert.deepEqual(
    rows.map(({ id }) => id),
    numbered,
  );
});

test('a row says what happens there and here, each in a sentence or two', () => {
  for (const { where, ...row } of rows)
    for (const words of [row.there, row.here]) {
      assert.ok(words.length >= 10 && words.length <= 300, `${where}: ${words.length} characters`);
      assert.match(words, /\.$/, where);
    }
});

test('a row names tests that are there', () => {
  for (const { where, held } of rows)
    for (const entry of entriesOf(held, where, [])) {
      assert.equal(entry.kind, 'test', where);
      if (entry.kind === 'test') assert.equal(missing(entry.path, entry.name), undefined, where);
    }
});
