/** What an agent can say. That HAProxy reads the same lines in the same way is seen in test/interop/haproxy-agent.test.ts. */

import type { Advice } from '../../../src/checkers/probe.ts';
import { after, both, closes, pours, resets, says, silent } from '../behaviour.ts';
import { PLAIN } from '../checks.ts';
import { accepts, closedPort, fullQueue, type Manner } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { agent } from '../servers.ts';

const WANTED = 'expected "up", "down", "drain", "maint", or a weight such as "75%"';
const percent = (share: number): Advice => ({ weight: { percent: share } });

const LINES: readonly (readonly [line: string, verdict: Verdict, advice?: Advice])[] = [
  ['up\n', 'up: answered "up"', {}],
  ['ready\n', 'up: answered "ready"', { mode: 'ready' }],
  ['75%\n', 'up: answered "75%"', percent(75)],
  ['0%\n', 'up: answered "0%"', percent(0)],
  ['20000%\n', 'up: answered "20000%"', percent(10_000)],
  ['up 50% maxconn:30\n', 'up: answered "up 50% maxconn:30"', { ...percent(50), maxConnections: 30 }],
  ['drain\n', 'up: answered "drain"', { mode: 'drain' }],
  ['maint\n', 'up: answered "maint"', { mode: 'maint' }],
  ['down\n', 'down: answered "down"', {}],
  ['DOWN #disk full\n', 'down: answered "DOWN #disk full"', {}],
  ['fail\n', 'down: answered "fail"', {}],
  ['stopped\n', 'down: answered "stopped"', {}],
  ['up down\n', 'down: answered "up down"', {}],
  ['up, 10%\tready\r\n', 'up: answered "up, 10% ready"', { ...percent(10), mode: 'ready' }],
  ['up', 'up: answered "up"', {}],
  ['up 75% what?\n', 'up: answered "up 75% what?"', percent(75)],
  ['\n', `down: answered an empty line, ${WANTED}`],
  ['# nothing\n', `down: answered "# nothing", ${WANTED}`],
  ['75\n', `down: answered "75", ${WANTED}`],
  ['-5%\n', `down: answered "-5%", ${WANTED}`],
  ['HTTP/1.1 400 Bad Request\r\n', `down: answered "HTTP/1.1 400 Bad Request", ${WANTED}`],
  ['\u0000\u001b[2J\n', `down: answered "[2J", ${WANTED}`],
];

const line = (text: string, verdict: Verdict, advice?: Advice): Row => ({
  what: `agent: ${JSON.stringify(text)}`,
  toml: PLAIN.agent.toml,
  manner: accepts(agent(text)),
  verdict,
  ...(advice && { advice }),
});

const MANNERS: readonly (readonly [what: string, manner: Manner, verdict: Verdict, more?: string])[] = [
  ['a line that does not end', accepts(says('up 50%')), 'down: answered "up 50%", but no end of the line in {timeout}'],
  [
    'half a line, then reset',
    accepts(both(says('drain'), after(50, resets))),
    'down: connection reset after "drain", the beginning of a line',
  ],
  [
    'a line without an end',
    accepts(pours('up ')),
    `down: answered "${'up '.repeat(20)}…", and no end of the line in 64 KiB`,
  ],
  ['many lines', accepts(pours('up\n')), 'up: answered "up"'],
  ['a closed port, which counts as up', closedPort, 'up: connection refused, which counts as up', 'absent = "up"'],
  [
    'silence, which counts as up',
    accepts(silent),
    'up: connected, but no answer in {timeout}, which counts as up',
    'absent = "up"',
  ],
  ['a dropped SYN, which counts as up', fullQueue(), 'up: no answer in {timeout}, which counts as up', 'absent = "up"'],
  [
    'closed at once, which counts as up',
    accepts(closes),
    'up: connection closed without an answer, which counts as up',
    'absent = "up"',
  ],
  ['"down", which counts', accepts(agent('down\n')), 'down: answered "down"', 'absent = "up"'],
];

export const AGENT: readonly Row[] = [
  ...LINES.map((one) => line(...one)),
  ...MANNERS.map(([what, manner, verdict, more = '']) => ({
    what: `agent: ${what}`,
    toml: `${PLAIN.agent.toml}\n${more}`,
    manner,
    verdict,
  })),
];
