/**
 * Stamps of signed adverts: which one to send next, and whether a received one is new (draft-cassen-vrrp-auth-hmac).
 *
 * A stamp is a clock and a counter in 64 bits (`wire/vrrp-auth.ts`), compared by serial arithmetic (RFC 1982), so that the
 * seconds may wrap in 2106. Of each sender the highest stamp is remembered, and only a higher one is accepted.
 *
 * - `time`: a stamp must also be within `window` seconds of our own clock, so an advert caught on the wire is worth
 *   nothing afterwards, even to a receiver that has just started. Clocks must agree (NTP). A mark that lies outside the
 *   window is forgotten: what it forbids the window forbids already, and a sender whose clock was wrong is heard again.
 * - `monotonic`: it must only grow. No clock need be right, but a sender that comes back with an older clock than it had is
 *   refused until its clock has passed the old mark, as keepalived does it: a mark that could be lowered by silence or by
 *   a lower stamp would let anybody replay the adverts of a dead master for as long as they like. Whoever has to set a
 *   clock back for good restarts lvskeeper on the receiving side, which forgets the marks.
 *
 * Nothing is kept on disk: a sender that restarts is ahead of itself as long as its clock has moved on.
 */

import type { IpAddress } from '../base/address.ts';
import type { Stamp } from '../wire/vrrp-auth.ts';

/** `window`: whole seconds, 1 to 300 in keepalived. */
export type ReplayRule = { readonly mode: 'time'; readonly window: number } | { readonly mode: 'monotonic' };

/** The highest stamp of each sender, the one heard longest ago first. */
export type Marks = ReadonlyMap<IpAddress, Stamp>;
export const NO_MARKS: Marks = new Map();

/** Senders remembered at least; keepalived has 4. Only a good signature gets one in, so a flood of forged ones pushes none out. */
export const SENDERS = 32;

/** The stamp of a moment, by the wall clock in milliseconds since 1970. */
export function stampOf(wallClock: number): Stamp {
  const parts = BigInt(Math.floor((wallClock * 0x10000) / 1000));
  return BigInt.asUintN(64, parts << 16n);
}

/** The seconds since 1970 in a stamp, modulo 2^32. */
const secondsOf = (stamp: Stamp): number => Number(stamp >> 32n);

/** How far a stamp is ahead of the wall clock (negative: behind), in whole seconds. */
export const aheadOf = (stamp: Stamp, wallClock: number): number =>
  (secondsOf(stamp) - secondsOf(stampOf(wallClock))) | 0;

/**
 * The stamp to send after `last`: the clock's, or the next above `last` when the clock stands still or was set back. With
 * `time` a last stamp that no receiver would accept any more is left behind, and the clock counts again.
 */
export function nextStamp(last: Stamp | null, wallClock: number, rule: ReplayRule): Stamp {
  const clock = stampOf(wallClock);
  if (last === null || isAfter(clock, last)) return clock;
  if (rule.mode === 'time' && aheadOf(last, wallClock) > rule.window) return clock;
  return BigInt.asUintN(64, last + 1n);
}

/** Whether the rule lets a stamp pass whoever sent it. Cheap, so it comes before the signature is looked at. */
export const isTimely = (stamp: Stamp, wallClock: number, rule: ReplayRule): boolean =>
  rule.mode === 'monotonic' || Math.abs(aheadOf(stamp, wallClock)) <= rule.window;

/**
 * Takes a timely stamp of a good signature: the marks with it, or `null` when the sender has had it or a later one
 * before. At most `limit` senders are remembered; the one heard longest ago is forgotten first.
 */
export function mark(
  marks: Marks,
  source: IpAddress,
  stamp: Stamp,
  wallClock: number,
  rule: ReplayRule,
  limit: number = SENDERS,
): Marks | null {
  const last = marks.get(source);
  if (last !== undefined && isTimely(last, wallClock, rule) && !isAfter(stamp, last)) return null;
  const next = new Map(marks);
  next.delete(source);
  next.set(source, stamp);
  for (const oldest of next.keys()) {
    if (next.size <= limit) break;
    next.delete(oldest);
  }
  return next;
}

/** RFC 1982, 3.2: the difference, taken as a signed number, is positive. */
const isAfter = (a: Stamp, b: Stamp): boolean => BigInt.asIntN(64, a - b) > 0n;
