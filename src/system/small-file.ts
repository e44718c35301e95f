/** Small files that somebody else writes, and may write, replace or remove at any moment. */

import { type FSWatcher, watch } from 'node:fs';
import { constants, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';

/** The first `limit` bytes. Refused with an errno name; EINVAL for what is no regular file, which could be long in coming. */
export async function readSmallFile(path: string, limit: number): Promise<Result<string, string>> {
  try {
    // Without O_NONBLOCK, opening a pipe waits for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return err('EINVAL');
      const { buffer, bytesRead } = await file.read(Buffer.alloc(limit), 0, limit, 0);
      return ok(buffer.toString('utf8', 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    return err((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

export type Notice = { close(): void };

/**
 * Calls back after a change to the file, if only one could be noticed (inotify(7)): as a rule within a millisecond, but
 * not on a network file system, and no more once the folder itself has been replaced. So whoever must know asks as well.
 * `undefined`: the folder is not there, or the machine watches too much already.
 */
export function noticeChanges(path: string, changed: () => void): Notice | undefined {
  let watcher: FSWatcher;
  try {
    watcher = watch(dirname(path), { persistent: false });
  } catch {
    return undefined;
  }
  const name = basename(path);
  watcher.on('change', (_event, file) => {
    if (file === null || file === name) changed();
  });
  watcher.on('error', () => watcher.close());
  return watcher;
}
