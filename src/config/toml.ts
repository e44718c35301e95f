/**
 * TOML text to a tree in which every key and value has its place.
 *
 * The npm package `toml` gives plain values and, for most errors, no place. So its two halves are used apart: the
 * grammar's tree, which has the place of each key and value, and the compiler, which judges what the grammar cannot (a key given
 * twice, a table opened again). A syntax error is one issue: what stands behind it cannot be known.
 */

import compiler from 'toml/lib/compiler.js';
import parser from 'toml/lib/parser.js';
import { invariant } from '../base/invariant.ts';
import type { FileTable, FileValue } from '../base/option.ts';
import { err, ok, type Result } from '../base/result.ts';
import { explainGrammar, explainMeaning } from './toml-errors.ts';

/** `at` counts UTF-16 units from 0. */
export type TomlError = { readonly at: number; readonly message: string };

export function parseToml(text: string): Result<FileTable, TomlError> {
  let nodes: readonly parser.Node[];
  try {
    nodes = parser.parse(text);
    compiler.compile(nodes, text, { bigint: true });
  } catch (error) {
    invariant(error instanceof Error, 'the parser throws errors');
    const found = explainGrammar(error, text) ?? explainMeaning(error, text);
    if (found === undefined) throw error;
    return err(found);
  }
  return ok(treeOf(nodes, text));
}

type Table = { type: 'table'; entries: Map<string, { keyAt: number; value: Tree }>; at: number };
type Tree = Exclude<FileValue, { type: 'array' | 'table' }> | Table | { type: 'array'; items: Tree[]; at: number };

const tableAt = (at: number): Table => ({ type: 'table', entries: new Map(), at });

/** The compiler has accepted the nodes: no key is there twice, no header opens what is closed. */
function treeOf(nodes: readonly parser.Node[], text: string): Table {
  const root = tableAt(0);
  let current = root;
  for (const node of nodes) {
    if (node.type === 'Assign') assign(current, node, text);
    else if (node.type === 'ObjectPath') {
      current = descend(root, pathOf(node.value, node.offset, text), node.value.length);
      // A table that an earlier [a.b] implied is where its own header stands.
      current.at = node.offset;
    } else if (node.type === 'ArrayPath') current = append(root, pathOf(node.value, node.offset, text));
  }
  return root;
}

/** A header or a key. `placeOf`: where a part of it begins, which is worked out when it is first asked. */
type Path = { readonly parts: readonly string[]; readonly at: number; placeOf(part: number): number };

function pathOf(parts: readonly string[], at: number, text: string): Path {
  let places: readonly number[] | undefined;
  const placeOf = (part: number): number => {
    places ??= keyPlaces(text, at, parts.length);
    return places[part] as number;
  };
  return { parts, at, placeOf };
}

/** A new table at the end of the array of tables that a header names; the array is made with its first. */
function append(root: Table, path: Path): Table {
  const last = path.parts.length - 1;
  const parent = descend(root, path, last);
  const key = path.parts[last] as string;
  let entry = parent.entries.get(key);
  if (entry === undefined) {
    entry = { keyAt: path.placeOf(last), value: { type: 'array', items: [], at: path.at } };
    parent.entries.set(key, entry);
  }
  invariant(entry.value.type === 'array', `${key} is an array of tables`);
  const table = tableAt(path.at);
  entry.value.items.push(table);
  return table;
}

/** The table at the end of the first `count` parts, made where there is none; through an array of tables to its last. */
function descend(from: Table, path: Path, count: number): Table {
  let table = from;
  for (let i = 0; i < count; i++) {
    const key = path.parts[i] as string;
    let entry = table.entries.get(key);
    if (entry === undefined) {
      entry = { keyAt: path.placeOf(i), value: tableAt(path.at) };
      table.entries.set(key, entry);
    }
    const next: Tree | undefined = entry.value.type === 'array' ? entry.value.items.at(-1) : entry.value;
    invariant(next?.type === 'table', `${key} is a table`);
    table = next;
  }
  return table;
}

function assign(table: Table, pair: parser.Pair, text: string): void {
  const last = pair.key.length - 1;
  const value = treeOfValue(pair.value, text);
  if (last === 0) {
    table.entries.set(pair.key[0] as string, { keyAt: pair.offset, value });
    return;
  }
  const path = pathOf(pair.key, pair.offset, text);
  descend(table, path, last).entries.set(pair.key[last] as string, { keyAt: path.placeOf(last), value });
}

function treeOfValue(node: parser.Value, text: string): Tree {
  const at = node.offset;
  switch (node.type) {
    case 'String':
      return { type: 'string', value: node.value, at };
    case 'Integer':
      return { type: 'integer', value: node.value, at };
    case 'Float':
      return { type: 'float', value: node.value, at };
    case 'Boolean':
      return { type: 'boolean', value: node.value, at };
    case 'Array':
      return { type: 'array', items: node.value.map((item) => treeOfValue(item, text)), at };
    case 'InlineTable': {
      const table = tableAt(at);
      for (const pair of node.value) if (pair.type === 'InlineTableValue') assign(table, pair, text);
      return table;
    }
    case 'Date':
      return { type: 'date', value: node.raw + node.tz, at };
    case 'LocalDateTime':
    case 'LocalDate':
    case 'LocalTime':
      return { type: 'date', value: node.value, at };
  }
}

/** Where each part of a dotted key or a header begins; the grammar tells only where the whole does. */
function keyPlaces(text: string, at: number, count: number): number[] {
  const part = /[[\s.]*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)/y;
  part.lastIndex = at;
  const places: number[] = [];
  while (places.length < count) {
    const match = part.exec(text);
    places.push(match ? part.lastIndex - (match[1] as string).length : at);
    if (!match) part.lastIndex = at;
  }
  return places;
}
