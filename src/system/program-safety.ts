/**
 * Whether a program is safe to run with a user's rights: nobody but root and that user may be able to put another in its
 * place. So every folder on the way to it, every symbolic link, and the program itself must be theirs, and none writable by
 * others.
 */

import { lstat, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, type Result } from '../base/result.ts';
import { findUser, type NoUser, type User } from './users.ts';

/** linux/stat.h */
const S_ISVTX = 0o1000;
const S_IWGRP = 0o020;
const S_IWOTH = 0o002;
/** As the kernel (MAXSYMLINKS). */
const MOST_LINKS = 40;

export type Whose = { readonly command: readonly string[]; readonly user: string };

/** Whose rights the program runs with, or why it is not run, in words; `code` as in `NoUser`. */
export async function rightsFor({ command, user }: Whose): Promise<Result<User, NoUser>> {
  const found = await findUser(user);
  if (!found.ok) return found;
  const reason = await unsafe(command[0] ?? '', found.value.uid);
  return reason === undefined ? found : err({ code: '', reason });
}

/** Why the program is not run, in words; `undefined`: it may be. For `check` too, which warns of it. */
export async function refusalOf(whose: Whose): Promise<string | undefined> {
  const rights = await rightsFor(whose);
  return rights.ok ? undefined : rights.error.reason;
}

/** What is wrong with the way to `path`, or with what is there; `undefined`: nothing. */
export async function unsafe(path: string, uid: number): Promise<string | undefined> {
  const ahead = partsOf(path);
  let here = '/';
  let links = 0;
  for (let name: string | undefined = '.'; name !== undefined; name = ahead.shift()) {
    const at = join(here, name);
    const found = await lstat(at).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error) return found.code === 'ENOENT' ? `there is no ${at}` : `${at}: ${found.code}`;
    if (found.uid !== 0 && found.uid !== uid) return `${at} belongs to user ${found.uid}, who could change it`;
    if (found.isSymbolicLink()) {
      links += 1;
      if (links > MOST_LINKS) return `${path} leads through more than ${MOST_LINKS} symbolic links`;
      // It may have been replaced since, as a package that is upgraded does it.
      const target = await readlink(at).catch((error: NodeJS.ErrnoException) => error);
      if (target instanceof Error) return `${at}: ${target.code}`;
      ahead.unshift(...partsOf(target));
      here = target.startsWith('/') ? '/' : dirname(at);
      continue;
    }
    // In a sticky folder, as /tmp, only its owner can replace what is there; and whose that is, is seen next.
    const sticky = found.isDirectory() && (found.mode & S_ISVTX) !== 0;
    if (!sticky && (found.mode & S_IWOTH) !== 0) return `${at} can be written by everybody`;
    if (!sticky && (found.mode & S_IWGRP) !== 0 && found.gid !== 0) return `${at} can be written by group ${found.gid}`;
    if (ahead.length === 0) return found.isFile() ? undefined : `${at} is not a file`;
    here = at;
  }
  return `${path} is not a file`;
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '');
