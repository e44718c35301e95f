/** What `failover`, `demote` and `promote` share: their options, who gives the order, and what is said of it. */

import { userInfo } from 'node:os';
import { err, ok, type Result } from '../base/result.ts';
import { formatDuration, milliseconds, parseDuration } from '../base/time.ts';
import type { OrderAnswer, OrderOutcome } from '../control/director.ts';
import { type Arguments, EXIT, type ExitCode, type Io, JSON_OPTION, type Option, SOCKET_OPTION } from './verb.ts';

export const TERMS = {
  for: { value: 'TIME', help: 'after which it ends by itself: "90s", "10m", "2h"' },
  reason: { value: 'TEXT', help: 'why, for the events, the alerts and the status' },
  json: JSON_OPTION,
  socket: SOCKET_OPTION,
} as const satisfies Readonly<Record<string, Option>>;

/** The fields of the request that the options give; without `--for` the API's own lifetime counts. */
export function termsOf(args: Arguments, io: Io): Result<Readonly<Record<string, unknown>>, string> {
  const text = args.values.get('for');
  const lifetime = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && (lifetime === undefined || lifetime <= 0))
    return err(`--for ${text} is no time; give a number and a unit, such as "90s", "10m" or "2h"`);
  return ok({
    ...(lifetime !== undefined && { for_ms: lifetime }),
    reason: args.values.get('reason') ?? '',
    by: author(io),
  });
}

/** The person behind the process: whoever became root by sudo or doas, else the one who logged in. */
export function author({ environment }: Pick<Io, 'environment'>): string {
  const { SUDO_USER, DOAS_USER, LOGNAME } = environment;
  const named = [SUDO_USER, DOAS_USER, LOGNAME].find((name) => name !== undefined && name !== '');
  if (named !== undefined) return named;
  try {
    return userInfo().username;
  } catch {
    // Nobody in passwd(5) has this uid.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Prints the answer; the exit code says whether any of it was impossible. */
export function sayAnswer({ routers }: OrderAnswer, args: Arguments, io: Io): ExitCode {
  if (args.flags.has('json')) io.out(`${JSON.stringify({ routers }, null, 2)}\n`);
  else for (const line of linesOf(routers)) io.out(`${line}\n`);
  const impossible = routers.filter(({ done }) => done === 'impossible');
  if (!args.flags.has('json')) for (const { router, detail } of impossible) io.err(`lvskeeper: ${router}: ${detail}\n`);
  return impossible.length > 0 ? EXIT.failed : EXIT.ok;
}

function linesOf(routers: readonly OrderOutcome[]): string[] {
  const lines = routers.filter(({ done }) => done !== 'impossible').map(lineOf);
  for (const group of new Set(routers.map(({ syncGroup }) => syncGroup))) {
    const members = routers.filter(({ syncGroup }) => syncGroup === group).map(({ router }) => router);
    if (group !== null && members.length > 1)
      lines.push(`${listed(members)} are in the sync group ${group}: they go together`);
  }
  const lasting = routers.find(({ done, order }) => done === 'given' && order?.until === null);
  if (lasting?.order)
    lines.push(`it stays so until \`lvskeeper ${lasting.order.kind} ${lasting.router} --cancel\` takes it back`);
  return lines;
}

function lineOf({ router, before, done, order, detail }: OrderOutcome): string {
  if (order === null || done === 'nothing') return `${router}: ${detail}`;
  if (done === 'taken-back') return `${router}: no longer ${order.kind}d by ${order.by}`;
  const left =
    order.until === null
      ? ''
      : ` for ${formatDuration(milliseconds(Date.parse(order.until) - Date.parse(order.since)))}`;
  const reason = order.reason === '' ? '' : `: ${order.reason}`;
  const was =
    before === null
      ? 'the vrrp process does not answer, and is told as soon as it does'
      : `it was ${before.toUpperCase()} here`;
  return `${router}: ${order.kind}d by ${order.by}${left}${reason}; ${was}`;
}

const listed = (names: readonly string[]): string => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
