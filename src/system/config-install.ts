/** Puts a text in the place of the config file, so that whoever reads it finds the old one or the new one, whole. */

import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';

/** `undo` puts the former bytes back. `changed`: whether there was anything to write. `kept`: where they are to be found. */
export type Installed = {
  readonly changed: boolean;
  readonly kept: string | null;
  readonly undo: () => Result<void, string>;
};

/**
 * Written beside `file`, with its mode and owner, and on the disk before it takes its place: rename(2). Of a symbolic link
 * it is the file that is written, and the link stays. The error says why nothing has changed, and what to do. `known`: the
 * texts that it may have and that are not lost with it; by default any. Another one is somebody's work, and is kept beside it.
 */
export function installConfig(file: string, text: string, known?: readonly string[]): Result<Installed, string> {
  try {
    const target = realpathSync(file);
    const former = readFileSync(target);
    const next = Buffer.from(text);
    if (former.equals(next)) return ok({ changed: false, kept: null, undo: () => ok(undefined) });
    const kept = known === undefined || known.includes(former.toString()) ? null : `${target}.replaced`;
    if (kept !== null) replace(target, former, kept);
    replace(target, next);
    return ok({
      changed: true,
      kept,
      undo: () => attempt(file, () => replace(target, former)),
    });
  } catch (error) {
    return err(refusal(file, error));
  }
}

function attempt(file: string, work: () => void): Result<void, string> {
  try {
    return ok(work());
  } catch (error) {
    return err(refusal(file, error));
  }
}

/** `place`: where they go, when it is not the file itself but what is like it. */
function replace(target: string, bytes: Uint8Array, place = target): void {
  const { mode, uid, gid } = statSync(target);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(place)}.${process.pid}.tmp`);
  // Left behind by one of the same number that was killed.
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(fd, bytes);
    fchownSync(fd, uid, gid);
    // After the owner, whose change takes bits of the mode away (chown(2)).
    fchmodSync(fd, mode & 0o7777);
    fsyncSync(fd);
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  syncFolder(folder);
}

/** It is in its place by now: that it stays there over a power cut is more than every file system grants of a folder. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // An error would say that nothing has changed.
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; run this as root',
  EPERM: 'permission denied; run this as root',
  EROFS: 'the file system is read-only; make it writable, or put the file there by hand',
  ENOSPC: 'no space is left on the device',
  ENOENT: 'there is no such file',
};

function refusal(file: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `cannot write ${file}: ${ADVICE[code ?? ''] ?? message}`;
}
