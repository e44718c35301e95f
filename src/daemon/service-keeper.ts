/**
 * What the checker knows of its services: each server's verdict, each service's quorum, and from these the table that
 * the kernel should hold. Takes probe results in, reports changes, does no I/O.
 */

import type { Instant } from '../base/time.ts';
import type { ServerConfig, ServiceConfig } from '../config/config.ts';
import { describeListeners, describeServer } from '../config/service-words.ts';
import type { Happening } from '../control/event.ts';
import type { ServerOrder, ServerStatus, ServiceStatus } from '../control/status.ts';
import { asksOut } from '../health/server.ts';
import type { Change, Health, ProbeResult } from '../health/verdict.ts';
import { desired, keysOf, type ServerDefinition } from '../ipvs/desired.ts';
import type { Table } from '../ipvs/table.ts';
import { type Pool, step as poolStep } from '../pool/pool.ts';
import { begin as beginHold, type Hold, type Quorum, type QuorumChange, step as quorumStep } from '../pool/quorum.ts';
import type { Member, Why } from '../pool/seat.ts';
import type { SorryStanding } from '../pool/sorry.ts';
import type { Place } from '../pool/weights.ts';
import { checksStatus } from './check-status.ts';
import { destinationIn } from './kernel-view.ts';
import { type LeavingUntil, leavingStatus } from './leaving-status.ts';
import { masqueradeStatus } from './masquerade-status.ts';
import { NOTHING_TOLD, poolNews, seatsAreNews, type Told } from './pool-news.ts';
import { advisedFor, healthOf, type Known } from './server-health.ts';
import { withLimits } from './server-limits.ts';
import { type ServerOrders, serverOrderKey } from './server-orders.ts';
import { sorryIn, sorryStatus, withSorry } from './sorry-servers.ts';
import { createVerdictBook, type VerdictBook } from './verdict-book.ts';

/** What others know of the services, by default nothing: when servers leave at the latest, and what keeps a service away. */
export type StatusBeside = {
  readonly leavingUntil?: LeavingUntil;
  readonly masqueradeTrouble?: string | null;
  readonly awayWith?: (service: ServiceConfig) => string | null;
};

export type ServiceKeeper = {
  /** Takes services over, and the operator's orders. What is known of a server of the same service and address stays known. */
  configure(services: readonly ServiceConfig[], kernel: Table, now: Instant, orders?: ServerOrders): void;
  /** Those configured. */
  services(): readonly ServiceConfig[];
  /** Takes in what a probe found for this verdict. Gives the service if its table may be another by it. */
  take(verdict: string, result: ProbeResult, now: Instant): ServiceConfig | undefined;
  /** The table for `services` (by default those configured) at `now`, given what the kernel has. */
  desired(kernel: Table, now: Instant, services?: readonly ServiceConfig[]): Table;
  /** When the table of a service changes without a verdict, or must be looked at again; `undefined`: never. */
  nextChange(kernel: Table, now: Instant, service: ServiceConfig): Instant | undefined;
  status(kernel: Table, now: Instant, date: (at: Instant) => string, beside?: StatusBeside): readonly ServiceStatus[];
  /** The quorum of the service of that name, as it was reported; `undefined` while the verdicts leave it open, or without such a service. */
  quorum(service: string): Quorum | undefined;
};

/** A service by the first that it is to the kernel: another name is no other service. */
const keyOf = (service: ServiceConfig): string => keysOf(service)[0] ?? '';

/** What is remembered of a service from one verdict to the next. */
type Remembered = { readonly hold: Hold; readonly told: Told };

const UNREAD: Table = new Map();

