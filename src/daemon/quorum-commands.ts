/**
 * Runs `quorum_up` and `quorum_down`: of one service never two at a time, and of what comes while one runs the latest alone,
 * so that what ran last is what holds.
 */

import { printable } from '../base/printable.ts';
import { type Duration, formatDuration, seconds } from '../base/time.ts';
import type { ServiceConfig } from '../config/config.ts';
import type { Happening } from '../control/event.ts';
import type { QuorumChange } from '../pool/quorum.ts';
import { BARE_ENVIRONMENT, type ExecResult, exec } from '../system/exec.ts';
import { rightsFor } from '../system/program-safety.ts';

export type QuorumCommands = {
  /** The quorum of the service has changed. */
  changed(service: ServiceConfig, change: QuorumChange): void;
  /** Kills what runs. */
  close(): void;
};

type Work = { readonly service: ServiceConfig; readonly change: QuorumChange };

const TIMEOUT: Duration = seconds(30);

export function createQuorumCommands(report: (happening: Happening) => void, timeout = TIMEOUT): QuorumCommands {
  const stop = new AbortController();
  const running = new Set<string>();
  const waiting = new Map<string, Work>();

  async function workOff(name: string): Promise<void> {
    running.add(name);
    for (let work = waiting.get(name); work !== undefined && !stop.signal.aborted; work = waiting.get(name)) {
      waiting.delete(name);
      const failure = await run(work, timeout, stop.signal);
      if (failure !== undefined && !stop.signal.aborted)
        report({ kind: 'trouble', severity: 'error', what: 'a quorum command failed', detail: failure });
    }
    running.delete(name);
  }

  return {
    changed(service, change) {
      waiting.set(service.name, { service, change });
      if (!running.has(service.name)) void workOff(service.name);
    },
    close: () => stop.abort(),
  };
}

/** Why it failed; `undefined`: it did not, or there is nothing to run. */
async function run({ service, change }: Work, timeout: Duration, signal: AbortSignal): Promise<string | undefined> {
  const [key, command] = change.held ? ['quorum_up', service.quorumUp] : ['quorum_down', service.quorumDown];
  if (command === null) return undefined;
  const failed = (why: string): string => `${key} of ${service.name}, ${command[0]}: ${why}`;
  const user = await rightsFor({ command, user: service.quorumUser });
  if (!user.ok) return failed(`is not run: ${user.error.reason}`);
  const environment = { ...BARE_ENVIRONMENT, ...environmentOf(service, change) };
  const result = await exec({ command, environment, input: '', timeout, user: user.value }, signal);
  const outcome = judge(result, timeout);
  return outcome === undefined ? undefined : failed(outcome);
}

const environmentOf = ({ name }: ServiceConfig, { held, up, needed, by }: QuorumChange): Record<string, string> => ({
  LVSKEEPER_SERVICE: name,
  LVSKEEPER_QUORUM: held ? 'up' : 'down',
  LVSKEEPER_UP: String(up),
  LVSKEEPER_NEEDED: String(needed),
  LVSKEEPER_BY: by,
});

function judge({ how, stdout, stderr }: ExecResult, timeout: Duration): string | undefined {
  const said = lastLine(stderr || stdout);
  switch (how.outcome) {
    case 'exited':
      return how.code === 0 ? undefined : `exited with ${how.code}${said}`;
    case 'signalled':
      return `was killed by ${how.signal}${said}`;
    case 'timeout':
      return `still ran after ${formatDuration(timeout)} and was killed${said}`;
    case 'cancelled':
      return 'was stopped';
    case 'not-started':
      return `cannot be run: ${how.code}`;
  }
}

const LONGEST = 200;
function lastLine(output: string): string {
  const last = printable(output.slice(output.lastIndexOf('\n') + 1)).trim();
  return last === '' ? '' : `: "${last.length > LONGEST ? `${last.slice(0, LONGEST)}…` : last}"`;
}
