/** Places in a text as people count them, and bytes to text. */

import { err, ok, type Result } from '../base/result.ts';
import type { Issue } from './config.ts';
import { say } from './say.ts';

/** 1-based; a column counts characters (code points). */
export type Place = { readonly line: number; readonly column: number };

/**
 * Both take a place in UTF-16 units from 0; below 0 stands for no place, line and column 0. Of places asked in the order of the
 * text, no line is counted through twice: a file may be one long line with an error in each of its values.
 */
export type Lines = { lineOf(at: number): number; placeOf(at: number): Place };

export function linesOf(text: string): Lines {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  let counted = { line: 1, at: 0, column: 1 };

  function lineOf(at: number): number {
    if (at < 0) return 0;
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  function placeOf(at: number): Place {
    const line = lineOf(at);
    if (line === 0) return { line, column: 0 };
    if (line !== counted.line || at < counted.at) counted = { line, at: starts[line - 1] as number, column: 1 };
    let { column } = counted;
    for (let i = counted.at; i < Math.min(at, text.length); i++) if (!endsPair(text, i)) column++;
    counted = { line, at, column };
    return { line, column };
  }

  return { lineOf, placeOf };
}

/** Whether the unit is the second of the two that one character beyond U+FFFF is written with. */
const endsPair = (text: string, i: number): boolean =>
  (text.charCodeAt(i) & 0xfc00) === 0xdc00 && i > 0 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;

/** The text of a file, or the place of the first byte that is no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): Result<string, Issue> {
  const whole = decode(bytes);
  if (whole !== undefined) return ok(whole);
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    if (decode(bytes.subarray(start, end)) === undefined) {
      let good = 0;
      let before = '';
      for (let n = 1; n <= end - start; n++) {
        const text = decode(bytes.subarray(start, start + n));
        if (text !== undefined) [good, before] = [n, text];
        // A character has at most 4 bytes (RFC 3629, 3): nothing longer can still be on its way to one.
        if (n - good >= 4) break;
      }
      return err({ severity: 'error', line, column: [...before].length + 1, message: say.notUtf8() });
    }
    start = end + 1;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
