/**
 * Runs a script every `interval` with the rights of its user, and takes exit code 0 for well. Never two runs at a time: one
 * that hangs in the kernel, where nothing can kill it, counts as failing anew at each time that it keeps from running.
 */

import { printable } from '../../base/printable.ts';
import { formatDuration, stoodStill } from '../../base/time.ts';
import type { ScriptTrack } from '../../config/config.ts';
import { BARE_ENVIRONMENT, type ExecResult, exec } from '../../system/exec.ts';
import { rightsFor } from '../../system/program-safety.ts';
import { repeat } from '../repeat.ts';
import { type Clock, down, type Finding, type Found, refused, unknown, up, type Watcher } from '../watch.ts';
import { within } from '../within.ts';

export function watchScript(track: ScriptTrack, clock: Clock, found: Found): Watcher {
  const stop = new AbortController();
  let stuck = false;
  const tell = (finding: Finding): void => {
    if (!stop.signal.aborted) found(finding);
  };

  async function run(): Promise<void> {
    // Files on a network may be long in coming too, and the script's with them.
    const looking = lookAt(track);
    const looked = await within(track.timeout, looking);
    if (stop.signal.aborted) return;
    if (looked === undefined) return wait(looking);
    if ('outcome' in looked) return tell(looked);
    const result = await exec(
      { command: track.script, environment: BARE_ENVIRONMENT, input: '', timeout: track.timeout, user: looked },
      stop.signal,
    );
    tell(judge(track, result));
    if (result.how.outcome === 'timeout') stuck = true;
    await result.gone;
    stuck = false;
  }

  async function wait(hanging: Promise<unknown>): Promise<void> {
    stuck = true;
    tell(down(`cannot be looked at within ${formatDuration(track.timeout)}: its file system does not answer`));
    await hanging;
    stuck = false;
  }

  const runs = repeat(clock, track.interval, run, () => {
    if (stuck) tell(down('still hangs, and cannot be killed'));
  });
  return {
    close() {
      runs.close();
      stop.abort();
    },
  };
}

/** Whose rights it runs with, or why it does not run. */
async function lookAt({ script, user }: ScriptTrack): Promise<{ uid: number; gid: number } | Finding> {
  const found = await rightsFor({ command: script, user });
  if (found.ok) return { uid: found.value.uid, gid: found.value.gid };
  if (PASSING.has(found.error.code)) return unknown(`cannot be started now (${found.error.code})`);
  return refused(`is not run: ${found.error.reason}`);
}

/** errno of a start that failed for want of a resource, or while the script is being replaced: it says nothing of it. */
const PASSING = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ETXTBSY']);
const NOT_RUN: Readonly<Record<string, string>> = {
  ENOENT: 'the interpreter in its first line is missing',
  EACCES: 'its user may not execute it',
  EPERM: 'this process may not take its user’s rights',
  ENOEXEC: 'it is no program, and its first line names none',
};

function judge({ timeout }: ScriptTrack, { how, stdout, stderr }: ExecResult): Finding {
  switch (how.outcome) {
    case 'exited':
      return how.code === 0 ? up('exited with 0') : down(`exited with ${how.code}${quoted(stderr || stdout)}`);
    case 'signalled':
      return down(`was killed by ${how.signal}${quoted(stderr || stdout)}`);
    case 'timeout':
      if (stoodStill(timeout, how.late))
        return unknown(`cannot be judged: this process was held up for ${formatDuration(how.late)}`);
      return down(`timed out after ${formatDuration(timeout)}${quoted(stderr || stdout)}`);
    case 'cancelled':
      return unknown('was stopped');
    case 'not-started':
      return PASSING.has(how.code)
        ? unknown(`cannot be started now (${how.code})`)
        : refused(`cannot be run: ${NOT_RUN[how.code] ?? how.code}`);
  }
}

const LONGEST = 100;
/** The last line of what it said. */
function quoted(output: string): string {
  const last = printable(output.slice(output.lastIndexOf('\n') + 1)).trim();
  if (last === '') return '';
  return `: "${last.length > LONGEST ? `${last.slice(0, LONGEST)}…` : last}"`;
}
