/**
 * The servers of one service, taken together: from their verdicts, the config, what the kernel has and the time to the
 * place of each in the kernel's table. Nothing is remembered but the quorum (`Hold`); all else is computed anew each time,
 * so that it does not matter how often it is asked.
 */

import type { Duration, Instant } from '../base/time.ts';
import { ejected, isPanic } from './ejection.ts';
import { isOut } from './ordered.ts';
import { type Hold, type Quorum, type QuorumChange, type QuorumSettings, step as quorumStep } from './quorum.ts';
import { type Member, ordered, type Scene, type Seat, seat } from './seat.ts';
import { type SorryStanding, sorryPlace } from './sorry.ts';
import type { OnFailure, Place } from './weights.ts';

export type PoolSettings = QuorumSettings & {
  readonly onFailure: OnFailure;
  /** When fewer of 100 servers than this are up, those that failed are in again; 0: never. */
  readonly panicThreshold: number;
  /** Of 100 servers, how many may be out at most because of their checks. */
  readonly maxEjected: number;
  /** How long a server that comes back takes to its full weight; 0: it has it at once. */
  readonly slowStart: Duration;
};

export type Pool = {
  /** To be given to the next step. */
  readonly hold: Hold;
  readonly quorum: Quorum;
  /** What is not yet known could still decide otherwise about the quorum. */
  readonly open: boolean;
  /** The quorum is lost or regained, and that is news. */
  readonly change?: QuorumChange;
  /** Failed servers are in, since hardly any is left. */
  readonly panic: boolean;
  /** In the order of the servers. */
  readonly seats: readonly Seat[];
  /** In the order of the sorry servers. */
  readonly sorry: readonly Place[];
  /** When something of this changes by itself, or must be looked at again; `undefined`: not before a verdict does. */
  readonly next: Instant | undefined;
};

export function step(
  settings: PoolSettings,
  hold: Hold,
  servers: readonly Member[],
  sorry: readonly SorryStanding[],
  now: Instant,
): Pool {
  const quorum = quorumStep(settings, hold, servers, now);
  const isSorry = !quorum.hold.held && sorry.length > 0;
  // What an operator has taken out, or asks to be out, is not out because it failed.
  const members = servers.map(ordered);
  const judged = members.filter(({ word, asksOut }) => !isOut(word) && !asksOut);
  const panic = !isSorry && isPanic(settings.panicThreshold, judged);
  const out = ejected(settings.maxEjected, judged);
  const { onFailure, slowStart } = settings;
  const scene: Scene = { onFailure, slowStart, sorry: isSorry, panic, isEjected: (server: Member) => out.has(server) };
  const seats = members.map((server) => seat(scene, server, now));
  const places = sorry.map((server) => sorryPlace(quorum.hold, server, now));
  const next = earliest([...seats, ...places]);
  return { ...quorum, panic, seats, sorry: places.map(({ place }) => place), next };
}

function earliest(all: readonly { readonly next?: Instant }[]): Instant | undefined {
  let first: Instant | undefined;
  for (const { next } of all) if (next !== undefined && (first === undefined || next < first)) first = next;
  return first;
}
