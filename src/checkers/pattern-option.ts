/** A regular expression that a server's answer is to match. */

import { parseLinear } from '../base/linear-pattern.ts';
import type { Kind } from '../base/option.ts';
import { parsed } from '../base/option-kinds.ts';

export const pattern: Kind<RegExp> = parsed({
  expected: 'a regular expression that can be matched in linear time',
  parse: parseLinear,
  write: (value) => value.source,
});
