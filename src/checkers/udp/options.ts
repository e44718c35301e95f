/** Options of the UDP check, besides those of every check. */

import { derived } from '../../base/option.ts';
import { duration, text } from '../../base/option-kinds.ts';
import { type Duration, milliseconds } from '../../base/time.ts';
import { bytePattern, hexDigits } from '../pattern-option.ts';

/** How long an ICMP message is waited for, where nothing says so; within the timeout in any case. */
const WAIT = 300;

export const udpOptions = {
  send: {
    is: text('text of 1 to 16,384 characters', /^[\s\S]{1,16384}$/),
    default: null,
    absent: 'an empty datagram',
    doc: 'What the datagram says.',
  },
  send_hex: {
    is: hexDigits,
    default: null,
    absent: 'an empty datagram',
    doc: 'The same, of bytes that are no text.',
  },
  expect: {
    is: bytePattern,
    default: null,
    absent: 'no answer is needed',
    doc: 'What a datagram of the server is to match: a JavaScript regular expression, matched in linear time; each byte is one character, `.` matches line ends too.',
  },
  expect_hex: {
    is: hexDigits,
    default: null,
    absent: 'no answer is needed',
    doc: 'What a datagram of the server is to begin with, in bytes.',
  },
  wait: {
    is: duration('1ms', '5m'),
    default: derived<Duration>('`300ms`, at most half the `timeout`', ({ timeout }) =>
      milliseconds(Math.min(WAIT, ((timeout as Duration | undefined) ?? WAIT * 2) / 2)),
    ),
    doc: 'Where no answer is needed: time within which an ICMP message may say that nobody has the port.',
  },
} as const;
