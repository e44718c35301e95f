/** Options of a tracked service, besides those of everything tracked. */

import { text } from '../../base/option-kinds.ts';

export const serviceOptions = {
  service: {
    is: text('the name of a [[service]]', /^[^\0]{1,64}$/u),
    doc: 'Name of the `[[service]]` that must have its quorum.',
  },
} as const;
