/**
 * One probe under way, whatever its kind: it settles exactly once, by an answer, an error, the deadline, or being given
 * up, and then lets go of what it holds.
 *
 * The deadline is a timer of our own over the whole probe. When the process was held up (stopped, swapped out, starved),
 * timers run before the answers that the kernel has ready meanwhile; so the deadline first lets one round of input be
 * read, and if it came late itself, the silence is put down to the director and not to the server.
 */

import { type Duration, formatDuration, milliseconds } from '../base/time.ts';
import type { ProbeResult } from './probe.ts';

/** What a probe found out: its result but for the time it took. */
export type Finding = Omit<ProbeResult, 'took'>;

export const up = (reason: string, more: Omit<Finding, 'outcome' | 'reason'> = {}): Finding => ({
  outcome: 'up',
  reason,
  ...more,
});
export const down = (reason: string, more: Omit<Finding, 'outcome' | 'reason'> = {}): Finding => ({
  outcome: 'down',
  reason,
  ...more,
});
export const localError = (what: string): Finding => ({ outcome: 'local-error', reason: `cannot probe: ${what}` });

/** What a kind of check has open during a probe. */
export type Opened = {
  /** What is missing as yet, to begin a sentence with: `no answer`, `TLS handshake not finished`. */
  waitingFor(): string;
  /** Lets go of everything; called once, when the probe has settled. */
  release(): void;
};

export type Attempt = { readonly result: Promise<ProbeResult>; giveUp(): void };

/** A deadline that comes later than this, and than a quarter of the timeout, is the process's own stall. */
const STALL = milliseconds(200);

/** Starts a probe with `open`, which is given the one function that settles it; it may call it at once. */
export function attempt(timeout: Duration, open: (settle: (finding: Finding) => void) => Opened): Attempt {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const began = performance.now();
  let settled = false;
  let grace: NodeJS.Immediate | undefined;
  let opened: Opened | undefined;

  function settle(finding: Finding): void {
    if (settled) return;
    settled = true;
    clearTimeout(deadline);
    clearImmediate(grace);
    resolve({ ...finding, took: milliseconds(performance.now() - began) });
    opened?.release();
  }
  function expire(): void {
    const late = milliseconds(performance.now() - began - timeout);
    grace = setImmediate(() => {
      const stalled = late > Math.max(STALL, timeout / 4);
      if (stalled) settle(localError(`this process was held up for ${formatDuration(late)}`));
      else settle(down(`${opened?.waitingFor() ?? 'no answer'} in ${formatDuration(timeout)}`));
    });
  }

  const deadline = setTimeout(expire, timeout);
  opened = open(settle);
  if (settled) opened.release();
  return { result: promise, giveUp: () => settle(localError('the check was changed or stopped')) };
}
