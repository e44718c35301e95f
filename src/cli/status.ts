/** `lvskeeper status` */

import type { Status } from '../control/status.ts';
import { ask } from './ask.ts';
import { renderStatus } from './render-status.ts';
import { EXIT, JSON_OPTION, painter, SOCKET_OPTION, type VerbModule } from './verb.ts';

export const status: VerbModule = {
  operands: [0, 0],
  options: { json: JSON_OPTION, socket: SOCKET_OPTION },
  about: `
Who is master of which addresses, why and since when; each service with its servers: state, for how long, weight in the
kernel (\`0/100\`: the kernel has 0, the config gives 100), active and inactive connections, the last probe's answer.
What is wrong stands on top, after a "!". Exits with 0 also then: it is the question that was answered.
`,
  run: async (args, io) => {
    const answer = await ask(args, io, { method: 'GET', path: '/status' });
    if (typeof answer === 'number') return answer;
    if (args.flags.has('json')) io.out(`${JSON.stringify(answer.body, null, 2)}\n`);
    else io.out(renderStatus(answer.body as Status, { now: io.now(), width: io.columns, paint: painter(io.colour) }));
    return EXIT.ok;
  },
};
