/**
 * Option tables: one row an option, and everything that must agree about an option is made from its row. Reading and
 * checking, the default, the TypeScript type, the printed form, the reference page and the JSON Schema.
 *
 * A row is `key: { is, default, doc }`. `is` is a kind (`option-kinds.ts`), which reads a value out of the file and writes
 * it back. A row without a default is required.
 *
 * Reading never stops at the first thing wrong: an option that cannot be read is reported and left out, and what could
 * be read goes on to the rules between options. A table in which nothing was reported is complete.
 */

import { say } from './option-say.ts';
import type { Duration } from './time.ts';

/** A value as a person would write it. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

/** A value as it stands in a file. `at` is the place of its first character, counted in UTF-16 units from 0. */
export type FileValue =
  | { readonly type: 'string'; readonly value: string; readonly at: number }
  | { readonly type: 'integer'; readonly value: bigint; readonly at: number }
  | { readonly type: 'float'; readonly value: number; readonly at: number }
  | { readonly type: 'boolean'; readonly value: boolean; readonly at: number }
  | { readonly type: 'date'; readonly value: string; readonly at: number }
  | FileArray
  | FileTable;
export type FileArray = { readonly type: 'array'; readonly items: readonly FileValue[]; readonly at: number };
export type FileTable = {
  readonly type: 'table';
  readonly entries: ReadonlyMap<string, { readonly keyAt: number; readonly value: FileValue }>;
  readonly at: number;
};

/** One reading of one file: where what is found wrong is told, and where each value was found. */
export type Reading = {
  error(at: number, message: string): void;
  warn(at: number, message: string): void;
  /** What defaults may depend on that is not in the file. */
  readonly facts: Readonly<Record<string, string>>;
  readonly places: { get(values: object): Places | undefined; set(values: object, places: Places): unknown };
  /** What to write instead of a key that is none of ours but well known. */
  readonly hints?: ReadonlyMap<string, string>;
};
/** `of`: where the value of that name (in a list: of that number) is; asked only of what something is said about. */
type Places = { readonly at: number; readonly of: (name: string) => number | undefined };

export type JsonSchema = { readonly [key: string]: unknown };

/** What an option's value is. */
export type Kind<T> = {
  /** Completes "expected …" and stands in the reference: `a whole number from 1 to 255`. */
  readonly expected: string;
  readonly schema: () => JsonSchema;
  /** The value, or `undefined` after having reported why there is none. `key` is for the report. */
  read(value: FileValue, key: string, reading: Reading): T | undefined;
  /** The inverse of `read`. */
  write(value: T): Plain;
  /** Set when the value is a table, or a list of them: what the reference has a heading for. */
  readonly sections?: readonly Section[];
  /** How a table, or a list of them, is laid out when written: under a header. Not set: in one line. */
  readonly layout?: 'table' | 'tables';
};
export type Section = { readonly title: string; readonly doc: string; readonly options: Options };

export type Option = {
  readonly is: Kind<unknown>;
  /** As written in a file. `null`: nothing. Or made from the rest of its table. */
  readonly default?: Plain | null | Derived<unknown>;
  /** What it means that there is nothing, for the reference. */
  readonly absent?: string;
  /** The name of the value in the program, where it is not the key in camel case. */
  readonly as?: string;
  /** One sentence. */
  readonly doc: string;
};
export type Options = { readonly [key: string]: Option };

/** A default that depends on the other values of the table (those that could be read), or on a fact. */
export type Derived<T> = {
  readonly words: string;
  readonly from: (values: Readonly<Record<string, unknown>>, facts: Readonly<Record<string, string>>) => T | undefined;
};
export const derived = <T>(words: string, from: Derived<T>['from']): Derived<T> => ({ words, from });
export const isDerived = (value: unknown): value is Derived<unknown> =>
  typeof value === 'object' && value !== null && 'from' in value && typeof value.from === 'function';

type Camel<K extends string> = K extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : K;
type NameOf<K extends string, O> = O extends { readonly as: infer N extends string } ? N : Camel<K>;
type TypeOf<O> = O extends { readonly is: Kind<infer T>; readonly default: null }
  ? T | null
  : O extends { readonly is: Kind<infer T> }
    ? T
    : never;
/** The type of what a table of options reads. */
export type Values<O extends Options> = { readonly [K in keyof O & string as NameOf<K, O[K]>]: TypeOf<O[K]> };

