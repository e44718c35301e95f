/** Options of the exec alert, besides those of every alert. */

import { list, text } from '../../base/option-kinds.ts';

export const execOptions = {
  command: {
    is: list(text('text in quotes', /^[^\0]*$/), 1, 1000, false),
    doc: 'Program, as an absolute path, and its arguments; no shell. It reads the alert as JSON from standard input.',
  },
} as const;
