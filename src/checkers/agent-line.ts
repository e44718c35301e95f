/**
 * What an agent says of its server in one line: the grammar of HAProxy's `agent-check`, which its configuration manual gives
 * under that name. The `agent` check reads it from a connection, the `file` check from a file.
 *
 * Words stand between spaces, tabs and commas, in any order and case; of two that contradict each other the later counts, and
 * words that are not known are passed over. What follows a `#` is for people.
 */

import { excerpt, printable } from '../base/printable.ts';
import type { Finding } from './attempt.ts';
import type { Advice } from './probe.ts';

export type AgentLine = { readonly outcome: 'up' | 'down'; readonly advice: Advice };

/** What one word says; a line says all that its words do. */
type Meaning = { readonly outcome?: 'up' | 'down' } & Advice;

const DOWN: Meaning = { outcome: 'down' };
const WORDS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['up', { outcome: 'up' }],
  ['down', DOWN],
  ['fail', DOWN],
  ['failed', DOWN],
  ['stopped', DOWN],
  ['ready', { mode: 'ready' }],
  ['drain', { mode: 'drain' }],
  ['maint', { mode: 'maint' }],
]);

const MOST_PERCENT = 10_000;
/** The largest threshold of IPVS (IPVS_DEST_ATTR_U_THRESH), as good as none. */
const NO_LIMIT = 0xffff_ffff;

/** `undefined`: no word of it is known. A line that says neither up nor down is one of a server that is up. */
export function parseAgentLine(line: string): AgentLine | undefined {
  const [words = ''] = line.split('#', 1);
  const meanings = words.split(/[ \t,]+/).flatMap((word) => meaningOf(word.toLowerCase()) ?? []);
  if (meanings.length === 0) return undefined;
  const { outcome = 'up', ...advice }: Meaning = Object.assign({}, ...meanings);
  return { outcome, advice };
}

function meaningOf(word: string): Meaning | undefined {
  const percent = /^(\d+)%$/.exec(word)?.[1];
  if (percent !== undefined) return { weight: { percent: Math.min(Number(percent), MOST_PERCENT) } };
  const most = /^maxconn:(\d+)$/.exec(word)?.[1];
  if (most !== undefined) return { maxConnections: Math.min(Number(most) || NO_LIMIT, NO_LIMIT) };
  return WORDS.get(word);
}

export const EXPECTED = 'expected "up", "down", "drain", "maint", or a weight such as "75%"';
/** Characters of a line that are kept for a reader where the reason has not all of it. */
const LONGEST = 4096;

/** A line as a finding. `said` begins the reason: `answered`, `holds`. */
export function judgeLine(said: string, line: string): Finding {
  if (line.trim() === '') return { outcome: 'down', reason: `${said} an empty line, ${EXPECTED}` };
  const quoted = `${said} "${excerpt(line)}"`;
  const output = printable(line).trim();
  const whole = output.length > 60 ? { output: output.slice(0, LONGEST) } : {};
  const read = parseAgentLine(line);
  if (read === undefined) return { outcome: 'down', reason: `${quoted}, ${EXPECTED}`, ...whole };
  return { ...read, reason: quoted, ...whole };
}
