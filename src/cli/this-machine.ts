/** What a good config needs of the machine and does not find there: warnings, since the file may be for another machine. */

import type { Config, Issue, ServiceConfig, VrrpConfig } from '../config/config.ts';
import { unreadableSecrets } from '../daemon/advert-codec.ts';
import { refusalOf } from '../system/program-safety.ts';

export async function machineIssues(config: Config): Promise<readonly Issue[]> {
  const found = await Promise.all([
    ...config.vrrp.map(async (router) => [...secrets(router), ...(await scripts(router))]),
    ...config.services.map(quorumCommands),
    ...config.services.map(execChecks),
  ]);
  return found.flat();
}

const secrets = (router: VrrpConfig): Issue[] =>
  unreadableSecrets(router).map((error) => warning(router.name, `${error}; the router would not start`));

async function scripts({ name, track }: VrrpConfig): Promise<Issue[]> {
  const issues = track.map(async (each): Promise<Issue[]> => {
    if (each.type !== 'script') return [];
    const why = await refusalOf({ command: each.script, user: each.user });
    return why === undefined ? [] : [warning(name, `script ${each.script[0]} would not be run: ${why}`)];
  });
  return (await Promise.all(issues)).flat();
}

async function quorumCommands({ name, quorumUp, quorumDown, quorumUser: user }: ServiceConfig): Promise<Issue[]> {
  const commands = [
    ['quorum_up', quorumUp],
    ['quorum_down', quorumDown],
  ] as const;
  const issues = commands.map(async ([key, script]): Promise<Issue[]> => {
    const why = script === null ? undefined : await refusalOf({ command: script, user });
    if (script === null || why === undefined) return [];
    return [warning(name, `${key} ${script[0]} would not be run: ${why}`, '[[service]]')];
  });
  return (await Promise.all(issues)).flat();
}

async function execChecks({ name, checks }: ServiceConfig): Promise<Issue[]> {
  const issues = checks.map(async (check): Promise<Issue[]> => {
    const why = check.type === 'exec' ? await refusalOf(check) : undefined;
    return why === undefined ? [] : [warning(name, `check ${check.name} would not be run: ${why}`, '[[service]]')];
  });
  return (await Promise.all(issues)).flat();
}

const warning = (name: string, what: string, section = '[[vrrp]]'): Issue => ({
  ...{ severity: 'warning', line: 0, column: 0 },
  message: `on this machine, ${section} ${name}: ${what}`,
});
