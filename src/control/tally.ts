/** Counts of events since the start, for the metrics: the journal keeps only the latest, and a counter must never fall. */

import type { Event, EventKind, VrrpState } from './event.ts';

export type ReloadOutcome = 'applied' | 'unchanged' | 'refused';

export type Tally = {
  readonly events: ReadonlyMap<EventKind, number>;
  readonly reloads: ReadonlyMap<ReloadOutcome, number>;
  /** Changes of state by virtual router and the state it went to. */
  readonly transitions: ReadonlyMap<string, ReadonlyMap<VrrpState, number>>;
};

export function createTally(): Tally & { count(event: Event): void } {
  const events = new Map<EventKind, number>();
  const reloads = new Map<ReloadOutcome, number>();
  const transitions = new Map<string, Map<VrrpState, number>>();
  return {
    events,
    reloads,
    transitions,
    count(event) {
      increment(events, event.kind);
      if (event.kind === 'reload') increment(reloads, event.outcome);
      if (event.kind === 'vrrp') {
        const router = transitions.get(event.router) ?? new Map<VrrpState, number>();
        transitions.set(event.router, router);
        increment(router, event.to);
      }
    },
  };
}

const increment = <Key>(counts: Map<Key, number>, key: Key): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
