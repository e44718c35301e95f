/** Options of the ping check, besides those of every check. */

import { duration, integer } from '../../base/option-kinds.ts';

export const pingOptions = {
  count: { is: integer(1, 100), default: 1, doc: 'Echo requests in one probe.' },
  spacing: {
    is: duration('10ms', '1m'),
    default: '100ms',
    doc: 'Time between the requests of a probe; all of them leave within the `timeout`.',
  },
  max_loss: {
    is: integer(0, 99),
    default: 0,
    doc: 'How many of the requests of a probe may stay without an answer, in percent.',
  },
  size: { is: integer(0, 65_000), default: 56, doc: 'Bytes of data in a request.' },
} as const;
