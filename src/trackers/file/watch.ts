/**
 * Reads the whole number in a file whenever it changes, and every second besides. A missing file counts as 0, as for
 * keepalived. What cannot be read leaves the last number in force: whoever writes to the file may be half done.
 */

import { quoted } from '../../base/option-say.ts';
import type { Result } from '../../base/result.ts';
import { seconds } from '../../base/time.ts';
import type { FileTrack } from '../../config/config.ts';
import { type Notice, noticeChanges, readSmallFile } from '../../system/small-file.ts';
import { repeat } from '../repeat.ts';
import { type Clock, type Finding, type Found, unknown, type Watcher } from '../watch.ts';

const EVERY = seconds(1);
/** Bytes read: more than any number that means something. */
const LIMIT = 64;
/** More than this would not change a priority of 1 to 254 any further. */
const MOST = 254;

export function watchFile(track: FileTrack, clock: Clock, found: Found): Watcher {
  let notice: Notice | undefined;
  let doubts = 0;
  let closed = false;

  async function look(): Promise<void> {
    notice ??= noticeChanges(track.file, () => reads.again());
    const read = await readSmallFile(track.file, LIMIT);
    if (closed) return;
    const finding = judge(read);
    // The folder may come as another one of the same name.
    if (!read.ok) forget();
    // A file that is being written is empty or cut short at times: only what is read twice is worth a word.
    doubts = finding.trouble ? doubts + 1 : 0;
    if (doubts !== 1) found(finding);
  }

  function forget(): void {
    notice?.close();
    notice = undefined;
  }

  const reads = repeat(clock, EVERY, look);
  return {
    close() {
      closed = true;
      reads.close();
      forget();
    },
  };
}

function judge(read: Result<string, string>): Finding {
  if (!read.ok) {
    if (read.error === 'ENOENT' || read.error === 'ENOTDIR') return numberOf(0, 'is missing, which counts as 0');
    return unknown(`cannot be read (${read.error === 'EINVAL' ? 'it is no regular file' : read.error})`);
  }
  const text = read.value.trim();
  if (text === '') return unknown('is empty, expected a whole number');
  if (read.value.length >= LIMIT) return unknown(`has ${LIMIT} bytes or more, expected a whole number`);
  if (!/^[+-]?\d+$/.test(text)) return unknown(`holds ${quoted(text)}, expected a whole number`);
  const number = Math.max(-MOST, Math.min(MOST, Number(text))) + 0;
  return numberOf(number, `holds ${number}`);
}

const numberOf = (factor: number, reason: string): Finding => ({
  ...{ outcome: factor === 0 ? 'up' : 'down', reason, factor, trouble: false },
});
