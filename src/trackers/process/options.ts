/** Options of a tracked process, besides those of everything tracked. */

import { duration, integer, text } from '../../base/option-kinds.ts';

export const processOptions = {
  process: {
    is: text('the name of a program, without its folder', /^[^/\0]{1,255}$/),
    doc: 'Name of the program that must run, as `ps -o comm` shows it, in full.',
  },
  count: { is: integer(1, 10_000), default: 1, doc: 'How many processes of that name must run, at least.' },
  delay: { is: duration('0s', '1h'), default: '0s', doc: 'How long it may be gone before that counts.' },
} as const;
