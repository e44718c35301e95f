/** What a kind of tracked thing gives the checker process: something that watches it, and tells what it finds. */

import type { Duration, Instant } from '../base/time.ts';
import type { InterfaceTrack, TrackConfig } from '../config/config.ts';
import type { ProbeOutcome } from '../health/verdict.ts';
import type { Timer } from '../system/clock.ts';

/** What is watched here. Interfaces are the vrrp process's own, which must not wait for another to tell of them. */
export type Watched = Exclude<TrackConfig, InterfaceTrack>;

export type Finding = {
  /** `local-error`: nothing can be told of the thing, and what was known of it stays. */
  readonly outcome: ProbeOutcome;
  /** Goes on where `describeTrack` ends: `exited with 2: "disk full"`, `has not answered 3 ARP requests`. */
  readonly reason: string;
  /** The number in a file; `null` for everything else. */
  readonly factor: number | null;
  /** Whether an operator has something to mend before this can be tracked at all. */
  readonly trouble: boolean;
};

export const up = (reason: string): Finding => ({ outcome: 'up', reason, factor: null, trouble: false });
export const down = (reason: string): Finding => ({ outcome: 'down', reason, factor: null, trouble: false });
/** It fails, and that is for an operator to mend. */
export const refused = (reason: string): Finding => ({ outcome: 'down', reason, factor: null, trouble: true });
/** Nothing can be told of it. */
export const unknown = (reason: string): Finding => ({ outcome: 'local-error', reason, factor: null, trouble: true });

/** Told of everything that is found, changed or not; never from within the call that began the watch. */
export type Found = (finding: Finding) => void;

export type Watcher = {
  /** Nothing is told after it. */
  close(): void;
};

/** Time, which tests hold still. `timer` as `createTimer`. */
export type Clock = { readonly now: () => Instant; readonly timer: (due: (lateness: Duration) => void) => Timer };
