/**
 * The other directors' verdicts on the same servers, asked for again and again, and where they differ from our own. It is
 * for people alone: no verdict of a peer moves a weight here. A peer that is silent, slow or lying costs nothing but its
 * own part of the status.
 */

import { type Endpoint, formatEndpoint } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { type Duration, type Instant, milliseconds, seconds } from '../base/time.ts';
import type { ServiceConfig } from '../config/config.ts';
import type { PeerStatus, ServerStatus, ServiceStatus } from '../control/status.ts';
import type { ServerVerdict, Verdicts } from '../control/verdicts.ts';
import { disagreement, noticedWithin, type Opinion } from '../health/disagreement.ts';

export type PeerVerdicts = {
  /** Asks these from now on, and nobody else. What is known of those that stay stays known. */
  configure(peers: readonly Endpoint[]): void;
  /** In the order of the config. */
  status(): readonly PeerStatus[];
  /** The services, with what the directors disagree on; the very same where they agree. `configs`: how each is checked. */
  marked(services: readonly ServiceStatus[], configs: readonly ServiceConfig[]): readonly ServiceStatus[];
  close(): void;
};

export type PeerTools = {
  /** One question; settles within its own deadline, or soon after `signal` is aborted. Never rejects. */
  readonly ask: (peer: Endpoint, signal: AbortSignal) => Promise<Result<Verdicts, string>>;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  readonly now: () => Instant;
  readonly date: (at: Instant) => string;
  /** The name of this director. */
  readonly director: () => string;
};

/** From one answer to the next question. */
const EVERY = seconds(5);
/** An answer that is older counts no more, and an operator is told. */
const FRESH = seconds(15);

/** An answer, and when it came. */
type Answer = { readonly at: Instant; readonly told: Verdicts; readonly verdicts: ReadonlyMap<string, ServerVerdict> };
type Peer = { status(): PeerStatus; fresh(): Answer | undefined; close(): void };

export function createPeerVerdicts(tools: PeerTools): PeerVerdicts {
  let peers: ReadonlyMap<string, Peer> = new Map();

  return {
    configure(next) {
      const kept = peers;
      peers = new Map(
        next.map((peer) => {
          const key = formatEndpoint(peer);
          return [key, kept.get(key) ?? watchPeer(peer, tools)];
        }),
      );
      for (const [key, peer] of kept) if (!peers.has(key)) peer.close();
    },
    status: () => [...peers.values()].map((peer) => peer.status()),
    marked(services, configs) {
      const answers = [...peers.values()].flatMap((peer) => peer.fresh() ?? []);
      if (answers.length === 0) return services;
      const patience = new Map(configs.map(({ name, checks }) => [name, noticedWithin(checks)]));
      return services.map((service) => {
        const within = patience.get(service.name);
        return within === undefined ? service : compared(service, answers, within, tools.date);
      });
    },
    close() {
      for (const peer of peers.values()) peer.close();
      peers = new Map();
    },
  };
}

function watchPeer(peer: Endpoint, { ask, later, now, date, director }: PeerTools): Peer {
  const began = now();
  const closing = new AbortController();
  let last: Answer | undefined;
  let trouble: string | null = null;
  let waiting: { cancel(): void } | undefined;

  async function question(): Promise<void> {
    const answer = await ask(peer, closing.signal);
    if (closing.signal.aborted) return;
    if (!answer.ok) trouble = answer.error;
    else if (answer.value.director === director()) trouble = ownName(answer.value.director);
    else {
      trouble = null;
      last = { at: now(), told: answer.value, verdicts: byServer(answer.value) };
    }
    waiting = later(EVERY, () => void question());
  }

  void question();
  return {
    status() {
      const age = last === undefined ? null : milliseconds(now() - last.at);
      const overdue = (age ?? now() - began) > FRESH;
      return {
        address: formatEndpoint(peer),
        director: last?.told.director ?? null,
        answered: last === undefined ? null : date(last.at),
        age,
        trouble: overdue ? (trouble ?? 'no answer yet') : null,
      };
    },
    fresh: () => (last !== undefined && now() - last.at <= FRESH ? last : undefined),
    close() {
      closing.abort();
      waiting?.cancel();
    },
  };
}

const ownName = (name: string): string =>
  `it is called ${name} as this director is: take it out of peers if it is this one, else give each a director.name of its own`;

const keyOf = (service: string, address: string): string => `${service} ${address}`;

const byServer = ({ services }: Verdicts): ReadonlyMap<string, ServerVerdict> =>
  new Map(
    services.flatMap(({ name, servers }) => servers.map((server) => [keyOf(name, server.address), server] as const)),
  );

function compared(
  service: ServiceStatus,
  answers: readonly Answer[],
  patience: Duration,
  date: (at: Instant) => string,
): ServiceStatus {
  const told = answers.map((answer) => ({ ...answer, when: Date.parse(date(answer.at)) }));
  const earliest = Math.min(...told.map(({ when }) => when));
  const opinionsOf = (server: ServerStatus): Opinion[] => [
    {
      ...{ director: null, state: server.state, reason: server.reason },
      heldFor: milliseconds(earliest - Date.parse(server.since)),
    },
    ...told.flatMap(({ told: { director, at }, verdicts }): Opinion[] => {
      const verdict = verdicts.get(keyOf(service.name, server.address));
      if (verdict === undefined) return [];
      const { state, reason, since } = verdict;
      return [{ director, state, reason, heldFor: milliseconds(Date.parse(at) - Date.parse(since)) }];
    }),
  ];
  return {
    ...service,
    // Without a check a server is up by assumption.
    servers: service.servers.map((server) =>
      server.checks.length === 0
        ? server
        : { ...server, disagreement: disagreement(server.name, opinionsOf(server), patience) },
    ),
  };
}
