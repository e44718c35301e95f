/**
 * Where directors that probe the same server do not find the same. Each decides for itself, whatever the others say; but that
 * only one of them cannot reach a server tells that its way there is broken, and not the server.
 *
 * Directors do not notice a change at the same moment. So a verdict counts against another when both have stood for as long
 * as the slowest of them may take to notice.
 */

import { type Duration, milliseconds, times } from '../base/time.ts';
import type { Health, Intervals, Settings } from './verdict.ts';

/** What one director says of a server. */
export type Opinion = {
  /** Its name; `null`: this director. */
  readonly director: string | null;
  readonly state: Health;
  /** How long the state had stood when it was told. Below 0: it is newer than what the others told. */
  readonly heldFor: Duration;
  /** Why it is down. */
  readonly reason: string;
};

/** The verdicts on `server`, in words, where they differ: `only lb2 cannot reach web3: connection refused`. `null`: they do not, or not for `patience` yet. */
export function disagreement(server: string, opinions: readonly Opinion[], patience: Duration): string | null {
  const known = opinions.filter(({ state }) => state !== 'unknown');
  const [up, down] = [known.filter(({ state }) => state === 'up'), known.filter(({ state }) => state === 'down')];
  if (up.length === 0 || down.length === 0) return null;
  if (known.some(({ heldFor }) => heldFor < patience)) return null;
  // Our own reason stands beside the server already.
  const told = down.find(({ director, reason }) => director !== null && reason !== '');
  return `${sides(server, down, up)}${told === undefined ? '' : `: ${told.reason}`}`;
}

function sides(server: string, down: readonly Opinion[], up: readonly Opinion[]): string {
  if (down.length === 1) return `only ${named(down)} cannot reach ${server}`;
  if (up.length === 1) return `only ${named(up)} can reach ${server}`;
  return `${named(down)} cannot reach ${server}, ${named(up)} can`;
}

/** `lb1`, `this director and lb2`, `lb2, lb3 and lb4` */
function named(opinions: readonly Opinion[]): string {
  const names = opinions.map(({ director }) => director ?? 'this director');
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}

/** What of a check decides how soon a director notices. `jitter` in percent of the interval. */
export type Pace = Intervals &
  Pick<Settings, 'rise' | 'fall'> & { readonly jitter: number; readonly timeout: Duration };

/** How long a change of a server may take to be noticed by these checks of it, at its slowest: on the backup, and after it was down. */
export const noticedWithin = (checks: readonly Pace[]): Duration =>
  milliseconds(Math.max(0, ...checks.map((check) => slowest(check))));

function slowest({ interval, fastInterval, downInterval, backupInterval, ...pace }: Pace): Duration {
  const longest = Math.max(interval, fastInterval ?? 0, downInterval ?? 0, backupInterval ?? 0);
  const results = Math.max(pace.rise, pace.fall);
  return milliseconds(times(milliseconds(longest), results * (1 + pace.jitter / 100)) + pace.timeout);
}
