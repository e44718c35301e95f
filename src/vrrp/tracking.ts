/**
 * What tracked things and the operator make of a virtual router's priority. The base priority is the config's; each
 * tracked thing adds its weight, or is a fault; an operator's order overrides the sum.
 */

/** One tracked thing as it is now. */
export type TrackState = {
  /** `interface eth1` */
  readonly what: string;
  readonly up: boolean;
  /** In words: `is down`, `has lost its quorum`. */
  readonly reason: string;
  /** `null`: its failure is a fault. */
  readonly weight: number | null;
  /** The number in a tracked file, which the weight is multiplied with; `null` for everything else. */
  readonly factor: number | null;
};

export type Effective = {
  /** 1 to 254; 255 for an owner, which weights leave alone. */
  readonly priority: number;
  /** Why the router cannot serve, in words; `null`: it can. */
  readonly fault: string | null;
  /** What the priority is made of. */
  readonly parts: readonly { readonly what: string; readonly delta: number }[];
};

/** Priorities 0 and 255 mean something else, so tracking stays between (RFC 9568, 5.2.4). */
const LEAST = 1;
const MOST = 254;

/** `order`: the operator's; a demoted router is the last to take over, a promoted one the first. */
export function effective(
  base: number,
  tracks: readonly TrackState[],
  order: { readonly kind: 'promote' | 'demote'; readonly by: string } | null,
): Effective {
  const parts: { what: string; delta: number }[] = [{ what: 'configured', delta: base }];
  const faults: string[] = [];
  for (const { what, up, reason, weight, factor } of tracks) {
    const words = reason === '' ? what : `${what} ${reason}`;
    if (weight === null) {
      if (!up) faults.push(words);
      continue;
    }
    const delta = weightOf(weight, up, factor);
    if (delta !== 0) parts.push({ what: words, delta });
  }
  const fault = faults.length === 0 ? null : faults.join('; ');
  const sum = parts.reduce((total, { delta }) => total + delta, 0);
  const limited = Math.min(MOST, Math.max(LEAST, sum));
  // An owner has no other priority: what it owns is not for others to serve while it can (RFC 9568, 5.2.4).
  const tracked = base === 255 ? 255 : limited;
  const priority = order === null ? tracked : order.kind === 'demote' ? LEAST : Math.max(tracked, MOST);
  const total = base === 255 ? 255 : sum;
  const settled = base === 255 ? parts.slice(0, 1) : parts;
  if (priority === total) return { priority, fault, parts: settled };
  const what = order === null ? `kept within ${LEAST} and ${MOST}` : `${order.kind}d by ${order.by}`;
  return { priority, fault, parts: [...settled, { what, delta: priority - total }] };
}

/** A negative weight counts while the thing fails, a positive one while it is well, as in keepalived; a file's number always. */
function weightOf(weight: number, up: boolean, factor: number | null): number {
  if (factor !== null) return weight * factor;
  if (weight < 0) return up ? 0 : weight;
  return up ? weight : 0;
}
