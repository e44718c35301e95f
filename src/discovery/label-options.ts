/** Options of every discovery whose list has labels, as those of Prometheus have. */

import { text } from '../base/option-kinds.ts';

const label = text('the name of a label, as in "weight"', /^[A-Za-z_][A-Za-z0-9_]{0,127}$/);

export const labelOptions = {
  weight_label: {
    is: label,
    default: 'weight',
    doc: 'Label with the weight of the targets of its group, a whole number from 0 to 65535; without it `weight` counts.',
  },
  name_label: {
    is: label,
    default: null,
    absent: 'none: a server is called by its address',
    doc: 'Label with the name of a server.',
  },
} as const;
