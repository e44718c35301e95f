/**
 * Whose fault it is that no probe through IPVS comes back from the moment on when this director became master.
 *
 * A virtual address that has just come to this machine changes how the machine takes the answers of its own probes. When every
 * way by that address that was good before fails from then on, it is the machine that fails, not all of its servers at once; the first
 * one that comes back shows that it does not. A way that was bad before is not excused.
 */

import type { Instant } from '../base/time.ts';

export type TakeoverGuard = {
  /** This director became master of that virtual address. */
  became(address: string, now: Instant): void;
  /**
   * Takes in how a probe ended that began at `began`. `way`: what tells the ways by that address apart. Says whether its
   * failure is our own.
   */
  heard(address: string, way: number, good: boolean, began: Instant): boolean;
};

type Kept = {
  /** Ways whose last probe came back. */
  readonly good: Set<number>;
  /** Those that were good when it became master, as long as none has come back since. */
  excused: ReadonlySet<number>;
  since: Instant;
};

export function createTakeoverGuard(): TakeoverGuard {
  const kept = new Map<string, Kept>();

  function at(address: string): Kept {
    let entry = kept.get(address);
    if (entry === undefined) {
      entry = { good: new Set(), excused: NONE, since: Number.NEGATIVE_INFINITY as Instant };
      kept.set(address, entry);
    }
    return entry;
  }

  return {
    became(address, now) {
      const entry = at(address);
      entry.excused = new Set(entry.good);
      entry.since = now;
    },
    heard(address, way, good, began) {
      const entry = at(address);
      if (good) {
        entry.good.add(way);
        // One that began before may have come back before.
        if (began >= entry.since) entry.excused = NONE;
        return false;
      }
      if (entry.excused.has(way)) return true;
      entry.good.delete(way);
      return false;
    },
  };
}

const NONE: ReadonlySet<number> = new Set();
