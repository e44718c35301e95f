/** The kinds of value that options have in common. A kind that only one option has stands beside that option. */

import { type Endpoint, formatEndpoint, type IpAddress, parseEndpoint, parseIp } from './address.ts';
import {
  type FileTable,
  type FileValue,
  type JsonSchema,
  type Kind,
  type Options,
  type Plain,
  type Reading,
  readTable,
  type Section,
  type Values,
  writeDuration,
  writeTable,
} from './option.ts';
import { tableSchema } from './option-render.ts';
import { oneOf, quoted, say } from './option-say.ts';
import { err, ok, type Result } from './result.ts';
import { type Duration, parseDuration } from './time.ts';

/** A value written as a string. `parse` gives it, or why the text is none (`''` when there is nothing to add). */
export function parsed<T>(spec: {
  readonly expected: string;
  readonly schema?: JsonSchema;
  readonly parse: (text: string) => Result<T, string>;
  readonly write: (value: T) => string;
}): Kind<T> {
  return {
    expected: spec.expected,
    schema: () => ({ type: 'string', ...spec.schema }),
    read(value, key, reading) {
      if (value.type !== 'string') return wrong(value, key, reading, spec.expected);
      const result = spec.parse(value.value);
      if (result.ok) return result.value;
      return wrong(value, key, reading, spec.expected, result.error);
    },
    write: spec.write,
  };
}

function wrong(value: FileValue, key: string, reading: Reading, expected: string, why = ''): undefined {
  reading.error(value.at, why === '' ? say.wrong(key, value, expected) : say.wrongBecause(key, value, why, expected));
}

/** Text of a form. `refuse` says what is wrong with a text that has it. */
export const text = (
  expected: string,
  pattern: RegExp,
  refuse: (text: string) => string | undefined = () => undefined,
): Kind<string> =>
  parsed({
    expected,
    schema: { pattern: pattern.source },
    parse(text) {
      if (!pattern.test(text)) return err('');
      const why = refuse(text);
      return why === undefined ? ok(text) : err(why);
    },
    write: (value) => value,
  });

export const choice = <const T extends string>(...choices: readonly T[]): Kind<T> => ({
  expected: oneOf(choices),
  schema: () => ({ enum: choices }),
  read(value, key, reading) {
    if (value.type !== 'string') return wrong(value, key, reading, oneOf(choices));
    const found = choices.find((c) => c === value.value);
    if (found === undefined) reading.error(value.at, say.noChoice(key, value.value, choices));
    return found;
  },
  write: (value) => value,
});

export function integer(
  least: number,
  most: number,
  expected = `a whole number from ${least} to ${most}`,
): Kind<number> {
  return {
    expected,
    schema: () => ({ type: 'integer', minimum: least, maximum: most }),
    read(value, key, reading) {
      if (value.type === 'integer' && value.value >= least && value.value <= most) return Number(value.value);
      return wrong(value, key, reading, expected);
    },
    write: (value) => value,
  };
}

export const yesNo: Kind<boolean> = {
  expected: 'true or false',
  schema: () => ({ type: 'boolean' }),
  read: (value, key, reading) =>
    value.type === 'boolean' ? value.value : wrong(value, key, reading, 'true or false, without quotes'),
  write: (value) => value,
};

/** A duration between two, given as they are written: `"10ms"`, `"40.95s"`; a multiple of `step`. */
export function duration(least: string, most: string, step = '1ms'): Kind<Duration> {
  const [from, to, by] = [least, most, step].map(parseDuration) as [Duration, Duration, Duration];
  const steps = step === '1ms' ? '' : `, in steps of ${step}`;
  const expected = `a duration from ${quoted(least)} to ${quoted(most)}${steps}`;
  return {
    expected,
    schema: () => ({ type: 'string', pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h|d))+$' }),
    read(value, key, reading) {
      if (value.type === 'integer' || value.type === 'float')
        return wrong(value, key, reading, expected, 'a number without a unit');
      const read = value.type === 'string' ? parseDuration(value.value) : undefined;
      if (read !== undefined && read >= from && read <= to && Number.isInteger(read / by)) return read;
      return wrong(value, key, reading, expected);
    },
    write: writeDuration,
  };
}

const ADDRESS = 'an IP address';
export const address: Kind<IpAddress> = parsed({
  expected: ADDRESS,
  parse: (text) => orWhy(parseIp(text), text.includes('/') ? 'which has a prefix length' : ''),
  write: (value) => value,
});

