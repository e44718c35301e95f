/** `lvskeeper add-server`, `remove-server` */

import type { ServerChangeAnswer } from '../control/director.ts';
import { ask } from './ask.ts';
import { changeAnswerLines } from './change-words.ts';
import { author } from './order-terms.ts';
import {
  type Arguments,
  EXIT,
  type ExitCode,
  type Io,
  JSON_OPTION,
  type Option,
  SOCKET_OPTION,
  type VerbModule,
} from './verb.ts';

const REASON: Option = { value: 'TEXT', help: 'why, for the events and the status' };

export const addServer: VerbModule = {
  operands: [2, 2],
  options: {
    weight: { value: 'N', help: 'its weight while it is up, 0 to 65535 (1)' },
    name: { value: 'NAME', help: 'its name (its address)' },
    forward: { value: 'MODE', help: 'nat, tun or dr (that of the service)' },
    reason: REASON,
    json: JSON_OPTION,
    socket: SOCKET_OPTION,
  },
  about: `
SERVICE, by its name in the config, gets a server at ADDRESS, with or without port, as if the file had it: by the rules of the
file, and checked before it gets traffic. The file is not touched. It stays so, over reloads and restarts, until \`remove-server\`
takes it back, \`reload --discard\` drops it, or the file has it. A server that \`remove-server\` took out comes back by its address alone.
`,
  run: (args, io) => {
    const [service = '', address] = args.operands;
    const weight = args.values.get('weight');
    const to = weight === undefined ? undefined : /^\d{1,5}$/.test(weight) ? Number(weight) : Number.NaN;
    if (to !== undefined && !(to <= 65535))
      return Promise.resolve({ wrong: `${weight} is no weight; give a whole number, 0 to 65535` });
    const [name, forward] = [args.values.get('name'), args.values.get('forward')];
    const json = {
      address,
      ...(name !== undefined && { name }),
      ...(to !== undefined && { weight: to }),
      ...(forward !== undefined && { forward }),
      reason: args.values.get('reason') ?? '',
      by: author(io),
    };
    return send(args, io, { method: 'POST', path: pathOf(service), json });
  },
};

export const removeServer: VerbModule = {
  operands: [2, 2],
  options: { reason: REASON, json: JSON_OPTION, socket: SOCKET_OPTION },
  about: `
SERVER, by its name or its address with or without port, leaves SERVICE as if it were taken out of the file: no new connections,
and those that it has may end within drain_timeout. The file is not touched. It stays so, over reloads and restarts, until
\`add-server\` has it back, \`reload --discard\` drops the change, or the file no longer has it. What the file would not allow, as
a quorum that cannot be had, is refused.
`,
  run: (args, io) => {
    const [service = '', server = ''] = args.operands;
    const query = new URLSearchParams({ server, by: author(io), reason: args.values.get('reason') ?? '' });
    return send(args, io, { method: 'DELETE', path: `${pathOf(service)}?${query}` });
  },
};

const pathOf = (service: string): string => `/services/${encodeURIComponent(service)}/servers`;

async function send(args: Arguments, io: Io, what: Parameters<typeof ask>[2]): Promise<ExitCode> {
  const answer = await ask(args, io, what);
  if (typeof answer === 'number') return answer;
  if (args.flags.has('json')) io.out(`${JSON.stringify(answer.body, null, 2)}\n`);
  else for (const line of changeAnswerLines(answer.body as ServerChangeAnswer)) io.out(`${line}\n`);
  return EXIT.ok;
}
