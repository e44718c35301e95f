/** `lvskeeper run` */

import { DEFAULT_CONFIG, EXIT, type VerbModule } from './verb.ts';

export const run: VerbModule = {
  operands: [0, 1],
  options: {},
  about: `
Runs the director from FILE (${DEFAULT_CONFIG}) until SIGTERM or SIGINT; SIGHUP reloads the file;
\`lvskeeper restart\` starts it anew without handing over. Needs root, or
CAP_NET_ADMIN and CAP_NET_RAW. The log goes to standard output. Starts nothing, and exits with 78, when the file has an error.
`,
  run: async ({ operands: [file = DEFAULT_CONFIG] }) => {
    const { runDaemon } = await import('../daemon/supervisor.ts');
    const ended = await runDaemon({ file });
    if (ended === 'restart') (await import('../system/program.ts')).runAgain();
    return { stopped: EXIT.ok, restart: EXIT.failed, failed: EXIT.failed, 'bad-config': EXIT.config }[ended];
  },
};