const ENDPOINT = 'an address and a port, as in "192.0.2.10:80" or "[2001:db8::10]:80"';
export const endpoint: Kind<Endpoint> = parsed({
  expected: ENDPOINT,
  parse: (text) => orWhy(parseEndpoint(text), parseIp(text) === undefined ? '' : 'which has no port'),
  write: formatEndpoint,
});

const orWhy = <T>(value: T | undefined, why: string): Result<T, string> => (value === undefined ? err(why) : ok(value));

/** A list. An error in a value is reported at that value. `unique`: each value stands in it once. */
export function list<T>(of: Kind<T>, least: number, most: number, unique = true): Kind<readonly T[]> {
  const expected = `a list, each value ${of.expected}`;
  return {
    expected,
    schema: () => ({ type: 'array', items: of.schema(), minItems: least, maxItems: most }),
    read(value, key, reading) {
      if (value.type !== 'array') return wrong(value, key, reading, expected);
      countIn(value, value.items.length, key, least, most, reading);
      const seen = new Set<string>();
      const places = new Map<string, number>();
      const out: T[] = [];
      for (const item of value.items) {
        const read = of.read(item, key, reading);
        if (read === undefined) continue;
        const written = JSON.stringify(of.write(read));
        if (unique && seen.has(written)) reading.error(item.at, say.twiceInList(key, item));
        seen.add(written);
        places.set(String(out.length), item.at);
        out.push(read);
      }
      reading.places.set(out, { at: value.at, keys: places });
      return out;
    },
    write: (values) => values.map((v) => of.write(v)),
  };
}

function countIn(value: FileValue, count: number, key: string, least: number, most: number, reading: Reading): void {
  if (count < least) reading.error(value.at, say.tooFew(key, count, least));
  if (count > most) reading.error(value.at, say.tooMany(key, count, most));
}

/** A table whose keys are free, all values of one kind. `refuse` says what is wrong with a key. */
export function record<T>(
  expected: string,
  of: Kind<T>,
  refuse: (key: string) => string | undefined,
): Kind<Readonly<Record<string, T>>> {
  return {
    expected,
    schema: () => ({ type: 'object', additionalProperties: of.schema() }),
    read(value, key, reading) {
      if (value.type !== 'table') return wrong(value, key, reading, expected);
      const out: [string, T][] = [];
      for (const [name, entry] of value.entries) {
        const why = refuse(name);
        if (why !== undefined) reading.error(entry.keyAt, why);
        const read = of.read(entry.value, `${key}.${name}`, reading);
        if (read !== undefined) out.push([name, read]);
      }
      return Object.fromEntries(out);
    },
    write: (values) => Object.fromEntries(Object.entries(values).map(([key, v]) => [key, of.write(v)])),
  };
}

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
  const everyKey: Options = Object.assign({}, ...full.values());
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
        const known = options ?? optional(everyKey, ['type']);
        const entries = new Map(found.entries);
        if (options !== undefined && given?.type === 'string')
          for (const [foreign, { keyAt }] of found.entries)
            if (!Object.hasOwn(options, foreign) && Object.hasOwn(everyKey, foreign)) {
              const fits = types.filter((t) => Object.hasOwn(full.get(t) as Options, foreign));
              reading.error(keyAt, say.foreignKey(foreign, title, 'type', given.value, fits));
              entries.delete(foreign);
            }
        return readTable(known, { ...found, entries }, title, reading) as unknown as Variant<C, B>;
      }),
    write: (values) => writeTable(full.get(values.type) as Options, values as Values<Options>),
  };
}

const optional = (options: Options, except: readonly string[]): Options =>
  Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, except.includes(key) ? option : { ...option, default: null }]),
  );

/** A value that may also be `false`, which turns the thing off and reads as `null`. */
export const orOff = <T>(of: Kind<T>): Kind<T | null> => ({
  expected: `${of.expected}, or false`,
  schema: () => ({ anyOf: [of.schema(), { const: false }] }),
  read(value, key, reading) {
    if (value.type === 'boolean') return value.value ? wrong(value, key, reading, `${of.expected}, or false`) : null;
    return of.read(value, key, reading);
  },
  write: (value): Plain => (value === null ? false : of.write(value)),
});
