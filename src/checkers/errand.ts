/**
 * A probe that is work on this machine, a file to read or a program to run, rather than a connection. Each kind keeps its
 * own time: what takes too long may be the director's fault.
 */

import { type Duration, milliseconds } from '../base/time.ts';
import { type Attempt, type Finding, localError } from './attempt.ts';
import type { ProbeResult } from './probe.ts';

/** `took`: where that is not the whole time. */
export type Found = Finding & { readonly took?: Duration };

/** Starts the work, which never rejects. When it is given up, the signal is aborted, and its result no longer waited for. */
export function errand(work: (signal: AbortSignal) => Promise<Found>): Attempt {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const stop = new AbortController();
  const began = performance.now();
  const settle = (found: Found): void => resolve({ took: milliseconds(performance.now() - began), ...found });
  void work(stop.signal).then(settle);
  return {
    result: promise,
    giveUp: () => {
      stop.abort();
      settle(localError('the check was changed or stopped'));
    },
  };
}

/**
 * Asks the file system, which may not answer for hours when it is on a network, one thing at a time: gives `undefined` when
 * that takes longer than `time`, and at once while the last thing still hangs. `work` never rejects.
 */
export function createDiskAsker() {
  let hanging = false;
  return async function ask<T>(time: Duration, work: () => Promise<T>): Promise<T | undefined> {
    if (hanging) return undefined;
    hanging = true;
    const answer = work().finally(() => {
      hanging = false;
    });
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    // Timers run before what has come meanwhile is read.
    const timer = setTimeout(() => setImmediate(resolve, undefined), time);
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
