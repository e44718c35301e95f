/**
 * The discoveries of all services: which run, what they make of the services of the file, what is told of them, and an
 * operator's word to follow what one of them holds back.
 */

import { isDeepStrictEqual } from 'node:util';
import { nearest } from '../base/nearest.ts';
import { err, ok } from '../base/result.ts';
import { milliseconds } from '../base/time.ts';
import type { ServiceConfig } from '../config/config.ts';
import { type WithDiscovered, withDiscovered } from '../config/discovered-servers.ts';
import { familiesFound } from '../config/rules-discovery.ts';
import { describeListeners } from '../config/service-words.ts';
import type { Director, OrderRefusal } from '../control/director.ts';
import type { ServiceStatus } from '../control/status.ts';
import { type DiscoveryRun, type DiscoveryRunTools, runDiscovery } from './discovery-run.ts';
import { serviceCalled } from './find-server.ts';

export type DiscoveryDesk = Pick<Director, 'acceptServers'> & {
  /** Takes the services of the file. `trial`: those of before may be there again soon, so nothing is forgotten. */
  configure(services: readonly ServiceConfig[], trial?: boolean): void;
  /** The services with the servers that are found for them; the very same where there is no discovery. */
  over(services: readonly ServiceConfig[]): readonly ServiceConfig[];
  /** Fills in what the status says of discovery. */
  marked(services: readonly ServiceStatus[]): readonly ServiceStatus[];
  close(): void;
};

/** Answers that come together make one change. */
const TOGETHER = milliseconds(20);

export function createDiscoveryDesk(tools: DiscoveryRunTools): DiscoveryDesk {
  let file: readonly ServiceConfig[] = [];
  let runs: ReadonlyMap<string, ReadonlyMap<string, DiscoveryRun>> = new Map();
  /** Each with the lists that it was made of. */
  const made = new WeakMap<ServiceConfig, { readonly lists: readonly unknown[]; readonly laid: WithDiscovered }>();
  /** The last that `over` gave, for what it was given. */
  let given: { readonly services: readonly ServiceConfig[]; readonly result: readonly ServiceConfig[] } | undefined;
  let telling: { cancel(): void } | undefined;

  function changed(): void {
    telling ??= tools.later(TOGETHER, () => {
      telling = undefined;
      tools.changed();
    });
  }

  function runsOf(service: ServiceConfig, before: ServiceConfig | undefined): ReadonlyMap<string, DiscoveryRun> {
    const old = runs.get(before?.name ?? service.name);
    const entries = service.discovery.map((config) => {
      const running = old?.get(config.name);
      const same = before !== undefined && running !== undefined && isSame(service, before, running, config);
      if (!same) running?.close();
      return [config.name, same ? running : runDiscovery(service, config, { ...tools, changed }, running)] as const;
    });
    return new Map(entries);
  }

  function lay(service: ServiceConfig): WithDiscovered {
    const own = runs.get(service.name);
    const lists = service.discovery.map(({ name }) => own?.get(name)?.targets() ?? []);
    const before = made.get(service);
    if (before !== undefined && isDeepStrictEqual(before.lists, lists)) return before.laid;
    const laid = withDiscovered(service, new Map(service.discovery.map(({ name }, i) => [name, lists[i] ?? []])));
    made.set(service, { lists, laid });
    return laid;
  }

  function forget(next: ReadonlyMap<string, ReadonlyMap<string, DiscoveryRun>>, trial: boolean): void {
    for (const [service, own] of runs)
      for (const [name, run] of own) {
        if (next.get(service)?.has(name)) continue;
        run.close();
        if (!trial) tools.store.forget(service, name);
      }
  }

  return {
    configure(services, trial = false) {
      const before = predecessors(file, services);
      const next = new Map(
        services.flatMap((service) =>
          service.discovery.length === 0 ? [] : [[service.name, runsOf(service, before(service))] as const],
        ),
      );
      forget(next, trial);
      [file, runs] = [services, next];
    },

    over(services) {
      if (services.every(({ discovery }) => discovery.length === 0)) return services;
      const result = services.map((service) => (service.discovery.length === 0 ? service : lay(service).service));
      const same = given?.services === services && result.every((service, i) => service === given?.result[i]);
      if (!same) given = { services, result };
      return same && given !== undefined ? given.result : result;
    },

    marked(services) {
      if (runs.size === 0) return services;
      const configs = new Map(file.map((service) => [service.name, service]));
      return services.map((service) => {
        const [config, own] = [configs.get(service.name), runs.get(service.name)];
        if (config === undefined || own === undefined) return service;
        const { of, skipped } = lay(config);
        const discovery = [...own.values()].map((run) => run.status());
        return {
          ...service,
          servers: service.servers.map((server) => ({
            ...server,
            discovered: server.added === null ? (of.get(server.address) ?? null) : null,
          })),
          discovery: discovery.map((one, i) => (i === 0 ? withSkipped(one, skipped) : one)),
        };
      });
    },

    async acceptServers(name, { discovery, by }) {
      const called = serviceCalled(file, name);
      if (!called.ok) return called;
      const own = [...(runs.get(name)?.values() ?? [])];
      if (own.length === 0) return err(noDiscovery(name));
      const meant = own.filter(({ config }) => discovery === null || config.name === discovery);
      if (meant.length === 0) return err(noSuchDiscovery(name, discovery ?? '', own));
      const accepted = meant.flatMap((run) => {
        const removed = run.accept(by);
        return removed === undefined ? [] : [{ discovery: run.config.name, removed }];
      });
      return accepted.length === 0 ? err(nothingHeld(name)) : ok({ service: name, accepted });
    },

    close() {
      telling?.cancel();
      for (const own of runs.values()) for (const run of own.values()) run.close();
    },
  };
}

