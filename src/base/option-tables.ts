/** The kinds of value that are tables: one, many, and those whose options depend on what is in them. */

import {
  type FileTable,
  type FileValue,
  isDerived,
  type JsonSchema,
  type Kind,
  type Option,
  type Options,
  type Plain,
  type Reading,
  readTable,
  type Section,
  type Values,
  writeTable,
} from './option.ts';
import { choice, countIn, wrong } from './option-kinds.ts';
import { tableSchema } from './option-render.ts';
import { oneOf, say } from './option-say.ts';

/** A table with options of its own: `[log]`. */
export function table<O extends Options>(title: string, doc: string, options: O): Kind<Values<O>> {
  return {
    expected: `the table ${title}`,
    schema: () => tableSchema(options),
    sections: [{ title, doc, options }],
    layout: 'table',
    read: (value, key, reading) =>
      asTable(value, key, title, reading, (found) => readTable(options, found, title, reading) as unknown as Values<O>),
    write: (values) => writeTable(options, values),
  };
}

function asTable<T>(
  value: FileValue,
  key: string,
  title: string,
  reading: Reading,
  read: (table: FileTable) => T,
): T | undefined {
  if (value.type === 'table') return read(value);
  const repeated = value.type === 'array' && value.items.length > 0 && value.items.every((v) => v.type === 'table');
  if (repeated) reading.error(value.at, say.repeated(key, title));
  else wrong(value, key, reading, `the table ${title}`);
  return undefined;
}

/** A list of tables: `[[vrrp]]`. */
export function tables<T>(title: string, of: Kind<T>, least: number, most: number): Kind<readonly T[]> {
  const expected = `the tables ${title}`;
  return {
    expected: least === 0 ? expected : `at least ${least} ${title}`,
    schema: () => ({ type: 'array', items: of.schema(), minItems: least, maxItems: most }),
    ...(of.sections && { sections: of.sections }),
    layout: 'tables',
    read(value, key, reading) {
      if (value.type === 'table') {
        reading.error(value.at, say.notRepeated(key, title));
        return undefined;
      }
      if (value.type !== 'array') return wrong(value, key, reading, expected);
      countIn(value, value.items.length, key, least, most, reading);
      return value.items.map((item) => of.read(item, key, reading)).filter((read) => read !== undefined);
    },
    write: (values) => values.map((v) => of.write(v)),
  };
}

/** A list of tables of which one may stand by itself: `[service.check]` or, for several, `[[service.check]]`. */
export function tableOrTables<T>(title: string, of: Kind<T>, most: number): Kind<readonly T[]> {
  const many = tables(title, of, 0, most);
  const expected = `${of.expected}, or several as ${title}`;
  return {
    ...many,
    expected,
    schema: () => ({ anyOf: [of.schema(), many.schema()] }),
    read(value, key, reading) {
      if (value.type === 'table') return [of.read(value, key, reading)].filter((read) => read !== undefined);
      return value.type === 'array' ? many.read(value, key, reading) : wrong(value, key, reading, expected);
    },
  };
}

/** A table inside a value: `{ to = "10.0.0.0/8", via = "192.0.2.1" }`. Written without what is as by default. */
export function inlineTable<O extends Options>(
  title: string,
  expected: string,
  doc: string,
  options: O,
): Kind<Values<O>> {
  return {
    expected,
    schema: () => tableSchema(options),
    sections: [{ title, doc, options }],
    read: (value, key, reading) =>
      value.type === 'table'
        ? (readTable(options, value, title, reading) as unknown as Values<O>)
        : wrong(value, key, reading, expected),
    write: (values) =>
      Object.fromEntries(Object.entries(writeTable(options, values)).filter(([key, v]) => !isDefault(options[key], v))),
  };
}

const isDefault = (option: Option | undefined, written: Plain): boolean => {
  const value = option?.default;
  return value !== undefined && !isDerived(value) && JSON.stringify(value) === JSON.stringify(written);
};

/** An inline table of which one key is nearly always all: then its text alone will do, and is what is written. */
export function textOrTable<O extends Options, K extends keyof O & string>(
  title: string,
  doc: string,
  only: K,
  options: O,
): Kind<Values<O>> {
  const text = (options[only] as Option).is;
  const expected = `${text.expected}, or a table with that as ${only}`;
  const inner = inlineTable(title, expected, doc, options);
  return {
    ...inner,
    schema: () => ({ anyOf: [text.schema(), inner.schema()] }),
    read(value, key, reading) {
      if (value.type !== 'string') return inner.read(value, key, reading);
      const entries = new Map([[only, { keyAt: value.at, value }]]);
      return inner.read({ type: 'table', entries, at: value.at }, key, reading);
    },
    write(values) {
      const written = inner.write(values) as { readonly [key: string]: Plain };
      const alone = Object.keys(written).length === 1 ? written[only] : undefined;
      return alone ?? written;
    },
  };
}

/** A list of tables in an order of its own, whatever that of the file; equals stay as they are. */
export const ordered = <T extends object>(
  of: Kind<readonly T[]>,
  rank: (item: Partial<T>) => number,
): Kind<readonly T[]> => ({
  ...of,
  read(value, key, reading) {
    const read = of.read(value, key, reading);
    if (read === undefined) return undefined;
    const out = [...read].sort((a, b) => rank(a) - rank(b));
    reading.places.set(out, { at: value.at, of: () => undefined });
    return out;
  },
});

