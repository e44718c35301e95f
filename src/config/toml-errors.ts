/**
 * What the npm package `toml` throws, in words for people.
 *
 * Its grammar lists every token that could have gone on, up to thirty; what a reader wants is which of six things was
 * expected there. Its compiler has a fixed set of messages.
 */

import { say } from './say.ts';

type Explained = { readonly at: number; readonly message: string };
type Expectation = {
  readonly type: string;
  readonly text?: string;
  readonly parts?: readonly unknown[];
  readonly inverted?: boolean;
};
type GrammarError = Error & {
  readonly expected: readonly Expectation[];
  readonly location: { readonly start: { readonly offset: number } };
};

/** A syntax error of the grammar, `undefined` for anything else. */
export function explainGrammar(error: Error, text: string): Explained | undefined {
  if (!('location' in error && 'expected' in error)) return undefined;
  const { expected, location } = error as GrammarError;
  const at = location.start.offset;
  return { at, message: say.unexpected(foundAt(text, at), expectedIn(expected, text, at)) };
}

function foundAt(text: string, at: number): string {
  const rest = text.slice(at, at + 60);
  if (rest === '') return 'end of the file';
  if (/^\r?\n/.test(rest)) return 'end of the line';
  const found = /^[\p{L}\p{N}_.:-]+/u.exec(rest)?.[0] ?? String.fromCodePoint(rest.codePointAt(0) as number);
  if (/^[\p{Cc}\u2028\u2029\ufeff]/u.test(found))
    return `the control character U+${(found.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
  return JSON.stringify(found);
}

function expectedIn(expected: readonly Expectation[], text: string, at: number): string {
  const can = (literal: string) => expected.some((e) => e.type === 'literal' && e.text === literal);
  const inString = expected.some((e) => e.type === 'class' && e.inverted === true);
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  if (/^\s*\[+\s*$/.test(before) && !can('true')) return 'the name of a table';
  if (/^\s*$/.test(before) && can('[') && !can('true')) return 'a key, or a header such as [log]';
  if (/=\s*[+-]?0\d*$/.test(before)) return 'a number that does not begin with 0, or text in quotes';
  if (can('true'))
    return can(']') ? 'a value or "]"' : 'a value: text in quotes, a number, true, false, [ … ] or { … }';
  if (inString && can('"""')) return 'the closing """';
  if (inString && can("'''")) return "the closing '''";
  if (inString && can('"')) return 'the closing " of the text';
  if (inString && can("'")) return "the closing ' of the text";
  if (can('=')) return 'a key (a name without spaces, or in quotes), then "=" and a value';
  if (can(']')) return can(',') ? '"," or "]"' : can('.') || !/[[,]\s*$/.test(before) ? '"]"' : 'a name';
  if (can('}')) return can(',') ? '"," or "}"' : 'a key or "}"';
  if (can('#'))
    return /\d$/.test(before) ? 'the end of the line; a value with a unit is text: write "1s"' : 'the end of the line';
  if (/[=[,{]\s*[\w.+:-]*$/.test(before)) return 'a value; text, durations and addresses stand in quotes';
  return 'a key or a table header';
}

/** An error of the compiler or of the grammar's checks on values, `undefined` for anything else. */
export function explainMeaning(error: Error, text: string): Explained | undefined {
  if (!('line' in error && 'column' in error && typeof error.line === 'number' && typeof error.column === 'number'))
    return undefined;
  let start = 0;
  for (let line = 1; line < error.line; line++) start = text.indexOf('\n', start) + 1;
  const at = start + error.column - 1;
  for (const [pattern, message] of MEANINGS) {
    const match = pattern.exec(error.message);
    if (match) return { at, message: message(match[1] ?? '') };
  }
  return { at, message: say.badValue(error.message.replace(/\.$/, '').toLowerCase()) };
}

const MEANINGS: readonly (readonly [RegExp, (detail: string) => string])[] = [
  [/^Cannot redefine existing key '(.*)'\.$/s, (key) => say.keyTwice(key)],
  [/^Cannot (?:use dotted keys to extend table|extend inline table) '(.*?)'/s, (key) => say.tableClosed(key)],
  [/^Cannot append to statically defined array '(.*)'\.$/s, (key) => say.arrayClosed(key)],
  [/64-bit signed/, () => say.integerTooLarge()],
  [/^Invalid escape sequence/, () => say.badEscape()],
  [/^Invalid Unicode escape code/, () => say.badEscape()],
  [/^Maximum nesting depth of (\d+)/, (depth) => say.tooDeep(depth)],
  [/^Invalid (?:date|time|offset): (.*)\.$/, (what) => say.badValue(what)],
];
