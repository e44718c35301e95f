/** What a server's answer is to be, and bytes that are sent to it. */

import { parseLinear } from '../base/linear-pattern.ts';
import type { Kind } from '../base/option.ts';
import { parsed, text } from '../base/option-kinds.ts';
import { err } from '../base/result.ts';

/** A regular expression that an answer is to match. */
export const pattern: Kind<RegExp> = parsed({
  expected: 'a regular expression that can be matched in linear time',
  parse: parseLinear,
  write: (value) => value.source,
});

/** The same over bytes, each of which is one character. */
export const bytePattern: Kind<RegExp> = parsed({
  expected: 'a regular expression in ASCII that can be matched in linear time',
  parse: (source) =>
    /^\p{ASCII}+$/u.test(source)
      ? parseLinear(source)
      : err('which is not all ASCII: each byte is a character, so write others as in "\\\\xc3\\\\xa9"'),
  write: (value) => value.source,
});

/** Bytes, 1 to 16,384, as they are written. */
export const hexDigits: Kind<string> = text(
  'pairs of hexadecimal digits, with spaces where you like, as in "00 1f ff"',
  /^ *([0-9A-Fa-f]{2} *){1,16384}$/,
);
