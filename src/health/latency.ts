/**
 * A server that answers slower than it should gets less, in proportion: half of its weight when it takes twice as long.
 *
 * Single slow answers do not count: what counts is a moving average. And the share moves in steps of a tenth, and only
 * when it is off by more than one, so that weights do not tremble.
 */

import { type Duration, milliseconds } from '../base/time.ts';

export type Latency = {
  /** Of the good answers, exponentially weighted. */
  readonly average: Duration;
  /** Of the weight, percent: 10, 20, up to 100. */
  readonly share: number;
};

/** What a new answer counts for in the average. */
const NEW = 0.2;
const STEP = 10;

/** After a good answer. `target`: the time up to which a server has all of its weight; `null`: this is not asked for. */
export function latencyOf(before: Latency | null, target: Duration | null, took: Duration): Latency | null {
  if (target === null) return null;
  const average = before === null ? took : milliseconds(before.average + NEW * (took - before.average));
  const exact = Math.min(100, (100 * target) / Math.max(average, Number.MIN_VALUE));
  const share = Math.max(STEP, Math.round(exact / STEP) * STEP);
  const keeps = before !== null && Math.abs(exact - before.share) <= STEP && exact < 100;
  return { average, share: keeps ? before.share : share };
}
