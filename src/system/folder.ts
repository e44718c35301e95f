/** Files of one folder that somebody else writes, replaces and removes, by a pattern for their names. */

import { type FSWatcher, watch } from 'node:fs';
import { constants, open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';

/** Whether a name has the form of a pattern: `*` is any characters, `?` is one. The time is at most their product. */
export function fits(name: string, pattern: string): boolean {
  let [n, p] = [0, 0];
  let retry: { readonly p: number; n: number } | undefined;
  while (n < name.length) {
    if (pattern[p] === '*') retry = { p: p++, n };
    else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) [n, p] = [n + 1, p + 1];
    else if (retry === undefined) return false;
    // The last * takes one character more.
    else [n, p] = [++retry.n, retry.p + 1];
  }
  return /^\*?$/.test(pattern.slice(p).replace(/\*+/, '*'));
}

const isPattern = (path: string): boolean => /[*?]/.test(basename(path));

/** The files that `path` means, in the order of their names: itself, or those that its last part fits. Hidden ones only where it says so. */
export async function filesAt(path: string): Promise<Result<readonly string[], string>> {
  if (!isPattern(path)) return ok([path]);
  const [folder, pattern] = [dirname(path), basename(path)];
  try {
    const names = await readdir(folder);
    const hidden = pattern.startsWith('.');
    const found = names.filter((name) => (hidden || !name.startsWith('.')) && fits(name, pattern));
    return ok(found.sort().map((name) => join(folder, name)));
  } catch (error) {
    return err(`${folder} cannot be read: ${wordsOf(error)}`);
  }
}

/** All of a regular file of at most `most` bytes. */
export async function readWhole(path: string, most: number): Promise<Result<string, string>> {
  try {
    // Without O_NONBLOCK, opening a pipe waits for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return err('is no regular file');
      if (stat.size > most) return err(`has more than ${most} bytes`);
      const bytes = await file.readFile();
      return bytes.length > most ? err(`has more than ${most} bytes`) : ok(bytes.toString('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    return err(`cannot be read: ${wordsOf(error)}`);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there (ENOENT)',
  EACCES: 'permission denied (EACCES)',
  ENOTDIR: 'a part of its path is no folder (ENOTDIR)',
};
const wordsOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return WORDS[code ?? ''] ?? code ?? message;
};

/**
 * Calls back after a change to a file that `path` means, if only one could be noticed (inotify(7)): not on a network file
 * system, and no more once the folder itself has been replaced. So whoever must know asks as well. `undefined`: the folder
 * is not there, or the machine watches too much already.
 */
export function noticeAt(path: string, changed: () => void): { close(): void } | undefined {
  let watcher: FSWatcher;
  try {
    watcher = watch(dirname(path), { persistent: false });
  } catch {
    return undefined;
  }
  const pattern = basename(path);
  watcher.on('change', (_event, name) => {
    // A volume of Kubernetes replaces a link called `..data`, behind which its files are.
    if (typeof name !== 'string' || name.startsWith('..') || fits(name, pattern)) changed();
  });
  watcher.on('error', () => watcher.close());
  return watcher;
}
