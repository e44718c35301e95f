/** Whether a program may be run, asked once for all the probes that ask at the same time. */

import { err, ok, type Result } from '../../base/result.ts';
import type { ExecCheckConfig } from '../../config/config.ts';
import { rightsFor } from '../../system/program-safety.ts';
import type { User } from '../../system/users.ts';

type Looked = Result<User, string>;

/** Those under way: on a file system that does not answer, each would hold a thread. */
const looks = new Map<string, Promise<Looked>>();

/** Whose rights it runs with, or why it is not run and what to do. */
export function look({ command, user }: Pick<ExecCheckConfig, 'command' | 'user'>): Promise<Looked> {
  const key = `${user} ${command[0]}`;
  let looking = looks.get(key);
  if (looking === undefined) {
    looking = lookNow(command, user).finally(() => looks.delete(key));
    looks.set(key, looking);
  }
  return looking;
}

async function lookNow(command: readonly string[], user: string): Promise<Looked> {
  const rights = await rightsFor({ command, user });
  if (rights.ok) return ok(rights.value);
  return err(`${command[0]} is not run as ${user}: ${rights.error.reason}`);
}