/** `quorumChanged` is told besides `report`, for the commands that go with it. `book`: the verdicts, which the keeper configures. */
export function createServiceKeeper(
  report: (happening: Happening) => void,
  quorumChanged: (service: ServiceConfig, change: QuorumChange) => void = () => {},
  book: VerdictBook = createVerdictBook(() => undefined),
): ServiceKeeper {
  let services: readonly ServiceConfig[] = [];
  let ordered: ServerOrders = new Map();
  let remembered = new Map<string, Remembered>();
  /** The servers of the configured services but for what the kernel has, made anew one by one: each verdict asks for all. */
  let standing = new Map<ServiceConfig, Member[]>();

  /** Since when a service is as it is: what there is to say of servers that are not checked. */
  const configuredAt = new WeakMap<ServiceConfig, Instant>();

  /** The operator's order for the server; `null`: none. */
  const orderFor = (service: ServiceConfig, server: ServerConfig): ServerOrder | null =>
    // Mostly there is none, and many servers to ask for.
    ordered.size === 0 ? null : (ordered.get(serverOrderKey(service, server)) ?? null);

  const stateOf = (service: ServiceConfig, known: Known | undefined): Health | 'unchecked' =>
    service.checks.length === 0 ? 'unchecked' : (known?.state ?? 'unknown');

  const memberOf = (service: ServiceConfig, server: ServerConfig): Member => {
    const known = book.of(service, server);
    return {
      weight: server.weight,
      asked: known === undefined ? null : advisedFor({ ...known, server }).weight,
      asksOut: known !== undefined && asksOut(known.verdicts),
      health: stateOf(service, known),
      since: known?.since ?? configuredAt.get(service) ?? (0 as Instant),
      cameBack: known?.cameBack ?? null,
      present: null,
      word: orderFor(service, server),
    };
  };

  /** The connections that a server says it can take; `null`: it does not say. */
  const limitOf =
    (service: ServiceConfig) =>
    (index: number): number | null => {
      const server = service.servers[index];
      const known = server && book.of(service, server);
      return known === undefined ? null : advisedFor(known).maxConnections;
    };

  function membersOf(service: ServiceConfig, kernel: Table): readonly Member[] {
    const { servers } = service;
    const members = standing.get(service) ?? servers.map((server) => memberOf(service, server));
    if (kernel.size === 0) return members;
    return servers.map((server, i) => {
      const present = destinationIn(kernel, service, server)?.weight ?? null;
      return { ...(members[i] as Member), present };
    });
  }

  function holdOf(service: ServiceConfig, sorry: readonly SorryStanding[], now: Instant): Hold {
    const isSorry = sorry.some(({ present }) => present !== null && present > 0);
    return remembered.get(keyOf(service))?.hold ?? beginHold(isSorry, now);
  }

  /** How things are with a service, which changes nothing. */
  function look(service: ServiceConfig, kernel: Table, now: Instant): Pool {
    const sorry = sorryIn(kernel, service);
    return poolStep(service, holdOf(service, sorry, now), membersOf(service, kernel), sorry, now);
  }

  /** As `look`, without what is no news: it only counts the servers, and every verdict of each of them asks for it. */
  function lookForNews(service: ServiceConfig, kernel: Table, now: Instant, told: Told): Omit<Pool, 'sorry' | 'next'> {
    if (seatsAreNews(service, told)) return look(service, kernel, now);
    const hold = holdOf(service, sorryIn(kernel, service), now);
    return { ...quorumStep(service, hold, membersOf(service, UNREAD), now), panic: false, seats: [] };
  }

  /** Takes in that something may have become new in a service, and tells it. `kernel` counts for a service that is new. */
  function update(service: ServiceConfig, kernel: Table, now: Instant): void {
    const key = keyOf(service);
    const before = remembered.get(key)?.told ?? NOTHING_TOLD;
    const pool = lookForNews(service, kernel, now, before);
    const { told, happenings } = poolNews(service, pool, before);
    remembered.set(key, { hold: pool.hold, told });
    for (const happening of happenings) report(happening);
    if (pool.change !== undefined) quorumChanged(service, pool.change);
  }

  return {
    configure(next, kernel, now, orders = new Map()) {
      const settled = ordered.size === 0 && orders.size === 0 ? standing : undefined;
      ordered = orders;
      services = next;
      for (const service of next) if (!configuredAt.has(service)) configuredAt.set(service, now);
      const changes = book.configure(next, (s, server) => destinationIn(kernel, s, server)?.weight ?? null, now);
      for (const { known, change } of changes) report(serverHappening(known, change));
      const keys = new Set(next.map((service) => keyOf(service)));
      remembered = new Map([...remembered].filter(([key]) => keys.has(key)));
      standing = new Map(next.map((s) => [s, settled?.get(s) ?? s.servers.map((server) => memberOf(s, server))]));
      // A service that stays as it was has no news by it.
      for (const service of next) if (!settled?.has(service)) update(service, kernel, now);
    },

    take(verdict, result, now) {
      const heard = book.hear(verdict, result, now);
      if (heard === undefined) return undefined;
      const { service, server, index } = heard.known;
      const members = standing.get(service);
      if (members !== undefined) members[index] = memberOf(service, server);
      if (heard.change !== undefined) report(serverHappening(heard.known, heard.change));
      update(service, UNREAD, now);
      return service;
    },

    services: () => services,

    desired(kernel, now, wanted = services) {
      const places = new Map<ServerDefinition, Place>();
      for (const service of wanted) {
        const { seats, sorry } = look(service, kernel, now);
        const all = [...seats.map(({ place }) => place), ...sorry];
        for (const [i, server] of withSorry(service).servers.entries()) places.set(server, all[i] ?? 'absent');
      }
      const limited = wanted.map((service) => withLimits(withSorry(service), limitOf(service), places));
      return desired(limited, (_, server) => places.get(server) ?? 'absent');
    },

    nextChange: (kernel, now, service) =>
      service.slowStart === 0 && service.sorryServers.length === 0 ? undefined : look(service, kernel, now).next,

    status: (kernel, now, date, { leavingUntil = () => undefined, masqueradeTrouble = null, awayWith } = {}) =>
      services.map((service) => ({
        ...serviceStatus(service, kernel, now, date),
        away: awayWith?.(service) ?? null,
        masquerade: masqueradeStatus(service, masqueradeTrouble),
        leaving: leavingStatus(kernel, service, leavingUntil, date),
      })),

    quorum(name) {
      const service = services.find((s) => s.name === name);
      const hold = service && remembered.get(keyOf(service))?.hold;
      if (service === undefined || hold === undefined) return undefined;
      const { quorum, open } = look(service, UNREAD, hold.since);
      // What was said still holds, but too little is known of its servers to say more.
      return open && hold.said ? undefined : quorum;
    },
  };

  function serviceStatus(
    service: ServiceConfig,
    kernel: Table,
    now: Instant,
    date: (at: Instant) => string,
  ): Omit<ServiceStatus, 'away' | 'leaving' | 'masquerade'> {
    const { name, protocol, forward, scheduler } = service;
    const { quorum, panic, seats } = look(service, kernel, now);
    const servers = service.servers.map((server, i) =>
      serverStatus(service, server, kernel, seats[i]?.why ?? 'unknown', now, date),
    );
    return {
      ...{ name, address: describeListeners(service), protocol, forward, scheduler },
      quorum: { ...quorum, by: service.quorumBy },
      panic,
      servers,
      sorryServers: sorryStatus(kernel, service),
      removed: [],
      discovery: [],
    };
  }

  function serverStatus(
    service: ServiceConfig,
    server: ServerConfig,
    kernel: Table,
    why: Why,
    now: Instant,
    date: (at: Instant) => string,
  ): ServerStatus {
    const known = book.of(service, server);
    const there = destinationIn(kernel, service, server);
    const checked = service.checks.length > 0;
    const { state } = known ?? UNKNOWN;
    const { reason } = known === undefined ? UNKNOWN : healthOf(known, now);
    return {
      name: server.name,
      address: describeServer(service, server.address),
      state: checked ? state : 'up',
      since: date(known?.since ?? configuredAt.get(service) ?? (0 as Instant)),
      reason: checked ? reason : 'not checked',
      configuredWeight: server.weight,
      advisedWeight: known === undefined ? server.weight : advisedFor(known).weight,
      weight: there?.weight ?? null,
      why,
      connections: there?.counts ?? null,
      order: orderFor(service, server),
      added: null,
      discovered: null,
      disagreement: null,
      checks: known === undefined ? [] : checksStatus(known, now, date),
    };
  }
}

function serverHappening({ service, server }: Known, change: Change): Happening {
  const address = describeServer(service, server.address);
  return { kind: 'server', service: service.name, server: server.name, address, ...change };
}

const UNKNOWN = { state: 'unknown', reason: '' } as const;
