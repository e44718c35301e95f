/**
 * The `file` check: a file on the director says how a server is, in the words of an agent. It is read at each probe.
 *
 * A file is a state, not a message: what is not in it any longer no longer holds, so each reading speaks of the weight and
 * of the mode whether or not the file does.
 */

import { fill } from '../../base/placeholders.ts';
import type { Result } from '../../base/result.ts';
import type { FileCheckConfig } from '../../config/config.ts';
import { readSmallFile } from '../../system/small-file.ts';
import { EXPECTED, judgeLine } from '../agent-line.ts';
import { type Attempt, down, type Finding, localError } from '../attempt.ts';
import { createDiskAsker, errand } from '../errand.ts';
import type { Advice, ProbeResult, Prober, ProbeTarget } from '../probe.ts';

/** Bytes within which the first line must end. */
const LIMIT = 4096;

const PLAIN: Advice = { weight: { percent: 100 }, mode: 'ready', maxConnections: null };

export function createFileProber(check: FileCheckConfig, { address }: ProbeTarget): Prober {
  const ask = createDiskAsker();
  let current: Attempt | undefined;

  function run(): Promise<ProbeResult> {
    const path = fill(check.file, address);
    current = errand(async () => {
      const read = await ask(check.timeout, () => readSmallFile(path, LIMIT));
      return read === undefined
        ? localError(`${path} cannot be read: its file system does not answer`)
        : judge(path, check, read);
    });
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}

function judge(path: string, { absent }: FileCheckConfig, read: Result<string, string>): Finding {
  if (!read.ok) return unread(path, absent, read.error);
  const text = read.value.trim();
  if (text === '') return down(`${path} is empty, ${EXPECTED}`);
  const [line = ''] = text.split(/[\r\n]/, 1);
  if (Buffer.byteLength(line) >= LIMIT) return down(`${path} has no end of the line in ${LIMIT / 1024} KiB`);
  const finding = judgeLine(`${path} holds`, line);
  return { ...finding, ...(finding.advice && { advice: { ...PLAIN, ...finding.advice } }) };
}

function unread(path: string, absent: 'up' | 'down', code: string): Finding {
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { outcome: absent, reason: `there is no ${path}, which counts as ${absent}`, advice: PLAIN };
  if (code === 'EINVAL') return localError(`${path} is no regular file`);
  return localError(`${path} cannot be read (${code}): let the user that lvskeeper runs as read it`);
}
