/** Options of a tracked script, besides those of everything tracked. */

import { derived, type Kind } from '../../base/option.ts';
import { duration, integer, list, text } from '../../base/option-kinds.ts';
import { say } from '../../base/option-say.ts';
import { type Duration, milliseconds } from '../../base/time.ts';

const words = list(text('text in quotes', /^[^\0]*$/), 1, 1000, false);
const COMMAND = 'a list: a program by its absolute path, and its arguments';
const command: Kind<readonly string[]> = {
  ...words,
  expected: COMMAND,
  read(value, key, reading) {
    const [first] = value.type === 'array' ? value.items : [];
    if (first?.type !== 'string' || first.value.startsWith('/')) return words.read(value, key, reading);
    reading.error(first.at, say.wrong(key, first, 'a program by its absolute path'));
    return undefined;
  },
};

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
    is: text('the name of a user', /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/),
    default: 'nobody',
    doc: 'Whose rights it runs with, as in /etc/passwd. Nobody but root and this user may be able to write to the program or a folder above it.',
  },
} as const;
