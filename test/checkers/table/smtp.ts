/** What a mail server can answer. */

import { after, type Behaviour, both, closes, pours, resets, says, silent } from '../behaviour.ts';
import { CONNECTED } from '../checks.ts';
import { accepts } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { certified, mail, type Replies } from '../servers.ts';

const nothing: Behaviour = () => undefined;
const GOOD: Verdict = 'up: 250 mx.example.test';

const CASES: readonly (readonly [what: string, replies: Replies, verdict: Verdict])[] = [
  ['a greeting that refuses', { '': '554 No service here\r\n' }, 'down: greeting: 554 No service here, expected 220'],
  [
    'a greeting that is busy, then closed',
    { '': both(says('421 Too many\r\n'), closes) },
    'down: greeting: 421 Too many, expected 220',
  ],
  ['a slow greeting', { '': after(300, says('220 mx\r\n')) }, GOOD],
  ['a greeting of several lines', { '': '220-mx\r\n220-no spam\r\n220 please\r\n' }, GOOD],
  ['half a greeting, then silence', { '': '220 mx.exam' }, 'down: no greeting in {timeout}'],
  [
    'half a greeting, then closed',
    { '': both(says('220 mx.exam'), closes) },
    'down: connection closed before a greeting',
  ],
  ['a greeting without an end', { '': pours('220-more\r\n') }, 'down: greeting: more than 64 KiB without an end'],
  ['a greeting of two codes', { '': '220-mx\r\n250 mx\r\n' }, 'down: greeting: not SMTP: 250 in the middle of a 220'],
  ['a greeting without a code', { '': 'hello\r\n' }, 'down: greeting: not SMTP: hello'],
  ['lines that end without CR', { '': '220 mx\n' }, GOOD],
  [
    'EHLO is not known',
    { EHLO: '502 Command not implemented\r\n' },
    'down: answer to EHLO: 502 Command not implemented, expected 250',
  ],
  ['EHLO is not answered', { EHLO: nothing }, 'down: no answer to EHLO in {timeout}'],
  ['EHLO ends the connection', { EHLO: closes }, 'down: connection closed before an answer to EHLO'],
  ['EHLO resets the connection', { EHLO: resets }, 'down: connection reset before an answer to EHLO'],
  ['half an answer to EHLO', { EHLO: '250-mx\r\n250-SIZE\r\n' }, 'down: no answer to EHLO in {timeout}'],
  [
    'an answer to EHLO without an end',
    { EHLO: pours('250-SIZE\r\n') },
    'down: answer to EHLO: more than 64 KiB without an end',
  ],
  ['a line without an end', { EHLO: pours('x', '250-') }, 'down: answer to EHLO: a line of more than 4 KiB'],
  ['QUIT is not answered', { QUIT: silent }, 'down: no answer to QUIT in {timeout}'],
  ['QUIT ends the connection', { QUIT: closes }, GOOD],
  ['QUIT resets the connection', { QUIT: resets }, GOOD],
  ['QUIT is refused', { QUIT: '500 Stay\r\n' }, GOOD],
];

const STARTTLS: readonly (readonly [what: string, replies: Replies, verdict: Verdict])[] = [
  ['it is not offered', { EHLO: '250 mx.example.test\r\n' }, 'down: STARTTLS is not offered'],
  [
    'it is refused',
    { STARTTLS: '454 TLS not available\r\n' },
    'down: answer to STARTTLS: 454 TLS not available, expected 220',
  ],
  ['it is not answered', { STARTTLS: nothing }, 'down: no answer to STARTTLS in {timeout}'],
  ['it ends the connection', { STARTTLS: closes }, 'down: connection closed before an answer to STARTTLS'],
];

const rows = (name: 'smtp' | 'smtp starttls', cases: typeof CASES): readonly Row[] =>
  cases.map(([what, replies, verdict]) => ({
    what: `${name}: ${what}`,
    toml: CONNECTED[name].toml,
    manner: accepts(mail(replies, certified('good'))),
    verdict,
  }));

export const MAIL: readonly Row[] = [...rows('smtp', CASES), ...rows('smtp starttls', STARTTLS)];
