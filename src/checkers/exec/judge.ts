/** What the end of a program says of the server. */

import { excerpt, printable } from '../../base/printable.ts';
import { formatDuration, stoodStill } from '../../base/time.ts';
import type { ExecCheckConfig } from '../../config/config.ts';
import type { ExecResult } from '../../system/exec.ts';
import { down, type Finding, localError, up } from '../attempt.ts';

/** Characters of the output that are kept for a reader. */
const KEPT = 4096;

/** What must be put right when a program that may be run does not start (execve(2)). */
const NOT_STARTED: Readonly<Record<string, string>> = {
  ENOENT: 'the interpreter in its first line is missing',
  EACCES: 'its user may not execute it, see chmod(1)',
  EPERM: 'this process may not take the rights of its user, so user must be the one that lvskeeper runs as',
  E2BIG: 'its arguments are too long',
};

export function judge(check: ExecCheckConfig, result: ExecResult): Finding {
  const { how } = result;
  const said = quoted(result);
  const more = outputOf(result);
  switch (how.outcome) {
    case 'exited':
      return judgeCode(check, how.code, said, more);
    case 'signalled':
      return down(`killed by ${how.signal}${said}`, more);
    case 'timeout':
      if (stoodStill(check.timeout, how.late))
        return localError(`this process was held up for ${formatDuration(how.late)}`);
      return down(`still running after ${formatDuration(check.timeout)}, and killed${said}`, more);
    case 'cancelled':
      return how.flooded ? down(`printed more than it may, and was killed${said}`, more) : localError('it was stopped');
    case 'not-started':
      return localError(`${check.command[0]} cannot be started: ${NOT_STARTED[how.code] ?? how.code}`);
  }
}

type More = { readonly output?: string };

function judgeCode({ weightFromExit }: ExecCheckConfig, code: number, said: string, more: More): Finding {
  if (code === 0) return up(`exit code 0${said}`, more);
  if (!weightFromExit || code === 1) return down(`exit code ${code}${said}`, more);
  const weight = code - 2;
  return up(`exit code ${code}, weight ${weight}${said}`, { ...more, advice: { weight: { weight } } });
}

/** The first line that it printed, or else the last that it complained of. */
function quoted({ stdout, stderr }: ExecResult): string {
  const [first = ''] = stdout.split(/[\r\n]/, 1);
  const line = excerpt(first === '' ? stderr.slice(stderr.lastIndexOf('\n') + 1) : first);
  return line === '' ? '' : `: "${line}"`;
}

function outputOf({ stdout }: ExecResult): More {
  const output = printable(stdout).trim().slice(0, KEPT).toWellFormed();
  return output === '' ? {} : { output };
}
