/** The arithmetic of VRRP's timers (RFC 9568, 6.1), apart from any timer. */

import { type Duration, seconds, times } from '../base/time.ts';

/** Adverts that may be missed before the master counts as dead (RFC 9568, 6.1: Active_Down_Interval). */
export const DOWN_COUNT = 3;

/** How much earlier a higher priority gives up waiting: `(256 - priority) × interval / 256` (RFC 9568, 6.1: Skew_Time). */
export const skew = (priority: number, interval: Duration): Duration => times(interval, (256 - priority) / 256);

/** Silence after which the master is down: three of its intervals, and the skew. */
export const masterDown = (priority: number, interval: Duration): Duration =>
  (times(interval, DOWN_COUNT) + skew(priority, interval)) as Duration;

/**
 * How long the addresses of a master outlive its last sign of life: whole seconds, since the kernel counts those, and a
 * second longer than any peer waits before it takes over, so that an address is never on nobody for want of patience.
 */
export const lease = (interval: Duration): Duration =>
  seconds(Math.max(2, Math.ceil(times(interval, DOWN_COUNT + 1) / 1000) + 1));
