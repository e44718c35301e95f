/** Dates for people: in the machine's own time zone, the day only when it is not today, and always with the age. */

import { formatDuration, milliseconds } from '../base/time.ts';

const two = (n: number): string => String(n).padStart(2, '0');
const dayOf = (d: Date): string => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
const clockOf = (d: Date): string => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;

/** `12:01:03`, or `2026-03-01 12:01:03` when that was another day. */
export function moment(time: string, now: Date): string {
  const date = new Date(time);
  return dayOf(date) === dayOf(now) ? clockOf(date) : `${dayOf(date)} ${clockOf(date)}`;
}

/** `2026-03-01 12:01:03` */
export const stamp = (time: string): string => `${dayOf(new Date(time))} ${clockOf(new Date(time))}`;

/** `4 m`: whole units, at least 0. */
export const age = (time: string, now: Date): string => wholeUnits(now.getTime() - Date.parse(time));

/** How long it is until `time`, as `age` says how long it was. */
export const left = (time: string, now: Date): string => wholeUnits(Date.parse(time) - now.getTime());

function wholeUnits(length: number): string {
  const ms = Math.max(0, length);
  const unit = [86_400_000, 3_600_000, 60_000].find((u) => ms >= 2 * u) ?? 1000;
  return formatDuration(milliseconds(Math.floor(ms / unit) * unit)).replace(/^0 ms$/, '0 s');
}

/** `12:01:03 (4 m)` */
export const since = (time: string, now: Date): string => `${moment(time, now)} (${age(time, now)})`;
