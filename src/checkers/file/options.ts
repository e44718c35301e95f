/** Options of the file check, besides those of every check. */

import { choice, text } from '../../base/option-kinds.ts';
import { strangePlaceholder } from '../../base/placeholders.ts';

export const fileOptions = {
  file: {
    is: text('an absolute path, in which {address} and {port} are those of the server', /^\/[^\0]*$/, (path) => {
      const strange = strangePlaceholder(path);
      return strange === undefined ? undefined : `in which {${strange}} stands for nothing`;
    }),
    doc: 'File on the director that says how a server is; `{address}` and `{port}` in it are those of the server.',
  },
  absent: {
    is: choice('up', 'down'),
    default: 'up',
    doc: 'What the server counts as when there is no such file.',
  },
} as const;
