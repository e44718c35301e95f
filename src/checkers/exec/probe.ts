/**
 * The `exec` check: runs a program, which is told of the server in its environment, and takes its exit code for the answer.
 *
 * Programs are expensive: no more than `AT_ONCE` run at a time, of all checks together, and the time that one waits for its
 * turn is not the server's. A program that does not run at all says nothing of the server either.
 */

import { familyOf } from '../../base/address.ts';
import { formatDuration, milliseconds } from '../../base/time.ts';
import type { ExecCheckConfig } from '../../config/config.ts';
import { BARE_ENVIRONMENT, exec } from '../../system/exec.ts';
import type { User } from '../../system/users.ts';
import { type Attempt, down, localError } from '../attempt.ts';
import { createDiskAsker, errand, type Found } from '../errand.ts';
import type { ProbeResult, Prober, ProbeTarget } from '../probe.ts';
import { judge } from './judge.ts';
import { look } from './look.ts';
import { createPlaces } from './places.ts';

const AT_ONCE = 128;
const places = createPlaces(AT_ONCE);

/** Of its output: 4,096 characters are kept, of at most four bytes; for more than a megabyte it is killed. */
const OUTPUT = { keep: 4 * 4096, part: 'first', most: 1 << 20 } as const;

export function createExecProber(check: ExecCheckConfig, target: ProbeTarget): Prober {
  const { command, timeout } = check;
  const ask = createDiskAsker();
  let current: Attempt | undefined;
  let hangs = false;

  async function probe(signal: AbortSignal): Promise<Found> {
    if (hangs) return down('the program of the last probe still hangs, and cannot be killed');
    const looked = await ask(timeout, () => look(check));
    if (looked === undefined) return localError(`${command[0]} cannot be looked at: its file system does not answer`);
    if (!looked.ok) return localError(looked.error);
    const leave = await places.take(timeout, signal);
    if (leave === undefined)
      return localError(`no turn in ${formatDuration(timeout)}, as ${AT_ONCE} programs of checks run already`);
    try {
      return await start(looked.value, signal);
    } finally {
      leave();
    }
  }

  async function start(user: User, signal: AbortSignal): Promise<Found> {
    const began = performance.now();
    const environment = environmentOf(target);
    const result = await exec({ ...OUTPUT, command, environment, input: '', timeout, user, killRest: true }, signal);
    const took = milliseconds(performance.now() - began);
    hangs = true;
    void result.gone.then(() => {
      hangs = false;
    });
    return { ...judge(check, result), took };
  }

  function run(): Promise<ProbeResult> {
    current = errand(probe);
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}

/** What the program is told; what is not known or not asked for is empty. */
const environmentOf = ({ address: { address, port }, source, sourcePort, device }: ProbeTarget) => ({
  ...BARE_ENVIRONMENT,
  LVSKEEPER_ADDRESS: address,
  LVSKEEPER_PORT: port === 0 ? '' : String(port),
  LVSKEEPER_FAMILY: String(familyOf(address)),
  LVSKEEPER_SOURCE: source ?? '',
  LVSKEEPER_SOURCE_PORT: String(sourcePort ?? ''),
  LVSKEEPER_DEVICE: device ?? '',
});
