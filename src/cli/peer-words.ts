/** What `status` says of the other directors, and of what they find otherwise than this one. */

import { printable } from '../base/printable.ts';
import type { PeerStatus, ServiceStatus } from '../control/status.ts';
import { since } from './when.ts';

/** Servers of one service that are named; of the others the number is. */
const NAMED = 3;

/** `director lb2 (10.0.0.3:9790) …`: those with which nothing is compared, one sentence each. */
export const peerTroubles = (peers: readonly PeerStatus[], now: Date): readonly string[] =>
  peers.flatMap(({ address, director, answered, trouble }) => {
    if (trouble === null) return [];
    const who = director === null ? address : `${director} (${address})`;
    const how =
      answered === null ? 'has not given its verdicts yet' : `gave its verdicts last at ${since(answered, now)}`;
    return [`director ${who} ${how}: ${printable(trouble)}; servers are not compared with what it finds`];
  });

/** `web: only lb2 cannot reach web3: connection refused` */
export function disagreements({ name, servers }: ServiceStatus): readonly string[] {
  const found = servers.flatMap(({ disagreement }) => disagreement ?? []);
  const more = found.length - NAMED;
  const rest = more > 0 ? [`the directors disagree on ${more} more ${more === 1 ? 'server' : 'servers'}`] : [];
  return [...found.slice(0, NAMED), ...rest].map((text) => `${name}: ${text}`);
}
