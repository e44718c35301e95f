/** The verdicts of all checks of all servers, by keys that stay the same over reloads and restarts. */

import type { Duration, Instant } from '../base/time.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { describeServer } from '../config/service-words.ts';
import { begin, type Change, intervalOf, type ProbeResult, type Saved, type Verdict } from '../health/verdict.ts';
import { keysOf } from '../ipvs/desired.ts';
import { changeByConfig, hear, type Known, know } from './server-health.ts';
import { areSameProbe } from './shared-probes.ts';

/** The verdicts of a process before this one, by their keys. */
export type Restored = ReadonlyMap<string, Saved>;

export type VerdictBook = {
  /**
   * From now on these services. What is known of a server of the same service and address stays known. `weightOf`: what the
   * kernel gives a server now; `null` when it is not there. Gives the servers whose health is another by other checks.
   */
  configure(
    services: readonly ServiceConfig[],
    weightOf: (service: ServiceConfig, server: ServerConfig) => number | null,
    now: Instant,
  ): readonly { readonly known: Known; readonly change: Change }[];
  /** `undefined`: the service is not there, or without checks. */
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

/** A verdict under a check that may be another one now: what the server showed to that one is not what it shows to this. */
function carriedOver({ known, index }: Place, check: CheckConfig): Verdict {
  const verdict = known.verdicts[index] as Verdict;
  const same = areSameProbe(known.service.checks[index] as CheckConfig, check);
  return same ? verdict : { ...verdict, certificateExpires: null, output: null };
}

/** Whether a server may have failed, by this check at least, though the kernel has it with a weight. */
const keepsFailed = ({ panicThreshold, maxEjected, checksNeeded, checks }: ServiceConfig): boolean =>
  panicThreshold > 0 || maxEjected < 100 || (checksNeeded === 'any' && checks.length > 1);

/**
 * `restored` is asked for once, when first configured. `turned`: what is to be saved has become another, whether or not the
 * server has by it.
 */
export function createVerdictBook(restored: () => Restored | undefined, turned: () => void = () => {}): VerdictBook {
  const servers = new Map<string, Known>();
  const verdicts = new Map<string, Place>();
  /** Those of a service without checks are told nothing, so nothing is known of them. */
  let configured: ReadonlySet<ServiceConfig> = new Set();
  let first = true;

  /** Takes out what is known of the servers of these services. */
  function takeOut(services: Iterable<ServiceConfig>): { servers: Map<string, Known>; verdicts: Map<string, Place> } {
    const out = { servers: new Map<string, Known>(), verdicts: new Map<string, Place>() };
    for (const service of services)
      for (const server of service.servers) {
        const key = serverKey(service, server);
        const known = servers.get(key);
        if (known === undefined) continue;
        out.servers.set(key, known);
        servers.delete(key);
        for (const [i, check] of service.checks.entries()) {
          const verdict = verdictKey(service, server, check);
          out.verdicts.set(verdict, { known, index: i });
          verdicts.delete(verdict);
        }
      }
    return out;
  }

  function configure(
    services: readonly ServiceConfig[],
    weightOf: (service: ServiceConfig, server: ServerConfig) => number | null,
    now: Instant,
  ): readonly { readonly known: Known; readonly change: Change }[] {
    const changes: { readonly known: Known; readonly change: Change }[] = [];
    const saved = first ? restored() : undefined;
    first = false;
    const next = new Set(services.filter(({ checks }) => checks.length > 0));
    const before = takeOut([...configured].filter((service) => !next.has(service)));
    const verdictOf = (service: ServiceConfig, server: ServerConfig, check: CheckConfig): Verdict => {
      const key = verdictKey(service, server, check);
      const old = before.verdicts.get(key);
      if (old !== undefined) return carriedOver(old, check);
      const left = saved?.get(key);
      const told = left?.state === 'down' && keepsFailed(service);
      return begin(told ? null : weightOf(service, server), now, left);
    };
    for (const service of next) {
      if (configured.has(service)) continue;
      for (const [index, server] of service.servers.entries()) {
        const key = serverKey(service, server);
        const standing = service.checks.map((check) => verdictOf(service, server, check));
        const known = know({ service, server, index }, standing, before.servers.get(key), now);
        servers.set(key, known);
        const change = changeByConfig(known, before.servers.get(key), now);
        if (change !== undefined) changes.push({ known, change });
        for (const [i, check] of service.checks.entries())
          verdicts.set(verdictKey(service, server, check), { known, index: i });
      }
    }
    configured = next;
    return changes;
  }

  return {
    configure,
    of: (service, server) => (service.checks.length === 0 ? undefined : servers.get(serverKey(service, server))),
    hear(verdict, result, now) {
      const place = verdicts.get(verdict);
      if (place === undefined) return undefined;
      const before = place.known.verdicts[place.index]?.state;
      const { moved, change } = hear(place.known, place.index, result, now);
      if (moved || place.known.verdicts[place.index]?.state !== before) turned();
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
          const { state, since, reason, falls, advice, latency } = known.verdicts[index] as Verdict;
          return state === 'unknown' ? [] : [[key, { state, since, reason, falls, advice, latency }]];
        }),
      ),
  };
}
