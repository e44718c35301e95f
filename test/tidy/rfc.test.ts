/**
 * The ledger of what the RFCs ask (`docs/rfc/`): every row names a test that is there, or says why not. A row is
 *
 *     | 9568-7.1-3 | 7.1 | MUST | what is asked, in our words | `test/…/x.test.ts`: title of the test |
 *
 * whose last cell is as in every ledger (`ledger.ts`; `docs/rfc/README.md` has the kinds of its entries).
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Entry, entriesOf as entriesIn, missing, root, rowsOf as rowsIn, titlesOf } from './ledger.ts';

/** How many rows may still wait for their test: it only ever falls, to 0. */
const PENDING_ALLOWED = 0;

const LEDGERS = readdirSync(join(root, 'docs/rfc'))
  .filter((name) => /^rfc\d+\.md$/.test(name))
  .sort();
const LEVELS = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY', 'does'];
/** Why no test of ours holds a requirement. */
const REASONS = ['differs', 'kernel', 'operator'];

type Row = {
  readonly id: string;
  readonly clause: string;
  readonly level: string;
  readonly asked: string;
  readonly held: string;
};

const rows: readonly Row[] = LEDGERS.flatMap(rowsOf);
const where = ({ id }: Row): string => `docs/rfc: ${id}`;

function rowsOf(ledger: string): Row[] {
  const number = /\d+/.exec(ledger)?.[0];
  return rowsIn(`docs/rfc/${ledger}`, /^\d/, 5).map(([id = '', clause = '', level = '', asked = '', held = '']) => {
    assert.match(id, new RegExp(`^${number}-\\d+(\\.\\d+)*-\\d+$`), `the id of a row of ${ledger}`);
    return { id, clause, level, asked, held };
  });
}

const entriesOf = (row: Row): Entry[] => entriesIn(row.held, where(row), REASONS);

test('there is a ledger for either version of VRRP', () => {
  assert.deepEqual(LEDGERS, ['rfc3768.md', 'rfc9568.md']);
  for (const ledger of LEDGERS) assert.ok(rowsOf(ledger).length >= 50, ledger);
});

test('ids are unique, and in the order of the clauses', () => {
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, 'an id is used twice');
  for (const ledger of LEDGERS)
    rowsOf(ledger).reduce((before, row) => {
      assert.ok(inOrder(before, row), `${row.id} comes after ${before.id}`);
      return row;
    });
});

/** By clause, 8.4.2 before 8.4.2.1, and within one by number. */
function inOrder(before: Row, row: Row): boolean {
  const numbers = ({ id }: Row): number[][] => id.split('-').map((part) => part.split('.').map(Number));
  for (const [i, part] of numbers(row).entries())
    for (let at = 0; at < Math.max(part.length, numbers(before)[i]?.length ?? 0); at++) {
      const step = (part[at] ?? -1) - (numbers(before)[i]?.[at] ?? -1);
      if (step !== 0) return step > 0;
    }
  return false;
}

test('a row has its clause, a level, and what is asked in a few words', () => {
  for (const row of rows) {
    assert.equal(row.clause, row.id.split('-')[1], where(row));
    assert.ok(LEVELS.includes(row.level), `${where(row)} has the level "${row.level}"`);
    assert.ok(row.asked.length >= 15 && row.asked.length <= 240, `${where(row)}: ${row.asked.length} characters`);
  }
});

test('a row names a test that is there, or the reason why there is none', () => {
  const ids = new Set(rows.map(({ id }) => id));
  for (const row of rows)
    for (const entry of entriesOf(row)) {
      if (entry.kind === 'reason')
        for (const [id] of entry.text.matchAll(/\b\d+-\d+(\.\d+)*-\d+\b/g))
          assert.ok(ids.has(id), `${where(row)}: there is no ${id}`);
      if (entry.kind === 'test') assert.equal(missing(entry.path, entry.name), undefined, where(row));
    }
});

test('no row is pending whose test has come, and no more are pending than may be', () => {
  const pending = rows.flatMap((row) => entriesOf(row).flatMap((e) => (e.kind === 'pending' ? [{ row, ...e }] : [])));
  for (const { row, path, name } of pending)
    assert.notEqual(missing(path, name), undefined, `${where(row)}: its test is there, so it is pending no more`);
  const list = pending.map(({ row, path, name }) => `${row.id}: ${path}: ${name}`).join('\n');
  assert.ok(
    pending.length <= PENDING_ALLOWED,
    `${pending.length} tests are pending, ${PENDING_ALLOWED} may be:\n${list}`,
  );
});

test('every test that is named after a requirement is in the ledger', () => {
  const cited = new Set(
    rows.flatMap((row) => entriesOf(row).map((e) => (e.kind === 'test' ? `${e.path}: ${e.name}` : ''))),
  );
  for (const path of ['test/unit/vrrp/rfc9568.test.ts', 'test/unit/vrrp/rfc3768.test.ts'])
    for (const title of titlesOf(path))
      assert.ok(
        [...cited].some((text) => text.startsWith(`${path}: `) && title.test(text.slice(path.length + 2))),
        `${path}: ${title.source} is in no row`,
      );
});
