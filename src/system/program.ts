/** This program as it is on disk now: an upgrade may have put another one in its place. */

import { execFile } from 'node:child_process';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, seconds } from '../base/time.ts';

/** A cold start on a busy machine, and the config of thousands of servers. */
const WITHIN: Duration = seconds(20);

const argumentsOf = (): readonly string[] => [...process.execArgv, process.argv[1] ?? ''];

/** Whether it starts, and takes the config file for good (`check`); the error is the first thing that it says. */
export function tryProgram(file: string): Promise<Result<void, string>> {
  return new Promise((resolve) => {
    const options = { timeout: WITHIN, killSignal: 'SIGKILL', maxBuffer: 16 << 20 } as const;
    execFile(process.execPath, [...argumentsOf(), 'check', file], options, (error, _, said) => {
      const [first = ''] = said.trim().split('\n');
      if (error === null) resolve(ok(undefined));
      else resolve(err(error.killed ? `no answer within ${WITHIN / 1000} s` : first === '' ? error.message : first));
    });
  });
}

/** It takes this process over, with the same arguments. Returns only where it could not. */
export function runAgain(): void {
  process.execve?.(process.execPath, [process.execPath, ...argumentsOf(), ...process.argv.slice(2)], process.env);
}
