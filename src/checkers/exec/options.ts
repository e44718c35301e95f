/** Options of the exec check, besides those of every check. */

import { yesNo } from '../../base/option-kinds.ts';
import { command, userName } from '../../base/option-net.ts';

export const execOptions = {
  command: {
    is: command,
    doc: 'Program, as an absolute path, and its arguments; no shell. The server is up when it exits with 0.',
  },
  user: {
    is: userName,
    default: 'nobody',
    doc: 'Whose rights it runs with, as in /etc/passwd. Nobody but root and this user may be able to write to the program or a folder above it.',
  },
  weight_from_exit: {
    is: yesNo,
    default: false,
    doc: 'Whether exit codes from 2 to 255 mean up too, with a weight that is 2 less, in place of the configured one.',
  },
} as const;
