/** Options of a tracked file, besides those of everything tracked. */

import { absolutePath } from '../../base/option-net.ts';

export const fileOptions = {
  file: {
    is: absolutePath,
    doc: 'File with a whole number; the weight times that number is added to the priority. A missing file counts as 0.',
  },
} as const;