/** `true` when two types are the same: holds a table of options to a type written by hand, with its docstrings. */
export type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** One option with what follows from it, whatever the file. */
type Row = {
  readonly key: string;
  /** The name that the value has in the program. */
  readonly name: string;
  readonly option: Option;
  /** The default, read; `undefined` where that is no constant: one that is an object is made anew for each table. */
  readonly constant: unknown;
};
type Rows = { readonly list: readonly Row[]; readonly keyOf: ReadonlyMap<string, string> };

/** A file has thousands of tables of the same options, so their rows are made once. */
const rows = new WeakMap<Options, Rows>();
function rowsOf(options: Options): Rows {
  let made = rows.get(options);
  if (made === undefined) {
    const list = Object.entries(options).map(([key, option]): Row => {
      const name = option.as ?? key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      return { key, name, option, constant: constantOf(key, option) };
    });
    made = { list, keyOf: new Map(list.map(({ key, name }) => [name, key])) };
    rows.set(options, made);
  }
  return made;
}

function constantOf(key: string, { is, default: written }: Option): unknown {
  if (written === undefined || written === null || isDerived(written)) return undefined;
  let sound = true;
  const fault = (): void => {
    sound = false;
  };
  const value = is.read(inFile(written, 0), key, { error: fault, warn: fault, facts: {}, places: new Map() });
  return sound && (value === null || typeof value !== 'object') ? value : undefined;
}

/** Reads a table by its options. `title` is how the table is written in reports: `[[service.server]]`. */
export function readTable<O extends Options>(
  options: O,
  table: FileTable,
  title: string,
  reading: Reading,
): Partial<Values<O>> {
  const out: Record<string, unknown> = {};
  const { list, keyOf } = rowsOf(options);
  for (const [key, { keyAt }] of table.entries)
    if (!Object.hasOwn(options, key))
      reading.error(keyAt, say.unknownKey(key, title, Object.keys(options), reading.hints?.get(key)));
  const later: [name: string, Derived<unknown>][] = [];
  for (const { key, name, option, constant } of list) {
    const entry = table.entries.get(key);
    let value: unknown;
    if (entry !== undefined) value = option.is.read(entry.value, key, reading);
    else if (constant !== undefined) value = constant;
    else if (option.default === null) value = null;
    else if (option.default === undefined) reading.error(table.at, say.missing(key, title, option.is.expected));
    else if (isDerived(option.default)) later.push([name, option.default]);
    else value = option.is.read(inFile(option.default, table.at), key, reading);
    if (value !== undefined) out[name] = value;
  }
  for (const [name, { from }] of later) {
    const value = from(out, reading.facts);
    if (value !== undefined) out[name] = value;
  }
  const placeOfName = (name: string) => table.entries.get(keyOf.get(name) ?? '')?.value.at;
  reading.places.set(out, { at: table.at, of: placeOfName });
  return out as Partial<Values<O>>;
}

/** Where the value of a key was written, or, when it was not, where the table that would hold it begins. */
export function placeOf(reading: Reading, values: object, name?: string): number {
  const places = reading.places.get(values);
  return (name === undefined ? undefined : places?.of(name)) ?? places?.at ?? 0;
}

/** Whether the file gives this value, rather than a default. */
export const isGiven = (reading: Reading, values: object, name: string): boolean =>
  reading.places.get(values)?.of(name) !== undefined;

/** Values back to what a person would write; those that are absent (`null`) are left out. */
export function writeTable<O extends Options>(options: O, values: Values<O>): { readonly [key: string]: Plain } {
  const out: Record<string, Plain> = {};
  const byName = values as Readonly<Record<string, unknown>>;
  for (const { key, name, option } of rowsOf(options).list) {
    const value = byName[name];
    if (value !== undefined && (value !== null || option.default !== null)) out[key] = option.is.write(value);
  }
  return out;
}

/** A plain value as if it stood in a file at `at`. */
export function inFile(value: Plain, at: number): FileValue {
  if (typeof value === 'string') return { type: 'string', value, at };
  if (typeof value === 'boolean') return { type: 'boolean', value, at };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { type: 'integer', value: BigInt(value), at } : { type: 'float', value, at };
  if (Array.isArray(value)) return { type: 'array', items: value.map((item: Plain) => inFile(item, at)), at };
  const entries = Object.entries(value).map(([key, inner]) => [key, { keyAt: at, value: inFile(inner, at) }] as const);
  return { type: 'table', entries: new Map(entries), at };
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** A duration as it is written in a file, exactly, in the largest unit that divides it: `90s`, `5m`, `1500ms`. */
export function writeDuration(duration: Duration): string {
  if (duration === 0) return '0s';
  const [unit, size] = UNITS.find(([, size]) => duration % size === 0) ?? ['ms', 1];
  return `${duration / size}${unit}`;
}
