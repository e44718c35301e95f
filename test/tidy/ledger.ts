/**
 * What the ledgers of docs/ have in common: tables of which each row says what is asked or what goes wrong, and in its last
 * cell what holds it, one entry or several, parted by `<br>`:
 *
 *     `test/…/x.test.ts`: title of the test          pending: `test/…/x.test.ts`: title          reason: a sentence
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type Entry =
  | { readonly kind: 'test' | 'pending'; readonly path: string; readonly name: string }
  | { readonly kind: 'reason'; readonly reason: string; readonly text: string };

/** The cells of the rows of a Markdown file whose first cell is of this form; each row has `count`. */
export function rowsOf(path: string, id: RegExp, count: number): string[][] {
  const rows = readFileSync(join(root, path), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && id.test(line.slice(1).trimStart()));
  return rows.map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    assert.equal(cells.length, count + 2, `a row of ${path} has not ${count} cells: ${line}`);
    return cells.slice(1, -1);
  });
}

/** The entries of a cell. `where`: the row, for people; `reasons`: the words that may stand for a test that is not there. */
export function entriesOf(held: string, where: string, reasons: readonly string[]): Entry[] {
  return held.split('<br>').map((part): Entry => {
    const text = part.trim();
    const named = /^(pending: )?`([^`]+)`(?:: (.+))?$/.exec(text);
    if (named !== null) {
      const [, pending, path = '', name = ''] = named;
      return { kind: pending === undefined ? 'test' : 'pending', path, name };
    }
    const [, reason = '', words = ''] = /^(\w+): (.+)$/.exec(text) ?? [];
    assert.ok(reasons.includes(reason), `${where} names neither a test nor a reason: "${text}"`);
    assert.ok(words.length >= 20, `${where}: a reason is a sentence`);
    return { kind: 'reason', reason, text: words };
  });
}

const LITERAL = /(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/;

/**
 * The titles in a test file; a `${…}` in one stands for any text. Where a table makes the tests, the `name` of a row is a
 * title.
 */
export function titlesOf(path: string): readonly RegExp[] {
  const known = titles.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(root, path), 'utf8');
  const tests = [...text.matchAll(new RegExp(`^\\s*test\\(\\s*${LITERAL.source}(?!, \\{ (?:skip|todo))`, 'gm'))];
  const isTable = /^\s*test\((name,|row\.name,|`[^`]*\$\{(\w+\.)?name\})/m.test(text);
  const rows = isTable ? [...text.matchAll(new RegExp(`\\bname: ${LITERAL.source}`, 'g'))] : [];
  const found = [...tests, ...rows].map(([, single, double, template]) => {
    const raw = (single ?? double ?? template ?? '').replace(/\\(.)/g, '$1');
    const parts = template === undefined ? [raw] : raw.split(/\$\{[^}]*\}/);
    return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`);
  });
  titles.set(path, found);
  return found;
}
const titles = new Map<string, readonly RegExp[]>();

/** Says what is wrong with the test that an entry names; `undefined`: it is there. */
export function missing(path: string, name: string): string | undefined {
  if (!existsSync(join(root, path))) return `there is no ${path}`;
  if (path.endsWith('.test.ts')) {
    if (name === '') return `which test of ${path}?`;
    return titlesOf(path).some((title) => title.test(name)) ? undefined : `${path} has no test "${name}"`;
  }
  // A story or a golden file is a test as a whole; a name is a line of it.
  if (!/^test\/(stories|golden)\//.test(path)) return `${path} is no test`;
  return readFileSync(join(root, path), 'utf8').includes(name) ? undefined : `${path} does not say "${name}"`;
}
