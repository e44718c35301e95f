/**
 * The place of a sorry server: in while the quorum is lost, then at weight 0 until its connections have ended, then gone.
 */

import { after, type Duration, type Instant, seconds, times } from '../base/time.ts';
import type { Hold } from './quorum.ts';
import type { Place } from './weights.ts';

export type SorryStanding = {
  /** The weight the kernel gives it; `null` when it is not in the table. */
  readonly present: number | null;
  /** Its connections in the kernel, active and inactive. Templates of persistence do not count: their clients are to come to the real servers. */
  readonly connections: number;
};

export const SORRY_WEIGHT = 1;
/** How long its connections may take to end. */
export const DRAIN_LIMIT: Duration = seconds(60);
/** How often the kernel's counts are looked at meanwhile; the last time when the limit is reached. */
export const LOOK_EVERY: Duration = seconds(5);

/** `next`: when it is to be looked at again; `undefined`: not before something else happens. */
export function sorryPlace(
  { held, since }: Hold,
  { present, connections }: SorryStanding,
  now: Instant,
): { readonly place: Place; readonly next?: Instant } {
  if (!held) return { place: SORRY_WEIGHT };
  if (present === null) return { place: 'absent' };
  // One that had weight until now may get a connection while we look: it leaves the table at weight 0 only.
  const idle = present === 0 && connections === 0;
  if (idle || now >= after(since, DRAIN_LIMIT)) return { place: 'absent' };
  const looks = Math.floor((now - since) / LOOK_EVERY) + 1;
  return { place: 0, next: after(since, times(LOOK_EVERY, looks)) };
}
