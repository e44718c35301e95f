/**
 * The kinds of value that options have in common; those that are tables stand in `option-tables.ts`. A kind that only one
 * option has stands beside that option.
 */

import { type Endpoint, familyOf, formatEndpoint, type IpAddress, parseEndpoint, parseIp } from './address.ts';
import { type FileValue, type JsonSchema, type Kind, type Plain, type Reading, writeDuration } from './option.ts';
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

/** Reports that a value is not what was expected, with what more there is to say about it. */
export function wrong(value: FileValue, key: string, reading: Reading, expected: string, why = ''): undefined {
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

/** One address, or a list of one of each family; read as a list, IPv4 first. `of` is the kind of each. */
export function perFamily(of: Kind<IpAddress>): Kind<readonly IpAddress[]> {
  const expected = `${of.expected}, or a list with at most one of each family`;
  return {
    expected,
    schema: () => ({ anyOf: [of.schema(), { type: 'array', items: of.schema(), maxItems: 2 }] }),
    read(value, key, reading) {
      if (value.type !== 'string' && value.type !== 'array') return wrong(value, key, reading, expected);
      const found: { readonly read: IpAddress; readonly at: number }[] = [];
      for (const item of value.type === 'array' ? value.items : [value]) {
        const read = of.read(item, key, reading);
        if (read === undefined) continue;
        const earlier = found.find((f) => familyOf(f.read) === familyOf(read));
        if (earlier === undefined) found.push({ read, at: item.at });
        else reading.error(item.at, say.familyTwice(key, familyOf(read), earlier.read));
      }
      found.sort((a, b) => familyOf(a.read) - familyOf(b.read));
      const out = found.map(({ read }) => read);
      reading.places.set(out, { at: value.at, of: (i) => found[Number(i)]?.at });
      return out;
    },
    write: (values) => (values.length === 1 ? of.write(values[0] as IpAddress) : values.map((v) => of.write(v))),
  };
}

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
    ...(of.sections && { sections: of.sections }),
    read(value, key, reading) {
      if (value.type !== 'array') return wrong(value, key, reading, expected);
      countIn(value, value.items.length, key, least, most, reading);
      const seen = new Set<string>();
      const places: number[] = [];
      const out: T[] = [];
      for (const item of value.items) {
        const read = of.read(item, key, reading);
        if (read === undefined) continue;
        if (unique) {
          const written = JSON.stringify(of.write(read));
          if (seen.has(written)) reading.error(item.at, say.twiceInList(key, item));
          seen.add(written);
        }
        places.push(item.at);
        out.push(read);
      }
      reading.places.set(out, { at: value.at, of: (i) => places[Number(i)] });
      return out;
    },
    write: (values) => values.map((v) => of.write(v)),
  };
}

/** A list, or one of its values by itself. */
export function oneOrMore<T>(of: Kind<T>, most: number, least = 0): Kind<readonly T[]> {
  const many = list(of, least, most);
  return {
    ...many,
    expected: `${of.expected}, or a list of these`,
    schema: () => ({ anyOf: [of.schema(), many.schema()] }),
    read(value, key, reading) {
      if (value.type === 'array') return many.read(value, key, reading);
      return many.read({ type: 'array', items: [value], at: value.at }, key, reading);
    },
    write(values) {
      const [only, ...others] = values;
      return only !== undefined && others.length === 0 ? of.write(only) : many.write(values);
    },
  };
}

/** Reports a list that is too short or too long. */
export function countIn(
  value: FileValue,
  count: number,
  key: string,
  least: number,
  most: number,
  reading: Reading,
): void {
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
