/** Options of the agent check, besides those of every check. */

import { choice, text } from '../../base/option-kinds.ts';
import { connectionOptions } from '../connection-options.ts';

export const agentOptions = {
  send: {
    is: text('text of one character or more', /^[\s\S]+$/),
    default: null,
    absent: 'nothing',
    doc: 'What the agent is sent as soon as it is connected, with its line end where it wants one.',
  },
  absent: {
    is: choice('up', 'down'),
    default: 'down',
    doc: 'What the server counts as when no agent answers: its port is closed, or nothing comes.',
  },
  ...connectionOptions,
} as const;
