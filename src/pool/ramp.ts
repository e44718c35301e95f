/** A slow start: from a tenth of its weight to all of it, in steps of a second. */

import { after, type Duration, type Instant, seconds } from '../base/time.ts';

/** Whole seconds since then, to the microsecond: instants are fractions of milliseconds. */
const secondsSince = (from: Instant, now: Instant): number =>
  Math.max(0, Math.floor(Math.round((now - from) * 1000) / 1_000_000));

/**
 * The weight at `now` of a server that came back at `from`, and when it next grows; `undefined`: it has all of its weight.
 * It begins with a tenth of it, at least 1.
 */
export function ramp(
  weight: number,
  slowStart: Duration,
  from: Instant,
  now: Instant,
): { readonly weight: number; readonly next: Instant } | undefined {
  const first = Math.max(1, Math.floor(weight / 10));
  const rise = weight - first;
  const steps = Math.ceil(slowStart / 1000);
  const step = secondsSince(from, now);
  if (rise <= 0 || step >= steps) return undefined;
  const grown = Math.floor((rise * step) / steps);
  return { weight: first + grown, next: after(from, seconds(Math.ceil(((grown + 1) * steps) / rise))) };
}
