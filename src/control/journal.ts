/**
 * The journal: numbers and dates what happens, keeps the latest, and hands each event to its subscribers.
 *
 * Subscribers are called in the order of the events, each event to all before the next: one that itself makes something
 * happen sees it come round afterwards. A subscriber is the place for another sink of events, such as a file.
 */

import { invariant } from '../base/invariant.ts';
import type { Event, EventKind, Happening } from './event.ts';
import { createTally, type Tally } from './tally.ts';

/** As a record, so that the compiler misses a kind that is not here. */
const KINDS: Readonly<Record<EventKind, true>> = {
  vrrp: true,
  'split-brain': true,
  conflict: true,
  track: true,
  order: true,
  server: true,
  'server-order': true,
  'server-change': true,
  discovery: true,
  quorum: true,
  panic: true,
  ejection: true,
  reload: true,
  trial: true,
  process: true,
  drift: true,
  trouble: true,
};
export const EVENT_KINDS = Object.keys(KINDS) as readonly EventKind[];

export type EventQuery = {
  /** A number: events after that `seq`. A date: events at or after it. Absent: from the oldest kept. */
  readonly since?: number | Date;
  /** Only these kinds; absent: all. */
  readonly kinds?: readonly EventKind[];
  /** At most that many, the latest of those that match. */
  readonly limit?: number;
};

export type Journal = {
  add(happening: Happening): Event;
  /** Oldest first. */
  query(query: EventQuery): readonly Event[];
  /** Returns what ends the subscription. */
  subscribe(listener: (event: Event) => void): () => void;
  /** Of all events since the start, also those no longer kept. */
  readonly tally: Tally;
};

export function createJournal(options: { readonly now: () => Date; readonly size?: number }): Journal {
  const { now, size = 10_000 } = options;
  invariant(size >= 1, `a journal keeps at least one event, not ${size}`);
  /** Event `seq` lies at `seq % size`. */
  const ring: Event[] = [];
  const listeners = new Set<(event: Event) => void>();
  const undelivered: Event[] = [];
  const tally = createTally();
  let last = 0;
  let delivering = false;

  function deliver(): void {
    if (delivering) return;
    delivering = true;
    try {
      for (let event = undelivered.shift(); event !== undefined; event = undelivered.shift())
        for (const listener of [...listeners]) listener(event);
    } finally {
      delivering = false;
    }
  }

  return {
    add(happening) {
      last++;
      const event: Event = { seq: last, time: now().toISOString(), ...happening };
      ring[last % size] = event;
      tally.count(event);
      undelivered.push(event);
      deliver();
      return event;
    },

    query({ since, kinds, limit = size }) {
      const found: Event[] = [];
      const oldest = Math.max(1, last - size + 1);
      for (let seq = last; seq >= oldest && found.length < limit; seq--) {
        const event = ring[seq % size];
        invariant(event !== undefined, `event ${seq} is not in the journal`);
        if (typeof since === 'number' && seq <= since) break;
        // The wall clock may step back, so a date is compared with every event.
        if (since instanceof Date && Date.parse(event.time) < since.getTime()) continue;
        if (kinds === undefined || kinds.includes(event.kind)) found.push(event);
      }
      return found.reverse();
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },

    tally,
  };
}
