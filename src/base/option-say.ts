/**
 * Every sentence that reading an option can report, in one place so that they read alike: what is wrong, then what was
 * expected. Each is seen once in `test/golden/config/`.
 */

import { nearest } from './nearest.ts';
import type { FileValue } from './option.ts';
import { printable } from './printable.ts';

export const say = {
  /** `wanted`: what stands for such a key here, where that is known. */
  unknownKey(key: string, title: string, known: readonly string[], wanted: string | undefined): string {
    if (wanted !== undefined) return `unknown key ${quoted(key)} in ${title}, expected ${wanted}`;
    const near = nearest(key, known);
    const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${quoted(near)}?`;
    return `unknown key ${quoted(key)} in ${title}, ${hint}`;
  },
  foreignKey: (key: string, title: string, tag: string, type: string, wanted: readonly string[]): string =>
    `${quoted(key)} is no option of ${title} with ${tag} = ${quoted(type)}, expected ${tag} = ${oneOf(wanted)} for it`,
  foreignToKey: (key: string, title: string, tag: string, wanted: readonly string[]): string =>
    `${quoted(key)} is no option of ${title} with ${quoted(tag)}, expected ${oneOf(wanted)} for it`,
  together: (first: string, second: string, title: string): string =>
    `${quoted(second)} beside ${quoted(first)} in ${title}, expected one of them, or a ${title} for each`,
  noneOf: (title: string, keys: readonly string[]): string => `nothing to go by in ${title}, expected ${oneOf(keys)}`,
  missing: (key: string, title: string, expected: string): string =>
    `missing ${quoted(key)} in ${title}, expected ${expected}`,
  wrong: (key: string, found: FileValue, expected: string): string => `${key} is ${shown(found)}, expected ${expected}`,
  wrongBecause: (key: string, found: FileValue, why: string, expected: string): string =>
    `${key} is ${shown(found)}, ${why}, expected ${expected}`,
  noChoice(key: string, found: string, choices: readonly string[]): string {
    const near = nearest(found, choices);
    const hint = near === undefined ? '' : `, did you mean ${quoted(near)}?`;
    return `${key} is ${quoted(found)}, expected ${oneOf(choices)}${hint}`;
  },
  tooFew: (key: string, found: number, least: number): string =>
    `${key} has ${found === 0 ? 'nothing' : `only ${found}`} in it, expected at least ${least}`,
  tooMany: (key: string, found: number, most: number): string =>
    `${key} has ${found} values in it, expected at most ${most}`,
  twiceInList: (key: string, found: FileValue): string => `${key} has ${shown(found)} twice, expected it once`,
  familyTwice: (key: string, family: number, earlier: string): string =>
    `${key} has a second IPv${family} address beside ${earlier}, expected at most one of each family`,
  notRepeated: (key: string, title: string): string =>
    `${key} is one table, expected a list of them: write the header as ${title}`,
  repeated: (key: string, title: string): string =>
    `${key} is a list of tables, expected one table: write the header once, as ${title}`,
};

export const quoted = (text: string): string => {
  const shown = printable(text);
  return `"${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}"`;
};

export const oneOf = (choices: readonly string[]): string =>
  choices.length < 2
    ? choices.map(quoted).join('')
    : `${choices.slice(0, -1).map(quoted).join(', ')} or ${quoted(choices.at(-1) as string)}`;

function shown(found: FileValue): string {
  if (found.type === 'string') return quoted(found.value);
  if (found.type === 'date') return `the date or time ${found.value}`;
  if (found.type === 'array') return 'a list';
  if (found.type === 'table') return 'a table';
  if (found.type === 'float' && Number.isInteger(found.value)) return found.value.toFixed(1);
  return String(found.value);
}
