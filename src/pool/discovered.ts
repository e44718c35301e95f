/**
 * What becomes of the answers of a discovery: the list in force, and what is held back. An answer that would take out more
 * servers than is allowed is followed by half: what is new in it comes in, what is missing in it stays, until so many
 * equal answers have come, or an operator accepts it. What is allowed is judged by the last list that was followed whole,
 * so nothing that came in by half makes more room.
 */

import type { Quota } from './quorum.ts';

export type Limits = {
  /** Servers of the list followed last that one answer may take out. */
  readonly maxRemoved: Quota;
  /** Equal answers in a row after which the answer is followed; 0: never. */
  readonly confirmAfter: number;
};

/** A list that is held back. It is never empty. */
export type Held<T> = {
  readonly answer: readonly T[];
  /** How often in a row it has come. */
  readonly times: number;
  /** When it came first, ms of Unix time. */
  readonly since: number;
};
/** `followed`: the last list that was followed whole; empty before the first. */
export type Discovered<T> = { readonly followed: readonly T[]; readonly held: Held<T> | null };

/** What is the same server in two lists. */
export type KeyOf<T> = (item: T) => string;

export const NOTHING_FOUND: Discovered<never> = { followed: [], held: null };

/** The servers that run: also those that only what is held back would take out. */
export function inForce<T>({ followed, held }: Discovered<T>, keyOf: KeyOf<T>): readonly T[] {
  return held === null ? followed : [...held.answer, ...missing(followed, held.answer, keyOf)];
}

/** Those of `before` that are not in `answer`. */
export function missing<T>(before: readonly T[], answer: readonly T[], keyOf: KeyOf<T>): readonly T[] {
  const there = new Set(answer.map(keyOf));
  return before.filter((item) => !there.has(keyOf(item)));
}

/** Takes an answer, which has a server at least: an empty one is none. */
export function take<T>(
  state: Discovered<T>,
  answer: readonly T[],
  limits: Limits,
  keyOf: KeyOf<T>,
  now: number,
): Discovered<T> {
  const { followed, held } = state;
  if (!exceeds(state, answer, limits, keyOf)) return { followed: answer, held: null };
  const same = held !== null && isSame(held.answer, answer, keyOf);
  const times = same ? held.times + 1 : 1;
  if (limits.confirmAfter > 0 && times >= limits.confirmAfter) return { followed: answer, held: null };
  return { followed, held: { answer, times, since: same ? held.since : now } };
}

/** Whether an answer would take out more than is allowed. */
export const exceeds = <T>(
  { followed }: Discovered<T>,
  answer: readonly T[],
  { maxRemoved }: Pick<Limits, 'maxRemoved'>,
  keyOf: KeyOf<T>,
): boolean => missing(followed, answer, keyOf).length > allowed(maxRemoved, followed.length);

/** Follows what is held back. */
export const accept = <T>({ followed, held }: Discovered<T>): Discovered<T> => ({
  followed: held?.answer ?? followed,
  held: null,
});

const allowed = (most: Quota, of: number): number =>
  typeof most === 'number' ? most : Math.floor((of * most.percent) / 100);

const isSame = <T>(a: readonly T[], b: readonly T[], keyOf: KeyOf<T>): boolean =>
  a.length === b.length && missing(a, b, keyOf).length === 0;
