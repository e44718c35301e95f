/** Options of a tracked script, besides those of everything tracked. */

import { derived } from '../../base/option.ts';
import { duration, integer } from '../../base/option-kinds.ts';
import { command, userName } from '../../base/option-net.ts';
import { type Duration, milliseconds } from '../../base/time.ts';

export const scriptOptions = {
  script: {
    is: command,
    doc: 'Program, as an absolute path, and its arguments; no shell. It is well with exit code 0.',
  },
  interval: { is: duration('100ms', '1h'), default: '1s', doc: 'Time between the starts of two runs.' },
  timeout: {
    is: duration('10ms', '5m'),
    default: derived<Duration>('`interval`, at most `3s`', ({ interval }) =>
      milliseconds(Math.min((interval as Duration | undefined) ?? 3000, 3000)),
    ),
    doc: 'Time for a run; then it is killed, and has failed.',
  },
  rise: { is: integer(1, 100), default: 1, doc: 'Good runs in a row that bring it back.' },
  fall: { is: integer(1, 100), default: 1, doc: 'Bad runs in a row that fail it.' },
  user: {
    is: userName,
    default: 'nobody',
    doc: 'Whose rights it runs with, as in /etc/passwd. Nobody but root and this user may be able to write to the program or a folder above it.',
  },
} as const;
