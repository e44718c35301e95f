/** The arithmetic of VRRP's timers (RFC 9568, 6.1; RFC 3768, 6.1), apart from any timer. */

import { type Duration, seconds, times } from '../base/time.ts';

/** What the arithmetic needs to know of a router. */
export type Pace = { readonly version: 2 | 3; readonly priority: number; readonly downCount: number };

/**
 * How much earlier a higher priority gives up waiting: `(256 - priority) / 256` of the master's interval (RFC 9568, 6.1:
 * Skew_Time), in version 2 of a second whatever the interval (RFC 3768, 6.1).
 */
export const skew = ({ version, priority }: Pace, interval: Duration): Duration =>
  times(version === 2 ? seconds(1) : interval, (256 - priority) / 256);

/** Silence after which the master is down: `downCount` of its intervals, and the skew. */
export const masterDown = (pace: Pace, interval: Duration): Duration =>
  (times(interval, pace.downCount) + skew(pace, interval)) as Duration;

/**
 * How long the addresses of a master outlive its last sign of life: whole seconds, since the kernel counts those, and a
 * second longer than any peer waits before it takes over, so that an address is never on nobody for want of patience.
 */
export const lease = (interval: Duration, downCount: number): Duration =>
  seconds(Math.max(2, Math.ceil(times(interval, downCount + 1) / 1000) + 1));