/** What each service was before: the one of its name, or else, where it was renamed, the one that clients reached alike. */
function predecessors(
  old: readonly ServiceConfig[],
  services: readonly ServiceConfig[],
): (service: ServiceConfig) => ServiceConfig | undefined {
  const named = new Map(old.map((service) => [service.name, service]));
  const names = new Set(services.map(({ name }) => name));
  const gone = old.filter(({ name }) => !names.has(name));
  const reached = new Map(gone.map((service) => [listeners(service), service]));
  return (service) => named.get(service.name) ?? reached.get(listeners(service));
}
const listeners = (service: ServiceConfig): string => `${service.protocol} ${describeListeners(service)}`;

type Skipping = ServiceStatus['discovery'][number];
const withSkipped = (one: Skipping, more: readonly string[]): Skipping =>
  more.length === 0
    ? one
    : {
        ...one,
        skipped: { count: one.skipped.count + more.length, first: [...one.skipped.first, ...more].slice(0, 20) },
      };

/** Whether it goes on as it runs: it asks the same, and what it finds is judged alike. */
function isSame(
  service: ServiceConfig,
  before: ServiceConfig,
  running: DiscoveryRun,
  config: ServiceConfig['discovery'][number],
): boolean {
  const judging = ({ servers: _, ...rest }: ServiceConfig): object => rest;
  return (
    isDeepStrictEqual(running.config, config) &&
    isDeepStrictEqual(familiesFound(service, config), familiesFound(before, config)) &&
    isDeepStrictEqual(judging(service), judging(before))
  );
}

const noDiscovery = (service: string): OrderRefusal => ({
  error: 'no-such-discovery',
  what: `service ${service} has no discovery`,
  todo: 'The running config has no [service.discovery] in it.',
});

function noSuchDiscovery(service: string, name: string, own: readonly DiscoveryRun[]): OrderRefusal {
  const names = own.map(({ config }) => config.name);
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return {
    error: 'no-such-discovery',
    what: `service ${service} has no discovery ${name}${hint}`,
    todo: `There are: ${names.join(', ')}.`,
  };
}

const nothingHeld = (service: string): OrderRefusal => ({
  error: 'nothing-held',
  what: `no discovery of ${service} holds anything back`,
  todo: 'Look at `lvskeeper status`. A list without any server is never followed: take servers out with `lvskeeper drain`, or [service.discovery] out of the file.',
});
