/** What a process holds while it is idle, again and again, and whether that grows. */

import assert from 'node:assert/strict';

export type Held = {
  /** Made so far. */
  readonly checks: number;
  readonly descriptors: number;
  /** Descriptors that epoll instances of this process watch. */
  readonly watched: number;
  readonly timers: number;
  readonly processes: number;
  /** Bytes, after a collection. */
  readonly heap: number;
  readonly external: number;
};

export type Soaked = { readonly held: readonly Held[]; readonly outcomes: Readonly<Record<string, number>> };

/** Nothing may be more than at first; of memory, not more than `most` bytes a check. */
export function assertHeldStill({ held }: Soaked, most: number): void {
  const told = held.map((one) => JSON.stringify(one)).join('\n');
  const [first] = held;
  for (const what of ['descriptors', 'watched', 'timers', 'processes'] as const)
    for (const one of held) assert.ok(one[what] <= (first?.[what] ?? 0), `${what} grow:\n${told}`);
  for (const what of ['heap', 'external'] as const) {
    const slope = slopeOf(held, what);
    assert.ok(slope < most, `${what} grows by ${Math.round(slope)} bytes a check:\n${told}`);
  }
}

/** Bytes a check: the median between two samples, so that a step, as when compiled code is thrown away, does not count. */
export function slopeOf(held: readonly Held[], what: 'heap' | 'external'): number {
  const slopes = held.slice(1).map((one, i) => {
    const before = held[i] as Held;
    return (one[what] - before[what]) / (one.checks - before.checks);
  });
  return slopes.sort((a, b) => a - b)[Math.floor((slopes.length - 1) / 2)] ?? 0;
}
