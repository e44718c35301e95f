/** `lvskeeper check` */

import { summarize } from '../config/load.ts';
import { readConfig } from '../system/config-file.ts';
import { sayIssues } from './ask.ts';
import { machineIssues } from './this-machine.ts';
import { DEFAULT_CONFIG, EXIT, JSON_OPTION, type VerbModule } from './verb.ts';

export const check: VerbModule = {
  operands: [0, 1],
  options: { json: JSON_OPTION },
  about: `
Reads FILE (${DEFAULT_CONFIG}) as the daemon would and prints every issue as FILE:LINE:COLUMN: what is wrong and what was
expected. Of what a good file needs of this machine, key files and tracked scripts are looked at, and warned of. Touches
nothing and needs no daemon. Exits with 0 when the file is good, also with warnings, else with 1.
`,
  run: async ({ operands: [file = DEFAULT_CONFIG], flags }, io) => {
    const reading = readConfig(file);
    const { config } = reading;
    const issues = [...reading.issues, ...(config === null ? [] : await machineIssues(config))];
    const errors = issues.filter(({ severity }) => severity === 'error').length;
    if (flags.has('json')) io.out(`${JSON.stringify({ file, ok: config !== null, issues }, null, 2)}\n`);
    else {
      sayIssues(file, issues, io);
      if (config !== null) io.out(`${file}: good: ${summarize(config)}\n`);
      else io.err(`${file}: ${errors} error${errors === 1 ? '' : 's'}\n`);
    }
    return config === null ? EXIT.failed : EXIT.ok;
  },
};
