/**
 * What a process asks of the kernel for itself. A refusal is a value whose message says what permission is missing; the
 * caller logs it and goes on without.
 */

import { constants as os } from 'node:os';
import type { Result } from '../base/result.ts';
import { attempt, constants as c, native, type SystemError } from './native.ts';

/**
 * The scheduling class of the calling thread (sched(7)): `fifo` runs before everything that is not real-time; priority
 * 1 to 99. Threads and processes that it starts get the normal class (SCHED_RESET_ON_FORK).
 *
 * With `fifo`, run Node with `--single-threaded --max-semi-space-size=1`: otherwise garbage collection waits for helper
 * threads which the starved machine does not run, and timers are later than with no class at all.
 */
export function setScheduler(policy: 'fifo', priority: number): Result<void, SystemError>;
export function setScheduler(policy: 'other'): Result<void, SystemError>;
export function setScheduler(policy: 'fifo' | 'other', priority = 0): Result<void, SystemError> {
  const number = policy === 'fifo' ? c.SCHED_FIFO | c.SCHED_RESET_ON_FORK : c.SCHED_OTHER;
  return permitted('CAP_SYS_NICE or RLIMIT_RTPRIO', () => native.setScheduler(number, priority));
}

/** The scheduling class of the calling thread. */
export const scheduler = (): 'fifo' | 'other' =>
  (native.getScheduler() & ~c.SCHED_RESET_ON_FORK) === c.SCHED_FIFO ? 'fifo' : 'other';

/**
 * Keeps in memory every page once it has been touched, now and later. Only with MCL_ONFAULT: without it the kernel
 * fills every mapping at once, and V8's reservations make that 15 times the memory. Afterwards the process must end by
 * `process.exit`: at a natural end V8 gives pages back, which fails for locked ones, and aborts.
 */
export const lockMemory = (): Result<void, SystemError> =>
  permitted('CAP_IPC_LOCK or RLIMIT_MEMLOCK', () => native.lockMemory(c.MCL_CURRENT | c.MCL_FUTURE | c.MCL_ONFAULT));

/**
 * The signal this process gets when its parent dies; `null`: none. It does not come for a parent that was dead already:
 * who needs to know compares `process.ppid` afterwards.
 */
export const setParentDeathSignal = (signal: NodeJS.Signals | null): Result<void, SystemError> =>
  attempt(() => native.setParentDeathSignal(signal === null ? 0 : os.signals[signal]));

function permitted(need: string, call: () => void): Result<void, SystemError> {
  const result = attempt(call);
  if (!result.ok && (result.error.code === 'EPERM' || result.error.code === 'ENOMEM'))
    result.error.message += ` (needs ${need})`;
  return result;
}
