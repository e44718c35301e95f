/** The verdicts of all checks of all servers, by keys that stay the same over reloads and restarts. */

import type { Duration, Instant } from '../base/time.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { describeServer } from '../config/service-words.ts';
import { begin, type Change, intervalOf, type ProbeResult, type Saved, type Verdict } from '../health/verdict.ts';
import { keysOf } from '../ipvs/desired.ts';
import { hear, type Known, know } from './server-health.ts';

/** The verdicts of a process before this one, and when it wrote them down. */
export type Restored = { readonly at: Instant; readonly verdicts: ReadonlyMap<string, Saved> };

export type VerdictBook = {
  /**
   * From now on these services. What is known of a server of the same service and address stays known. `weightOf`: what the
   * kernel gives a server now; `null` when it is not there.
   */
  configure(
    services: readonly ServiceConfig[],
    weightOf: (service: ServiceConfig, server: ServerConfig) => number | null,
    now: Instant,
  ): void;
  of(service: ServiceConfig, server: ServerConfig): Known | undefined;
  /** Takes a result in. `undefined`: nothing of its server may be another in the kernel by it, or there is no such verdict. */
  hear(
    verdict: string,
    result: ProbeResult,
    now: Instant,
  ): { readonly known: Known; readonly change?: Change } | undefined;
  /** Time between two probes for this verdict, as it and the role of this director stand; `undefined`: there is no such verdict. */
  interval(verdict: string, isBackup: (service: ServiceConfig) => boolean): Duration | undefined;
  /** Whose verdict it is, and by which check. */
  place(
    verdict: string,
  ): { readonly service: ServiceConfig; readonly server: ServerConfig; readonly check: CheckConfig } | undefined;
  /** To be restored by the next process. */
  toSave(): Readonly<Record<string, Saved>>;
};

/** What names one server of one service. A service by the first that it is to the kernel: another name is no other one. */
export function serverKey(service: ServiceConfig, server: ServerConfig): string {
  let key = serverKeys.get(server);
  if (key === undefined) {
    key = `${keysOf(service)[0] ?? ''} ${describeServer(service, server.address)}`;
    serverKeys.set(server, key);
  }
  return key;
}

/** A server stands in one service only. */
const serverKeys = new WeakMap<ServerConfig, string>();

/** What names the verdict of one check of it. */
export const verdictKey = (service: ServiceConfig, server: ServerConfig, check: Pick<CheckConfig, 'name'>): string =>
  `${serverKey(service, server)} ${check.name}`;

type Place = { readonly known: Known; readonly index: number };

/** `restored` is asked for once, when first configured. */
export function createVerdictBook(restored: () => Restored | undefined): VerdictBook {
  let servers = new Map<string, Known>();
  let verdicts = new Map<string, Place>();
  let first = true;

  function configure(
    services: readonly ServiceConfig[],
    weightOf: (service: ServiceConfig, server: ServerConfig) => number | null,
    now: Instant,
  ): void {
    const saved = first ? restored() : undefined;
    first = false;
    const before = { servers, verdicts };
    servers = new Map();
    verdicts = new Map();
    const verdictOf = (service: ServiceConfig, server: ServerConfig, key: string): Verdict => {
      const old = before.verdicts.get(key);
      return (
        old?.known.verdicts[old.index] ?? begin(weightOf(service, server), now, saved?.verdicts.get(key), saved?.at)
      );
    };
    for (const service of services)
      for (const [index, server] of service.servers.entries()) {
        const key = serverKey(service, server);
        const keys = service.checks.map((check) => verdictKey(service, server, check));
        const standing = keys.map((verdict) => verdictOf(service, server, verdict));
        const known = know({ service, server, index }, standing, before.servers.get(key), now);
        servers.set(key, known);
        for (const [i, verdict] of keys.entries()) verdicts.set(verdict, { known, index: i });
      }
  }

  return {
    configure,
    of: (service, server) => servers.get(serverKey(service, server)),
    hear(verdict, result, now) {
      const place = verdicts.get(verdict);
      if (place === undefined) return undefined;
      const { moved, change } = hear(place.known, place.index, result, now);
      return moved ? { known: place.known, ...(change && { change }) } : undefined;
    },
    interval(verdict, isBackup) {
      const place = verdicts.get(verdict);
      if (place === undefined) return undefined;
      const { known, index } = place;
      const check = known.service.checks[index] as CheckConfig;
      const backup = check.backupInterval !== null && isBackup(known.service);
      return intervalOf(check, known.verdicts[index] as Verdict, backup);
    },
    place(verdict) {
      const found = verdicts.get(verdict);
      if (found === undefined) return undefined;
      const { service, server } = found.known;
      return { service, server, check: service.checks[found.index] as CheckConfig };
    },
    toSave: () =>
      Object.fromEntries(
        [...verdicts].flatMap(([key, { known, index }]) => {
          const { state, since, reason, falls } = known.verdicts[index] as Verdict;
          return state === 'unknown' ? [] : [[key, { state, since, reason, falls }]];
        }),
      ),
  };
}
