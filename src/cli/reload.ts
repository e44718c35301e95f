/** `lvskeeper reload` */

import type { ReloadAnswer } from '../control/director.ts';
import { ask, sayIssues } from './ask.ts';
import { EXIT, JSON_OPTION, SOCKET_OPTION, type VerbModule } from './verb.ts';

export const reload: VerbModule = {
  operands: [0, 0],
  options: { json: JSON_OPTION, socket: SOCKET_OPTION },
  about: `
The daemon reads its config file again and does what has changed, nothing else. A file with an error changes nothing: its
issues are printed and the exit code is 1. \`lvskeeper plan\` shows beforehand what a reload would change in the kernel.
`,
  run: async (args, io) => {
    const answer = await ask(args, io, { method: 'POST', path: '/reload' }, [200, 422]);
    if (typeof answer === 'number') return answer;
    const { outcome, detail, file, issues } = answer.body as ReloadAnswer;
    if (args.flags.has('json')) io.out(`${JSON.stringify(answer.body, null, 2)}\n`);
    else {
      sayIssues(file, issues, io);
      const line = `reload ${outcome}${detail === '' ? '' : `: ${detail}`}\n`;
      if (outcome === 'refused') io.err(line);
      else io.out(line);
    }
    return outcome === 'refused' ? EXIT.failed : EXIT.ok;
  },
};
