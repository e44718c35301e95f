/**
 * When each probe is due: every `interval` from its own phase, for ever.
 *
 * The next due time is the previous one plus a whole number of intervals, never `now` plus one: the time a probe takes
 * and the lateness of a timer do not add up, and the spread between servers stays as it began. Instants that have gone
 * by (the process was stopped, or the last probe is still running) are skipped, not made up for.
 */

import { after, type Duration, type Instant, times } from '../base/time.ts';

/**
 * The first due time of the probe at `index` of `count` that start together: all lie inside one interval, evenly
 * spread, so that 1,000 servers are not probed in one millisecond. The first is due at `start`.
 */
export const firstDue = (start: Instant, interval: Duration, index: number, count: number): Instant =>
  after(start, times(interval, index / count));

/** The first due time after `now` that is a whole number of intervals (1 or more) after `due`. */
export function nextDue(due: Instant, interval: Duration, now: Instant): Instant {
  const next = after(due, interval);
  if (next > now) return next;
  const missed = after(due, times(interval, Math.floor((now - due) / interval)));
  return missed > now ? missed : after(missed, interval);
}

/** What is due when: a binary heap, so 10,000 probes cost their 13 comparisons each and need one timer. */
export type Agenda<T> = {
  /** The earliest due time; `undefined` when nothing is planned. */
  readonly next: () => Instant | undefined;
  readonly add: (due: Instant, item: T) => void;
  /** Takes out the earliest item if it is due at `now`. Items due at one instant come out in any order. */
  readonly take: (now: Instant) => { readonly due: Instant; readonly item: T } | undefined;
};

export function createAgenda<T>(): Agenda<T> {
  type Entry = { readonly due: Instant; readonly item: T };
  const heap: Entry[] = [];
  const at = (i: number): Entry => heap[i] as Entry;

  function swap(i: number, j: number): void {
    const entry = at(i);
    heap[i] = at(j);
    heap[j] = entry;
  }
  function up(i: number): void {
    while (i > 0 && at((i - 1) >> 1).due > at(i).due) {
      swap(i, (i - 1) >> 1);
      i = (i - 1) >> 1;
    }
  }
  function down(i: number): void {
    for (;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && at(child).due < at(least).due) least = child;
      if (least === i) return;
      swap(i, least);
      i = least;
    }
  }

  return {
    next: () => heap[0]?.due,
    add: (due, item) => {
      heap.push({ due, item });
      up(heap.length - 1);
    },
    take: (now) => {
      const first = heap[0];
      if (first === undefined || first.due > now) return undefined;
      swap(0, heap.length - 1);
      heap.pop();
      down(0);
      return first;
    },
  };
}
