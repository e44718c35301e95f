/**
 * How many of all probes fail of late. When most of them do, it may be the director that has lost its network, and not its
 * servers.
 *
 * A probe that has failed for longer than the window counts no more, neither as failing nor at all: what has been down for
 * long says nothing about what happens now.
 */

import type { Duration, Instant } from '../base/time.ts';

export type Failures = {
  /** Takes in how a probe ended. `hold`: nothing grows old now. */
  hear(key: string, failed: boolean, now: Instant, hold: boolean): void;
  /** Only these are probed from now on. */
  keep(keys: ReadonlySet<string>): void;
  count(): Count;
  /** The keys of those that fail. */
  failing(): Iterable<string>;
};

/** `failing`: of late. `all`: those, and the ones that are well. */
export type Count = { readonly failing: number; readonly all: number };

export function createFailures(window: Duration): Failures {
  const well = new Set<string>();
  /** Since when, the longest first. */
  const recent = new Map<string, Instant>();
  const old = new Set<string>();

  function age(now: Instant): void {
    for (const [key, since] of recent) {
      if (now - since < window) return;
      recent.delete(key);
      old.add(key);
    }
  }

  return {
    hear(key, failed, now, hold) {
      if (!hold) age(now);
      if (!failed) {
        // Mostly it was well before.
        if (well.has(key)) return;
        recent.delete(key);
        old.delete(key);
        well.add(key);
      } else if (!recent.has(key) && !old.has(key)) {
        well.delete(key);
        recent.set(key, now);
      }
    },
    keep(keys) {
      for (const group of [well, recent, old]) for (const key of group.keys()) if (!keys.has(key)) group.delete(key);
    },
    count: () => ({ failing: recent.size, all: recent.size + well.size }),
    failing: () => recent.keys(),
  };
}

/** More than half. */
export const mostFail = ({ failing, all }: Count): boolean => 2 * failing > all;
