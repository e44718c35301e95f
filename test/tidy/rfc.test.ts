/**
 * The ledger of what the RFCs ask (`docs/rfc/`): every row names a test that is there, or says why not. A row is
 *
 *     | 9568-7.1-3 | 7.1 | MUST | what is asked, in our words | `test/…/x.test.ts`: title of the test |
 *
 * whose last cell has one entry or several, parted by `<br>` (`docs/rfc/README.md` has their kinds).
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/** How many rows may still wait for their test: it only ever falls, to 0. */
const PENDING_ALLOWED = 0;

const root = fileURLToPath(new URL('../..', import.meta.url));
const LEDGERS = readdirSync(join(root, 'docs/rfc'))
  .filter((name) => /^rfc\d+\.md$/.test(name))
  .sort();
const LEVELS = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY', 'does'];
/** Why no test of ours holds a requirement. */
const REASONS = ['differs', 'kernel', 'operator'];

type Entry =
  | { readonly kind: 'test' | 'pending'; readonly path: string; readonly name: string }
  | { readonly kind: 'reason'; readonly reason: string; readonly text: string };
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
  const lines = readFileSync(join(root, 'docs/rfc', ledger), 'utf8').split('\n');
  const number = /\d+/.exec(ledger)?.[0];
  return lines
    .filter((line) => /^\| *\d/.test(line))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      assert.equal(cells.length, 7, `a row of ${ledger} has not five cells: ${line}`);
      const [, id = '', clause = '', level = '', asked = '', held = ''] = cells;
      assert.match(id, new RegExp(`^${number}-\\d+(\\.\\d+)*-\\d+$`), `the id of a row of ${ledger}`);
      return { id, clause, level, asked, held };
    });
}

function entriesOf(row: Row): Entry[] {
  return row.held.split('<br>').map((part): Entry => {
    const text = part.trim();
    const named = /^(pending: )?`([^`]+)`(?:: (.+))?$/.exec(text);
    if (named !== null) {
      const [, pending, path = '', name = ''] = named;
      return { kind: pending === undefined ? 'test' : 'pending', path, name };
    }
    const [, reason = '', words = ''] = /^(\w+): (.+)$/.exec(text) ?? [];
    assert.ok(REASONS.includes(reason), `${where(row)} names neither a test nor a reason: "${text}"`);
    return { kind: 'reason', reason, text: words };
  });
}

/**
 * The titles in a test file; a `${…}` in one stands for any text. Where a table makes the tests, the `name` of a row is a
 * title.
 */
const titles = new Map<string, readonly RegExp[]>();
function titlesOf(path: string): readonly RegExp[] {
  const known = titles.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(root, path), 'utf8');
  const tests = [...text.matchAll(new RegExp(`^\\s*test\\(\\s*${LITERAL.source}(?!, \\{ (?:skip|todo))`, 'gm'))];
  const isTable = /^\s*test\((name,|`[^`]*\$\{(\w+\.)?name\})/m.test(text);
  const rows = isTable ? [...text.matchAll(new RegExp(`\\bname: ${LITERAL.source}`, 'g'))] : [];
  const found = [...tests, ...rows].map(([, single, double, template]) => {
    const raw = (single ?? double ?? template ?? '').replace(/\\(.)/g, '$1');
    const parts = template === undefined ? [raw] : raw.split(/\$\{[^}]*\}/);
    return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`);
  });
  titles.set(path, found);
  return found;
}
const LITERAL = /(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/;

/** Says what is wrong with the test that an entry names; `undefined`: it is there. */
function missing(path: string, name: string): string | undefined {
  if (!existsSync(join(root, path))) return `there is no ${path}`;
  if (path.endsWith('.test.ts')) {
    if (name === '') return `which test of ${path}?`;
    return titlesOf(path).some((title) => title.test(name)) ? undefined : `${path} has no test "${name}"`;
  }
  // A story or a golden file is a test as a whole; a name is a line of it.
  if (!/^test\/(stories|golden)\//.test(path)) return `${path} is no test`;
  return readFileSync(join(root, path), 'utf8').includes(name) ? undefined : `${path} does not say "${name}"`;
}

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
      if (entry.kind === 'reason') {
        assert.ok(entry.text.length >= 20, `${where(row)}: a reason is a sentence`);
        for (const [id] of entry.text.matchAll(/\b\d+-\d+(\.\d+)*-\d+\b/g))
          assert.ok(ids.has(id), `${where(row)}: there is no ${id}`);
      }
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
