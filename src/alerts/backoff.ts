/** How long to wait between the attempts for one alert: doubling from 1 s to 1 min, spread so that sinks do not march in step. */

import { type Duration, milliseconds } from '../base/time.ts';

const FIRST = 1_000;
const LONGEST = 60_000;

/**
 * The pause after `failures` attempts (1 and up) have failed. `jitter`, in [0, 1), places it between half and the whole
 * of the exponential step.
 */
export function backoff(failures: number, jitter: number): Duration {
  const step = Math.min(LONGEST, FIRST * 2 ** (failures - 1));
  return milliseconds((step * (1 + jitter)) / 2);
}
