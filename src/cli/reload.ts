/** `lvskeeper reload` */

import type { ReloadAnswer } from '../control/director.ts';
import { ask, sayIssues } from './ask.ts';
import { reloadLines } from './change-words.ts';
import { author } from './order-terms.ts';
import { EXIT, JSON_OPTION, SOCKET_OPTION, type VerbModule } from './verb.ts';

export const reload: VerbModule = {
  operands: [0, 0],
  options: {
    discard: { help: 'drop what add-server and remove-server have done' },
    json: JSON_OPTION,
    socket: SOCKET_OPTION,
  },
  about: `
The daemon reads its config file again and does what has changed, nothing else. A file with an error changes nothing: its
issues are printed and the exit code is 1. \`lvskeeper plan\` shows beforehand what a reload would change in the kernel.
Servers that were added or removed at run time stay so; with --discard the servers are those of the file again.
`,
  run: async (args, io) => {
    const path = args.flags.has('discard')
      ? `/reload?${new URLSearchParams({ discard: '1', by: author(io) })}`
      : '/reload';
    const answer = await ask(args, io, { method: 'POST', path }, [200, 422]);
    if (typeof answer === 'number') return answer;
    const { outcome, detail, file, issues, serverChanges } = answer.body as ReloadAnswer;
    if (args.flags.has('json')) io.out(`${JSON.stringify(answer.body, null, 2)}\n`);
    else {
      sayIssues(file, issues, io);
      const line = `reload ${outcome}${detail === '' ? '' : `: ${detail}`}\n`;
      if (outcome === 'refused') io.err(line);
      else io.out(line);
      for (const text of reloadLines(serverChanges)) io.out(`${text}\n`);
    }
    return outcome === 'refused' ? EXIT.failed : EXIT.ok;
  },
};
