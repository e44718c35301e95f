/**
 * Time as values. Units live in types: a protocol's own unit (VRRPv3's centiseconds) exists only in its codec.
 *
 * `Duration` and `Instant` are milliseconds with a fraction; an `Instant` counts from an arbitrary point of the
 * machine's monotonic clock (CLOCK_MONOTONIC), so it is comparable between processes of one boot and with nothing else.
 */

declare const durationBrand: unique symbol;
declare const instantBrand: unique symbol;

/** A length of time in milliseconds, fractions allowed. */
export type Duration = number & { readonly [durationBrand]: true };
/** A point on the monotonic clock, in milliseconds, fractions allowed. */
export type Instant = number & { readonly [instantBrand]: true };

export const milliseconds = (n: number): Duration => n as Duration;
export const seconds = (n: number): Duration => (n * 1000) as Duration;
export const instant = (n: number): Instant => n as Instant;
export const after = (from: Instant, by: Duration): Instant => (from + by) as Instant;
export const between = (from: Instant, to: Instant): Duration => (to - from) as Duration;
export const times = (d: Duration, factor: number): Duration => (d * factor) as Duration;

/** Whether a timer of so long that comes so late tells of a standstill of this process (stopped, swapped out, starved). */
export const stoodStill = (time: Duration, lateness: Duration): boolean => lateness > Math.max(200, time / 4);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration as written in the config: a decimal number and a unit, `"250ms" "1.5s" "5m" "1h" "2d"`, or several of
 * them in falling order, `"1m30s"`. Exact to the microsecond: `1.13 * 1000` is no whole number in binary fractions.
 * Returns `undefined` for anything else; a bare number has no unit and is refused.
 */
export function parseDuration(text: string): Duration | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  let previous = Number.POSITIVE_INFINITY;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    const factor = UNITS[unit as string] as number;
    if (factor >= previous) return undefined;
    previous = factor;
    total += Number(number) * factor;
  }
  return milliseconds(Math.round(total * 1000) / 1000);
}

/** A duration for people: at most three significant digits of the unit that fits, `"3.21 s"`, `"250 ms"`, `"5 m"`. */
export function formatDuration(d: Duration): string {
  const magnitude = Math.abs(d);
  if (magnitude < 999.5) return `${round3(d)} ms`;
  if (magnitude < 120_000) return `${round3(d / 1000)} s`;
  if (magnitude < 7_200_000) return `${round3(d / 60_000)} m`;
  if (magnitude < 172_800_000) return `${round3(d / 3_600_000)} h`;
  return `${round3(d / 86_400_000)} d`;
}

const round3 = (n: number): string => (Math.abs(n) >= 100 ? String(Math.round(n)) : String(Number(n.toPrecision(3))));
