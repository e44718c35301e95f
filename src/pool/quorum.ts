/**
 * Whether a service has enough servers: it holds its quorum while at least `needed` of them are up.
 *
 * A service is presumed to hold its quorum until the verdicts show otherwise. Servers not yet known keep that question
 * open as long as they could make up the number, so that a fresh start reports a loss only when there is one.
 */

import type { Health } from '../health/verdict.ts';

export type Quorum = {
  readonly needed: number;
  readonly up: number;
  /** `up` is at least `needed` now, whatever has been reported. */
  readonly held: boolean;
};

export type QuorumChange = { readonly held: boolean; readonly up: number; readonly needed: number };

/** The presumption every service starts with. */
export const PRESUMED = true;

export function count(needed: number, servers: Iterable<Health | 'unchecked'>): Quorum {
  let up = 0;
  for (const health of servers) if (health === 'up' || health === 'unchecked') up++;
  return { needed, up, held: up >= needed };
}

/** Takes in the verdicts as they are now; `held` is what was reported (or presumed) last. */
export function step(
  held: boolean,
  needed: number,
  servers: readonly (Health | 'unchecked')[],
): { readonly held: boolean; readonly quorum: Quorum; readonly change?: QuorumChange } {
  const quorum = count(needed, servers);
  const unknown = servers.filter((health) => health === 'unknown').length;
  const open = !quorum.held && quorum.up + unknown >= needed;
  if (open || quorum.held === held) return { held, quorum };
  return { held: quorum.held, quorum, change: { ...quorum } };
}
