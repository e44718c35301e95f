/** `lvskeeper events` */

import { nearest } from '../base/nearest.ts';
import { err, ok, type Result } from '../base/result.ts';
import { parseDuration } from '../base/time.ts';
import { follow } from '../control/client.ts';
import type { Event } from '../control/event.ts';
import { parseKind, parseLimit, parseSince } from '../control/event-query.ts';
import { EVENT_KINDS } from '../control/journal.ts';
import { ask } from './ask.ts';
import { renderEvent } from './render-event.ts';
import {
  type Arguments,
  EXIT,
  type ExitCode,
  type Io,
  painter,
  SOCKET_OPTION,
  socketOf,
  type VerbModule,
} from './verb.ts';

export const events: VerbModule = {
  operands: [0, 0],
  options: {
    follow: { short: 'f', help: 'go on with what happens from now on' },
    since: { value: 'WHEN', help: 'from a time, an age ("10m") or after a number' },
    kind: { value: 'KIND', help: 'only vrrp, split-brain, server, quorum, ...' },
    limit: { value: 'N', help: 'the latest N (100; with --follow 10)' },
    json: { help: 'one JSON object a line' },
    socket: SOCKET_OPTION,
  },
  about: `
What happened since the daemon started, oldest first, times in this machine's time zone. WHEN is an RFC 3339 time, an age such
as "90s", "10m" or "2h", or the number ("seq") of the last event already known. Several kinds are joined by commas.
`,
  run: async (args, io) => {
    const query = queryOf(args, io);
    if (!query.ok) return { wrong: query.error };
    if (args.flags.has('follow')) return followEvents(args, io, query.value);
    const answer = await ask(args, io, { method: 'GET', path: `/events?${query.value}` });
    if (typeof answer === 'number') return answer;
    for (const event of answer.body as readonly Event[]) io.out(lineOf(event, args, io));
    return EXIT.ok;
  },
};

/** Checked here, so that what is wrong is said of what was typed. */
function queryOf(args: Arguments, io: Io): Result<URLSearchParams, string> {
  const query = new URLSearchParams();
  const since = args.values.get('since');
  if (since !== undefined) {
    const age = parseDuration(since);
    const from = age === undefined ? parseSince(since) : new Date(io.now().getTime() - age);
    if (from === undefined)
      return err(`--since ${since} is no time; give an age ("10m"), an RFC 3339 time, or the seq of an event`);
    query.set('since', typeof from === 'number' ? String(from) : from.toISOString());
  }
  for (const kind of args.values.get('kind')?.split(',') ?? []) {
    if (parseKind(kind) === undefined) return err(noSuchKind(kind));
    query.append('kind', kind);
  }
  const limit = args.values.get('limit');
  if (limit !== undefined && parseLimit(limit) === undefined)
    return err(`--limit ${limit} is no count; give a whole number`);
  if (limit !== undefined) query.set('limit', limit);
  else if (since === undefined) query.set('limit', args.flags.has('follow') ? '10' : '100');
  if (args.flags.has('follow')) query.set('follow', '1');
  return ok(query);
}

function noSuchKind(kind: string): string {
  const near = nearest(kind, EVENT_KINDS);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return `there is no kind ${kind}${hint}\nThe kinds are ${EVENT_KINDS.join(', ')}.`;
}

async function followEvents(args: Arguments, io: Io, query: URLSearchParams): Promise<ExitCode> {
  for await (const item of follow(socketOf(args, io), query.toString(), new AbortController().signal)) {
    if (item.ok) io.out(lineOf(item.value, args, io));
    else {
      io.err(`lvskeeper: ${item.error.message}\n`);
      return item.error.code === 'REFUSED' ? EXIT.failed : EXIT.unreachable;
    }
  }
  return EXIT.ok;
}

const lineOf = (event: Event, args: Arguments, io: Io): string =>
  args.flags.has('json')
    ? `${JSON.stringify(event)}\n`
    : renderEvent(event, { width: io.columns, paint: painter(io.colour) });
