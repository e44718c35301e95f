/** Options of the discovery by file, besides those of every discovery. */

import { duration, text } from '../../base/option-kinds.ts';
import { labelOptions } from '../label-options.ts';

const path = text('an absolute path, whose last part may have * and ?', /^\/[^\0]*[^\0/]$/, (written) =>
  /[*?]/.test(written.slice(0, written.lastIndexOf('/'))) ? 'which has * or ? in the name of a folder' : undefined,
);

export const fileOptions = {
  file: {
    is: path,
    doc: 'File with the list, or a pattern for the files of one folder, as in `"/etc/lvskeeper/web-*.json"`; replace a file by renaming a whole one over it.',
  },
  interval: {
    is: duration('1s', '1h'),
    default: '30s',
    doc: 'How often it is read besides, whether or not a change was noticed.',
  },
  ...labelOptions,
} as const;
