/**
 * Regular expressions that are matched in time linear in the text, whatever the text is.
 *
 * A backtracking matcher can be stalled by a pattern and a text that do not fit (`(a+)+b` on 28 letters: seconds), and
 * a stalled checker sees no server fail. V8 has a second matcher that never backtracks, asked for with the flag `l`. It knows
 * a part of the language only; a pattern outside that part is refused when the config is read. Reading needs no special
 * flag of the runtime, matching does: `--enable-experimental-regexp-engine`.
 */

import { err, ok, type Result } from './result.ts';

/** The linear matcher unrolls `{n}`: nested, the counts multiply, and it gives up above this (V8, experimental.cc). */
const MOST_COPIES = 16;

/** The pattern, with `.` matching a line's end too, or why it is none that can be matched in linear time. */
export function parseLinear(source: string): Result<RegExp, string> {
  const why = beyondLinear(source);
  if (why !== undefined) return err(why);
  try {
    return ok(new RegExp(source, 's'));
  } catch (error) {
    // "Invalid regular expression: /(/s: Unterminated group": only the last part is news to the reader.
    return err(`which is no regular expression (${(error as Error).message.replace(/^.*\/[a-z]*: /s, '')})`);
  }
}

/** The same pattern for the linear matcher. Throws a SyntaxError in a process that was not started with its flag. */
export const toLinear = (pattern: RegExp): RegExp => new RegExp(pattern.source, `${pattern.flags}l`);

function beyondLinear(source: string): string | undefined {
  // For each open group the most copies of anything in it; for the last atom, of anything in the atom.
  const open = [1];
  let atom = 1;
  for (let i = 0; i < source.length; i++) {
    const rest = source.slice(i, i + 80);
    const repeat = /^(?:\{(\d+)(,?)(\d*)\}|[*+?])/.exec(rest);
    if (rest.startsWith('\\')) {
      if (/^\\([1-9]|k<)/.test(rest)) return 'which refers back to a group';
      i++;
      atom = 1;
    } else if (rest.startsWith('[')) {
      i = endOfClass(source, i);
      atom = 1;
    } else if (rest.startsWith('(')) {
      const special = /^\(\?(?!:|<[^=!])(.{0,2})/s.exec(rest);
      if (special)
        return /^(<?[=!])/.test(special[1] as string) ? 'which looks around' : 'which changes flags in a group';
      open.push(1);
    } else if (rest.startsWith(')')) {
      atom = open.length > 1 ? (open.pop() as number) : 1;
    } else if (repeat) {
      const [all, least, comma, most] = repeat;
      atom *= Math.max(1, Number(least === undefined ? 1 : comma === '' || most === '' ? least : most));
      if (atom > MOST_COPIES)
        return `which repeats a part more than ${MOST_COPIES} times by count (nested counts multiply)`;
      i += all.length - 1;
    } else atom = 1;
    open[open.length - 1] = Math.max(open.at(-1) as number, atom);
  }
  return undefined;
}

function endOfClass(source: string, from: number): number {
  let i = from + 1;
  while (i < source.length && source[i] !== ']') i += source[i] === '\\' ? 2 : 1;
  return i;
}
