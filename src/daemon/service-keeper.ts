/**
 * What the checker knows of its services: each server's verdict, each service's quorum, and from these the table that
 * the kernel should hold. Takes probe results in, reports changes, does no I/O.
 */

import { formatEndpoint } from '../base/address.ts';
import type { Instant } from '../base/time.ts';
import type { ServerConfig, ServiceConfig } from '../config/config.ts';
import type { Happening } from '../control/event.ts';
import type { ServerStatus, ServiceStatus } from '../control/status.ts';
import { begin, type Health, type ProbeResult, step, type Verdict } from '../health/verdict.ts';
import { desired } from '../ipvs/desired.ts';
import { type Destination, destinationKey, type ServiceId, serviceKey, type Table } from '../ipvs/table.ts';
import { count, PRESUMED, type Quorum, step as quorumStep } from '../pool/quorum.ts';
import { place } from '../pool/weights.ts';

export type ServiceKeeper = {
  /** Takes services over. What is known of a server of the same service and address stays known. */
  configure(services: readonly ServiceConfig[], kernel: Table, now: Instant): void;
  /** Takes a probe's result in. Says whether a verdict changed, and so perhaps the table. */
  take(probe: string, result: ProbeResult, now: Instant): boolean;
  /** The table for `services` (by default those configured), given what the kernel has. */
  desired(kernel: Table, services?: readonly ServiceConfig[]): Table;
  status(kernel: Table, date: (at: Instant) => string): readonly ServiceStatus[];
  /** The quorum of the service of that name, as it was reported; `undefined` while the verdicts leave it open, or without such a service. */
  quorum(service: string): Quorum | undefined;
};

/** What names one server of one service, and its probe. */
export const probeKey = (service: ServiceConfig, server: ServerConfig): string =>
  `${serviceKey(idOf(service))} ${formatEndpoint(server.address)}`;

const idOf = ({ protocol, address }: ServiceConfig): ServiceId => ({ protocol, address });

type Kept = { readonly service: ServiceConfig; readonly server: ServerConfig; verdict: Verdict };

export function createServiceKeeper(report: (happening: Happening) => void): ServiceKeeper {
  let services: readonly ServiceConfig[] = [];
  let kept = new Map<string, Kept>();
  let held = new Map<string, boolean>();

  const healthOf = (service: ServiceConfig, server: ServerConfig): Health | 'unchecked' =>
    service.check === null ? 'unchecked' : (kept.get(probeKey(service, server))?.verdict.state ?? 'unknown');

  const healths = (service: ServiceConfig): (Health | 'unchecked')[] =>
    service.servers.map((server) => healthOf(service, server));

  function updateQuorum(service: ServiceConfig): void {
    const key = serviceKey(idOf(service));
    const now = quorumStep(held.get(key) ?? PRESUMED, service.quorum, healths(service));
    held.set(key, now.held);
    if (now.change !== undefined) report({ kind: 'quorum', service: service.name, ...now.change });
  }

  return {
    configure(next, kernel, now) {
      const before = kept;
      kept = new Map();
      services = next;
      for (const service of next) {
        for (const server of service.servers) {
          const key = probeKey(service, server);
          const weight = destinationIn(kernel, service, server)?.weight ?? null;
          kept.set(key, { service, server, verdict: before.get(key)?.verdict ?? begin(weight, now) });
        }
      }
      const keys = new Set(next.map((service) => serviceKey(idOf(service))));
      held = new Map([...held].filter(([key]) => keys.has(key)));
      for (const service of next) updateQuorum(service);
    },

    take(probe, result, now) {
      const entry = kept.get(probe);
      if (entry === undefined || entry.service.check === null) return false;
      const { next, change } = step(entry.service.check, entry.verdict, result, now);
      entry.verdict = next;
      if (change === undefined) return false;
      const { service, server } = entry;
      report({
        kind: 'server',
        service: service.name,
        server: server.name,
        address: formatEndpoint(server.address),
        ...change,
      });
      updateQuorum(service);
      return true;
    },

    desired: (kernel, wanted = services) =>
      desired(wanted, (service, server) =>
        place(service.onFailure, {
          weight: server.weight,
          health: healthOf(service, server),
          present: destinationIn(kernel, service, server)?.weight ?? null,
        }),
      ),

    status: (kernel, date) => services.map((service) => serviceStatus(service, kernel, date)),

    quorum(name) {
      const service = services.find((s) => s.name === name);
      if (service === undefined) return undefined;
      const now = count(service.quorum, healths(service));
      const reported = held.get(serviceKey(idOf(service))) ?? PRESUMED;
      // Reported as held and not so by count: too little is known of its servers to say more.
      return reported && !now.held ? undefined : { ...now, held: reported };
    },
  };

  function serviceStatus(service: ServiceConfig, kernel: Table, date: (at: Instant) => string): ServiceStatus {
    const { name, address, protocol, forward, scheduler } = service;
    const servers = service.servers.map((server) => serverStatus(service, server, kernel, date));
    const quorum = count(service.quorum, healths(service));
    return { name, address: formatEndpoint(address), protocol, forward, scheduler, quorum, servers };
  }

  function serverStatus(
    service: ServiceConfig,
    server: ServerConfig,
    kernel: Table,
    date: (at: Instant) => string,
  ): ServerStatus {
    const entry = kept.get(probeKey(service, server));
    const there = destinationIn(kernel, service, server);
    const verdict = entry?.verdict;
    return {
      name: server.name,
      address: formatEndpoint(server.address),
      state: service.check === null ? 'up' : (verdict?.state ?? 'unknown'),
      since: date(verdict?.since ?? (0 as Instant)),
      reason: service.check === null ? 'not checked' : (verdict?.reason ?? ''),
      configuredWeight: server.weight,
      weight: there?.weight ?? null,
      connections: there?.counts ?? null,
      check: service.check === null || verdict === undefined ? null : checkStatus(service.check.type, verdict, date),
    };
  }
}

function checkStatus(type: string, verdict: Verdict, date: (at: Instant) => string): ServerStatus['check'] {
  const { last, counters } = verdict;
  return { type, last: last && date(last.at), took: last?.took ?? null, ...counters };
}

/** The kernel's destinations by `probeKey`; made once for each table read. */
const indexes = new WeakMap<Table, ReadonlyMap<string, Destination>>();

function destinationIn(kernel: Table, service: ServiceConfig, server: ServerConfig): Destination | undefined {
  let index = indexes.get(kernel);
  if (index === undefined) {
    const entries = [...kernel].flatMap(([key, { destinations }]) =>
      destinations.map((d) => [`${key} ${destinationKey(d)}`, d] as const),
    );
    index = new Map(entries);
    indexes.set(kernel, index);
  }
  return index.get(probeKey(service, server));
}
