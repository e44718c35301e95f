/** The users of this machine, by passwd(5). */

import { readFile } from 'node:fs/promises';
import { err, ok, type Result } from '../base/result.ts';

export type User = { readonly name: string; readonly uid: number; readonly gid: number };
/** `code`: an errno name when the file could not be read; empty when it was, and has no such user. */
export type NoUser = { readonly code: string; readonly reason: string };

const PASSWD = '/etc/passwd';

/** The user of that name, or why there is none. Users that are not in the file (LDAP and the like) are not found. */
export async function findUser(name: string, passwd = PASSWD): Promise<Result<User, NoUser>> {
  let text: string;
  try {
    text = await readFile(passwd, 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    return err({ code, reason: `${passwd} cannot be read (${code})` });
  }
  for (const line of text.split('\n')) {
    const [found, , uid, gid] = line.split(':');
    if (found === name && isId(uid) && isId(gid)) return ok({ name, uid: Number(uid), gid: Number(gid) });
  }
  return err({ code: '', reason: `there is no user ${name} in ${passwd}` });
}

const isId = (text: string | undefined): boolean => text !== undefined && /^\d{1,10}$/.test(text);
