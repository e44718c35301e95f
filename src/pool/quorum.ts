/**
 * Whether a service has enough servers: it holds its quorum while at least so many of them are up, or so much of their
 * weight. With a hysteresis, as in keepalived, it is lost below `quorum - hysteresis` and regained at
 * `quorum + hysteresis`; in between it stays as it was.
 *
 * A service is presumed to hold its quorum until the verdicts show otherwise. Servers not yet known keep that question
 * open as long as they could make up the number, so that a fresh start reports a loss only when there is one.
 */

import type { Instant } from '../base/time.ts';
import type { Health } from '../health/verdict.ts';
import { isOut, type ServerWord } from './ordered.ts';

/** A number of servers, or a sum of weights; or a share of all of them. */
export type Quota = number | { readonly percent: number };
/** What is counted: servers, or their configured weights. */
export type QuorumBy = 'servers' | 'weight';

export type QuorumSettings = {
  readonly quorum: Quota;
  readonly quorumBy: QuorumBy;
  readonly quorumHysteresis: number;
};

/** `up` and `needed` are servers or weight. */
export type Quorum = {
  readonly needed: number;
  readonly up: number;
  readonly held: boolean;
};

export type QuorumChange = Quorum & { readonly by: QuorumBy };

/** What is remembered of the quorum of a service from one verdict to the next. */
export type Hold = {
  readonly held: boolean;
  /** What was reported, or presumed, last. */
  readonly said: boolean;
  /** When `held` became what it is. */
  readonly since: Instant;
};

/**
 * The beginning. `sorry`: the kernel has sorry servers in, so the quorum had been lost when we last ran, which goes on
 * without a word until the verdicts say more.
 */
export const begin = (sorry: boolean, now: Instant): Hold => ({ held: !sorry, said: true, since: now });

export type Counted = {
  readonly health: Health | 'unchecked';
  /** The configured one. */
  readonly weight: number;
  /** One that an operator has taken out does not count as up, whatever its health. */
  readonly word: ServerWord | null;
};

export const isUp = ({ health }: Pick<Counted, 'health'>): boolean => health === 'up' || health === 'unchecked';

/** What a quota comes to, at least 1; a share is rounded up. */
export const needed = (quota: Quota, whole: number): number =>
  typeof quota === 'number' ? quota : Math.max(1, Math.ceil((whole * quota.percent) / 100));

/** What those servers count together. */
export const sum = (by: QuorumBy, servers: readonly Pick<Counted, 'weight'>[]): number =>
  by === 'servers' ? servers.length : servers.reduce((total, { weight }) => total + weight, 0);

/** What is up, and what is not yet known. */
function count(by: QuorumBy, servers: readonly Counted[]): readonly [up: number, unknown: number] {
  let [up, unknown] = [0, 0];
  for (const server of servers) {
    if (isOut(server.word)) continue;
    const worth = by === 'servers' ? 1 : server.weight;
    if (isUp(server)) up += worth;
    else if (server.health === 'unknown') unknown += worth;
  }
  return [up, unknown];
}

/** Takes in the verdicts as they are at `now`. `open`: what is not yet known could still decide otherwise. */
export function step(
  settings: QuorumSettings,
  hold: Hold,
  servers: readonly Counted[],
  now: Instant,
): { readonly hold: Hold; readonly quorum: Quorum; readonly open: boolean; readonly change?: QuorumChange } {
  const { quorum, quorumBy: by, quorumHysteresis: band } = settings;
  const [up, unknown] = count(by, servers);
  const least = needed(quorum, sum(by, servers));
  const bound = hold.held ? least - band : least + band;
  const enough = up >= bound;
  const open = !enough && up + unknown >= bound;
  const held = enough || (open && hold.held);
  const told = { needed: least, up, held };
  const since = held === hold.held ? hold.since : now;
  if (open || held === hold.said) return { hold: { ...hold, held, since }, quorum: told, open };
  return { hold: { held, said: held, since }, quorum: told, open, change: { ...told, by } };
}
