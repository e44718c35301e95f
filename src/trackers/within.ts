/** Waiting for something that may never come, without blaming it for the time that this process itself stood still. */

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { type Duration, milliseconds, stoodStill } from '../base/time.ts';

/** What `promise` gives; `undefined` when that takes longer. After a standstill the time begins anew. */
export async function within<T>(time: Duration, promise: Promise<T>): Promise<T | undefined> {
  const stop = new AbortController();
  try {
    for (;;) {
      const began = performance.now();
      const answer = await Promise.race([promise.then((value) => ({ value })), late(time, stop.signal)]);
      if (answer !== undefined) return answer.value;
      if (!stoodStill(time, milliseconds(performance.now() - began - time))) return undefined;
    }
  } finally {
    stop.abort();
  }
}

async function late(time: Duration, signal: AbortSignal): Promise<undefined> {
  await pause(time, undefined, { signal }).catch(() => {});
  // Timers run before what has come meanwhile is read.
  await turn();
}
