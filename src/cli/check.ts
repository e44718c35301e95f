/** `lvskeeper check` */

import type { Config } from '../config/config.ts';
import { readConfig, sayIssues } from './config-file.ts';
import { DEFAULT_CONFIG, EXIT, JSON_OPTION, type VerbModule } from './verb.ts';

export const check: VerbModule = {
  operands: [0, 1],
  options: { json: JSON_OPTION },
  about: `
Reads FILE (${DEFAULT_CONFIG}) as the daemon would and prints every issue as FILE:LINE:COLUMN: what is wrong and what was
expected. Touches nothing and needs no daemon. Exits with 0 when the file is good, also with warnings, else with 1.
`,
  run: async ({ operands: [file = DEFAULT_CONFIG], flags }, io) => {
    const reading = readConfig(file);
    const { ok, issues } = reading;
    if (flags.has('json')) io.out(`${JSON.stringify({ file, ok, issues }, null, 2)}\n`);
    else {
      sayIssues(file, issues, io);
      if (reading.ok) io.out(`${file}: good: ${summary(reading.config)}\n`);
      else io.err(`${file}: ${count(issues.filter(({ severity }) => severity === 'error').length, 'error')}\n`);
    }
    return ok ? EXIT.ok : EXIT.failed;
  },
};

/** `2 virtual routers, 1 service with 3 servers, no alerts` */
export function summary(config: Config): string {
  const servers = config.services.reduce((sum, service) => sum + service.servers.length, 0);
  return [
    count(config.vrrp.length, 'virtual router'),
    count(config.services.length, 'service') + (config.services.length > 0 ? ` with ${count(servers, 'server')}` : ''),
    count(config.alerts.length, 'alert'),
  ].join(', ');
}

const count = (n: number, noun: string): string => `${n === 0 ? 'no' : n} ${noun}${n === 1 ? '' : 's'}`;