type Branches = { readonly [type: string]: Options };
type Variant<C extends Options, B extends Branches> = {
  [K in keyof B & string]: { readonly type: K } & Values<C> & Values<B[K]>;
}[keyof B & string];

/** A table whose key `type` decides which options it has besides the common ones: `[service.check]`, `[[alert]]`. */
export function variant<C extends Options, B extends Branches>(
  title: string,
  doc: string,
  tag: {
    readonly doc: string;
    readonly common: C;
    readonly branches: B;
    readonly docs: Readonly<Record<string, string>>;
  },
): Kind<Variant<C, B>> {
  const types = Object.keys(tag.branches);
  const type = { is: choice(...types), doc: tag.doc };
  const full = new Map<string, Options>(
    types.map((t) => [t, { type, ...tag.common, ...(tag.branches[t] as Options) }] as const),
  );
  const own = [...new Set(Object.values(tag.branches))].map((options): Section => {
    const typed = types.filter((t) => tag.branches[t] === options);
    return { title: `${title} with type = ${oneOf(typed)}`, doc: tag.docs[typed[0] as string] ?? '', options };
  });
  const everyKey: Options = optional(Object.assign({}, ...full.values()), ['type']);
  return {
    expected: `the table ${title}`,
    schema: () => ({
      oneOf: types.map((t) => {
        const schema = tableSchema(full.get(t) as Options);
        return { ...schema, properties: { ...(schema.properties as JsonSchema), type: { const: t } } };
      }),
    }),
    sections: [{ title, doc, options: { type, ...tag.common } }, ...own],
    layout: 'table',
    read: (value, key, reading) =>
      asTable(value, key, title, reading, (found) => {
        const given = found.entries.get('type')?.value;
        const options = given?.type === 'string' ? full.get(given.value) : undefined;
        // Without a type that we know, only what no type has is unknown, and nothing but `type` is missing.
        const known = options ?? everyKey;
        const own =
          given?.type === 'string'
            ? withoutForeign(found, known, full, reading, (key, fits) =>
                say.foreignKey(key, title, 'type', given.value, fits),
              )
            : found;
        return readTable(known, own, title, reading) as unknown as Variant<C, B>;
      }),
    write: (values) => writeTable(full.get(values.type) as Options, values as Values<Options>),
  };
}

/** The table without the keys that only other branches have, each of which is reported. */
function withoutForeign(
  table: FileTable,
  options: Options,
  branches: ReadonlyMap<string, Options>,
  reading: Reading,
  told: (key: string, fits: readonly string[]) => string,
): FileTable {
  const entries = new Map(table.entries);
  for (const [key, { keyAt }] of table.entries) {
    if (Object.hasOwn(options, key)) continue;
    const fits = [...branches].filter(([, branch]) => Object.hasOwn(branch, key)).map(([branch]) => branch);
    if (fits.length === 0) continue;
    reading.error(keyAt, told(key, fits));
    entries.delete(key);
  }
  return { ...table, entries };
}

/**
 * A table which one of several keys decides on: `{ interface = "eth1", weight = -60 }` is of the type `interface`, because
 * that key is there. Each branch has its own key among its options.
 */
export function keyed<C extends Options, B extends Branches>(
  title: string,
  doc: string,
  of: { readonly common: C; readonly branches: B; readonly docs: { readonly [K in keyof B]: string } },
): Kind<Variant<C, B>> {
  const types = Object.keys(of.branches);
  const full = new Map<string, Options>(types.map((t) => [t, { ...(of.branches[t] as Options), ...of.common }]));
  const everyKey = optional(Object.assign({}, ...full.values()), []);
  return {
    expected: `the table ${title}`,
    schema: () => ({ oneOf: [...full.values()].map(tableSchema) }),
    sections: [
      { title, doc, options: of.common },
      ...types.map(
        (t): Section => ({
          title: `${title} with ${t}`,
          doc: of.docs[t] as string,
          options: of.branches[t] as Options,
        }),
      ),
    ],
    layout: 'table',
    read: (value, key, reading) =>
      asTable(value, key, title, reading, (found) => {
        const [type, second] = [...found.entries.keys()].filter((k) => full.has(k));
        if (second !== undefined)
          reading.error(found.entries.get(second)?.keyAt ?? found.at, say.together(type as string, second, title));
        // A key that is unknown may be the slip of the pen that is missing.
        else if (type === undefined && [...found.entries.keys()].every((k) => Object.hasOwn(everyKey, k)))
          reading.error(found.at, say.noneOf(title, types));
        if (type === undefined || second !== undefined)
          return readTable(everyKey, found, title, reading) as unknown as Variant<C, B>;
        const options = full.get(type) as Options;
        const own = withoutForeign(found, options, full, reading, (k, fits) => say.foreignToKey(k, title, type, fits));
        return Object.assign(readTable(options, own, title, reading), { type }) as unknown as Variant<C, B>;
      }),
    write: (values) => writeTable(full.get(values.type) as Options, values as Values<Options>),
  };
}

const optional = (options: Options, except: readonly string[]): Options =>
  Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, except.includes(key) ? option : { ...option, default: null }]),
  );
