/** Counts of events since the start, for the metrics: the journal keeps only the latest, and a counter must never fall. */

import type { Event, EventKind, VrrpState } from './event.ts';

export type ReloadOutcome = 'applied' | 'unchanged' | 'refused';

export type Tally = {
  readonly events: ReadonlyMap<EventKind, number>;
  readonly reloads: ReadonlyMap<ReloadOutcome, number>;
  /** Changes of state by virtual router (`routerKey`) and the state it went to. */
  readonly transitions: ReadonlyMap<string, ReadonlyMap<VrrpState, number>>;
};

/** One name may be two virtual routers, one a family. */
export const routerKey = (name: string, family: 4 | 6): string => `${name} ${family}`;

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
        const key = routerKey(event.router, event.family);
        const router = transitions.get(key) ?? new Map<VrrpState, number>();
        transitions.set(key, router);
        increment(router, event.to);
      }
    },
  };
}

const increment = <Key>(counts: Map<Key, number>, key: Key): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
