/** `lvskeeper accept-servers` */

import type { AcceptAnswer } from '../control/director.ts';
import { ask } from './ask.ts';
import { author } from './order-terms.ts';
import { EXIT, JSON_OPTION, SOCKET_OPTION, type VerbModule } from './verb.ts';

export const acceptServers: VerbModule = {
  operands: [1, 1],
  options: {
    discovery: { value: 'NAME', help: 'only what this discovery holds back (all of SERVICE)' },
    json: JSON_OPTION,
    socket: SOCKET_OPTION,
  },
  about: `
A discovery of SERVICE whose answer would take out more servers than max_removed allows is held back: what is new in it comes in,
what is missing in it stays. \`status\` shows it. This follows the answer: the servers that it lacks leave as if they were taken out
of the file, their connections may end within drain_timeout. An answer without any server is never followed.
`,
  run: async (args, io) => {
    const [service = ''] = args.operands;
    const discovery = args.values.get('discovery');
    const query = new URLSearchParams({ by: author(io), ...(discovery !== undefined && { discovery }) });
    const path = `/services/${encodeURIComponent(service)}/discovery/accept?${query}`;
    const answer = await ask(args, io, { method: 'POST', path });
    if (typeof answer === 'number') return answer;
    if (args.flags.has('json')) io.out(`${JSON.stringify(answer.body, null, 2)}\n`);
    else for (const line of lines(answer.body as AcceptAnswer)) io.out(`${line}\n`);
    return EXIT.ok;
  },
};

/** How many addresses an answer lists. */
const LISTED = 20;

const lines = ({ service, accepted }: AcceptAnswer): readonly string[] =>
  accepted.map(({ discovery, removed }) => {
    const more = removed.length > LISTED ? ` and ${removed.length - LISTED} more` : '';
    return `${service}: discovery ${discovery} is followed; out and drained: ${removed.slice(0, LISTED).join(', ')}${more}`;
  });
