/** Places in a text as people count them, and bytes to text. */

import { err, ok, type Result } from '../base/result.ts';
import type { Issue } from './config.ts';
import { say } from './say.ts';

/** 1-based; a column counts characters (code points). */
export type Place = { readonly line: number; readonly column: number };

/** `placeOf` takes a place in UTF-16 units from 0; below 0 stands for no place, line and column 0. */
export function linesOf(text: string): { placeOf(at: number): Place } {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return {
    placeOf(at) {
      if (at < 0) return { line: 0, column: 0 };
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] as number) <= at) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: [...text.slice(starts[low], at)].length + 1 };
    },
  };
}

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
