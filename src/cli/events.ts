/** `lvskeeper events` */

import { parseDuration } from '../base/time.ts';
import { follow } from '../control/client.ts';
import type { Event } from '../control/event.ts';
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
    kind: { value: 'KIND', help: 'only vrrp, server, quorum, reload, process, ...' },
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
    if (args.flags.has('follow')) return followEvents(args, io, query);
    const answer = await ask(args, io, { method: 'GET', path: `/events?${query}` });
    if (typeof answer === 'number') return answer;
    for (const event of answer.body as readonly Event[]) io.out(lineOf(event, args, io));
    return EXIT.ok;
  },
};

function queryOf(args: Arguments, io: Io): URLSearchParams {
  const query = new URLSearchParams();
  const since = args.values.get('since');
  const ago = since === undefined ? undefined : parseDuration(since);
  if (ago !== undefined) query.set('since', new Date(io.now().getTime() - ago).toISOString());
  else if (since !== undefined) query.set('since', since);
  const kind = args.values.get('kind');
  if (kind !== undefined) query.set('kind', kind);
  const limit = args.values.get('limit');
  if (limit !== undefined) query.set('limit', limit);
  else if (since === undefined) query.set('limit', args.flags.has('follow') ? '10' : '100');
  if (args.flags.has('follow')) query.set('follow', '1');
  return query;
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
