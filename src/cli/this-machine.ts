/** What a good config needs of the machine and does not find there: warnings, since the file may be for another machine. */

import type { Config, Issue, VrrpConfig } from '../config/config.ts';
import { readSecret } from '../system/key-file.ts';
import { refusalOf } from '../trackers/script/safety.ts';

export async function machineIssues(config: Config): Promise<readonly Issue[]> {
  const found = await Promise.all(config.vrrp.map(async (router) => [...secrets(router), ...(await scripts(router))]));
  return found.flat();
}

function secrets({ name, auth }: VrrpConfig): Issue[] {
  if (auth === null) return [];
  const files = auth.type === 'pass' ? [auth.file] : auth.keys.map(({ file }) => file);
  return files.flatMap((file) => {
    const secret = readSecret(file, auth.type);
    return secret.ok ? [] : [warning(name, `${secret.error}; the router would not start`)];
  });
}

async function scripts({ name, track }: VrrpConfig): Promise<Issue[]> {
  const issues = track.map(async (each): Promise<Issue[]> => {
    if (each.type !== 'script') return [];
    const why = await refusalOf(each);
    return why === undefined ? [] : [warning(name, `script ${each.script[0]} would not be run: ${why}`)];
  });
  return (await Promise.all(issues)).flat();
}

const warning = (router: string, what: string): Issue => ({
  ...{ severity: 'warning', line: 0, column: 0 },
  message: `on this machine, [[vrrp]] ${router}: ${what}`,
});
