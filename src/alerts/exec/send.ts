/** The exec sink: one run of a program an alert, told by JSON on its standard input and by its environment. */

import { formatDuration } from '../../base/time.ts';
import type { ExecAlertConfig } from '../../config/config.ts';
import { BARE_ENVIRONMENT, exec } from '../../system/exec.ts';
import type { Alert, Send } from '../alert.ts';

export function execSender(config: ExecAlertConfig): Send {
  return async (alert, signal) => {
    const { how, stderr } = await exec(
      {
        command: config.command,
        environment: environmentOf(alert),
        input: `${JSON.stringify(alert)}\n`,
        timeout: config.timeout,
      },
      signal,
    );
    const fail = (reason: string, again = true) =>
      ({ ok: false, reason: stderr === '' ? reason : `${reason}: ${lastLine(stderr)}`, again }) as const;
    switch (how.outcome) {
      case 'exited':
        return how.code === 0 ? { ok: true } : fail(`exit code ${how.code}`);
      case 'signalled':
        return fail(`killed by ${how.signal}`);
      case 'timeout':
        return fail(`still running after ${formatDuration(config.timeout)}, killed`);
      case 'cancelled':
        return fail('cancelled', false);
      case 'not-started':
        return fail(`cannot run ${config.command[0]}: ${how.code}`);
    }
  };
}

/** LVSKEEPER_<FIELD> for each field: scalars as they are, a list joined by spaces, `null` as the empty string. */
export function environmentOf(alert: Alert): Record<string, string> {
  const environment: Record<string, string> = { ...BARE_ENVIRONMENT };
  for (const [field, value] of Object.entries(alert)) {
    const name = `LVSKEEPER_${field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
    environment[name] = (Array.isArray(value) ? value.join(' ') : String(value ?? '')).replaceAll('\0', ' ');
  }
  return environment;
}

const lastLine = (text: string): string => text.slice(text.lastIndexOf('\n') + 1);
