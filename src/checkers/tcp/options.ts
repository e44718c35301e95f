/** Options of the TCP check, besides those of every check. */

import { list, text, yesNo } from '../../base/option-kinds.ts';
import { inlineTable } from '../../base/option-tables.ts';
import { secureConnectionOptions } from '../connection-options.ts';
import { bytePattern, hexDigits } from '../pattern-option.ts';
import { tlsOptions } from '../tls-options.ts';

const STEP = {
  send: {
    is: text('text of 1 to 16,384 characters', /^[\s\S]{1,16384}$/),
    default: null,
    absent: 'nothing',
    doc: 'What is sent first. A line mostly has to end with `\\r\\n`.',
  },
  send_hex: {
    is: hexDigits,
    default: null,
    absent: 'nothing',
    doc: 'The same, of bytes that are no text.',
  },
  expect: {
    is: bytePattern,
    default: null,
    absent: 'nothing is waited for',
    doc: 'What the server is to say: a JavaScript regular expression, matched in linear time, somewhere in what it has said since the last step; each byte is one character, `^` and `$` match at the ends of lines, `.` matches line ends too.',
  },
  expect_not: {
    is: bytePattern,
    default: null,
    absent: 'nothing',
    doc: 'What the server must not say before what `expect` matches, or in it.',
  },
} as const;

export const tcpOptions = {
  tls: { is: yesNo, default: false, doc: 'Whether the connection is secured with TLS.' },
  steps: {
    is: list(
      inlineTable(
        '[service.check] steps',
        'a table such as { send = "PING\\r\\n", expect = "^\\\\+PONG" }',
        'A step of a dialogue: something is sent, something is waited for, or both.',
        STEP,
      ),
      0,
      32,
      false,
    ),
    default: [],
    absent: 'that the connection opens is the answer',
    doc: 'What is said and expected on the connection, in order.',
  },
  ...secureConnectionOptions,
  ...tlsOptions,
} as const;
