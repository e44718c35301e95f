/**
 * Keeps an eye on servers that have left the config while their connections go on (`ipvs/leaving.ts`): looks again and
 * again until they have gone, and writes down since when, so that a restart does not give them their time anew.
 */

import { after, type Duration, type Instant, instant, seconds } from '../base/time.ts';
import type { ServiceConfig } from '../config/config.ts';
import { endpointFor, idsOf, keysOf } from '../ipvs/desired.ts';
import { type Leaving, type LeavingRules, withLeaving } from '../ipvs/leaving.ts';
import { memberKey, serviceKey, type Table } from '../ipvs/table.ts';
import { withSorry } from './sorry-servers.ts';

export type LeavingServers = {
  /** Takes the services of the config. */
  configure(services: readonly ServiceConfig[]): void;
  /**
   * What is wanted, with those that are still leaving. `parts`: of these services alone, those of others leave on.
   * `preview`: it is only a question, nobody leaves by it.
   */
  keep(actual: Table, wanted: Table, owned: ReadonlySet<string>, parts?: readonly ServiceConfig[]): Table;
  preview(services: readonly ServiceConfig[], actual: Table, wanted: Table, owned: ReadonlySet<string>): Table;
  /** By when a server of the table has to be gone; `undefined`: it is not leaving. */
  until(service: string, server: string): Instant | undefined;
  close(): void;
};

export type LeavingPorts = {
  /** What `save` was given last, perhaps by a process before this one. */
  readonly load: () => unknown;
  readonly save: (leaving: Readonly<Record<string, number>>) => void;
  readonly now: () => Instant;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  /** Has the table looked at again. */
  readonly look: () => void;
};

/** How soon after its last connection a server goes. */
const LOOK_EVERY: Duration = seconds(2);

export function createLeavingServers({ load, save, now, later, look }: LeavingPorts): LeavingServers {
  let rules = rulesOf([]);
  let leaving: Leaving | undefined;
  let looking: { cancel(): void } | undefined;
  let closed = false;

  const before = (): Leaving => {
    leaving ??= leavingIn(load());
    return leaving;
  };

  /** Not put off by what is looked at meanwhile, which may be other services. */
  function lookLater(): void {
    if (closed) return;
    looking ??= later(LOOK_EVERY, () => {
      looking = undefined;
      look();
    });
  }

  function stopLooking(): void {
    looking?.cancel();
    looking = undefined;
  }

  function set(next: Leaving): void {
    const same = next.size === before().size && [...next.keys()].every((key) => before().has(key));
    leaving = next;
    if (next.size > 0) lookLater();
    else stopLooking();
    if (same) return;
    try {
      save(Object.fromEntries(next));
    } catch {
      // Then a restart gives them their time anew, which harms nobody.
    }
  }

  return {
    configure(services) {
      rules = rulesOf(services);
    },
    keep(actual, wanted, owned, parts) {
      const { table, leaving: next } = withLeaving(actual, wanted, owned, rules, before(), now());
      set(new Map([...(parts === undefined ? [] : ofOthers(before(), parts)), ...next]));
      return table;
    },
    preview: (services, actual, wanted, owned) =>
      withLeaving(actual, wanted, owned, rulesOf(services), before(), now()).table,
    until(service, server) {
      const since = before().get(`${service} ${server}`);
      return since === undefined ? undefined : after(since, rules.patience(service));
    },
    close() {
      closed = true;
      stopLooking();
    },
  };
}

/** Those of other services. No server's address has a space. */
function ofOthers(leaving: Leaving, parts: readonly ServiceConfig[]): readonly (readonly [string, Instant])[] {
  const keys = new Set(parts.flatMap(keysOf));
  return [...leaving].filter(([name]) => !keys.has(name.slice(0, name.lastIndexOf(' '))));
}

/** They are worked out when the first server is seen to leave: mostly none does. */
function rulesOf(services: readonly ServiceConfig[]): LeavingRules {
  let known: Known | undefined;
  const all = (): Known => {
    known ??= knownOf(services);
    return known;
  };
  return {
    isConfigured: (key) => all().configured.has(key),
    patience: (service) => all().patience.get(service) ?? seconds(0),
  };
}

type Known = { readonly configured: ReadonlySet<string>; readonly patience: ReadonlyMap<string, Duration> };
function knownOf(services: readonly ServiceConfig[]): Known {
  const configured = new Set<string>();
  const patience = new Map<string, Duration>();
  for (const service of services)
    for (const id of idsOf(service)) {
      const key = serviceKey(id);
      patience.set(key, service.drainTimeout);
      for (const server of withSorry(service).servers)
        configured.add(memberKey(key, { address: endpointFor(id, server) }));
    }
  return { configured, patience };
}

/** What a file holds, without what is damaged. */
function leavingIn(saved: unknown): Leaving {
  const entries = typeof saved === 'object' && saved !== null ? Object.entries(saved) : [];
  return new Map(entries.flatMap(([key, at]) => (typeof at === 'number' ? [[key, instant(at)] as const] : [])));
}
