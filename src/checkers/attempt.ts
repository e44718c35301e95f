/**
 * One probe under way, whatever its kind: it settles exactly once, by an answer, an error, the deadline, or being given
 * up, and then lets go of what it holds.
 *
 * The deadline is a timer of our own over the whole probe. When the process was held up (stopped, swapped out, starved),
 * timers run before the answers that the kernel has ready meanwhile; so the deadline first lets one round of input be
 * read, and if it came late itself, the silence is put down to the director and not to the server.
 */

import { type Duration, formatDuration, milliseconds, stoodStill } from '../base/time.ts';
import type { ProbeResult } from './probe.ts';

/** What a probe found out: its result but for the time it took. */
export type Finding = Omit<ProbeResult, 'took'>;

/** What is worth telling of a server that is up and of one that is down. */
export type Learned = Pick<Finding, 'certificateExpires'>;

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
  /** What is found when the time is over, where that is not simply that what it waits for is missing. */
  expired?(): Finding;
  /** What belongs to the finding whatever it is: asked once, when the probe settles, before `release`. */
  learned?(): Learned;
  /** Lets go of everything; called once, when the probe has settled. */
  release(): void;
};

export type Attempt = { readonly result: Promise<ProbeResult>; giveUp(): void };

/**
 * Settles with the server's silence when `time` is over, or with our own stall when the timer comes late itself;
 * `missing` begins the sentence. Returns what calls it off.
 */
export function deadline(time: Duration, missing: () => string, settle: (finding: Finding) => void): () => void {
  const began = performance.now();
  let grace: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    const late = milliseconds(performance.now() - began - time);
    grace = setImmediate(() => {
      if (stoodStill(time, late)) settle(localError(`this process was held up for ${formatDuration(late)}`));
      else settle(down(`${missing()} in ${formatDuration(time)}`));
    });
  }, time);
  return () => {
    clearTimeout(timer);
    clearImmediate(grace);
  };
}

/** Starts a probe with `open`, which is given the one function that settles it; it may call it at once. */
export function attempt(timeout: Duration, open: (settle: (finding: Finding) => void) => Opened): Attempt {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const began = performance.now();
  let settled = false;
  let opened: Opened | undefined;

  function settle(finding: Finding): void {
    if (settled) return;
    settled = true;
    callOff();
    resolve({ ...opened?.learned?.(), ...finding, took: milliseconds(performance.now() - began) });
    opened?.release();
    // The attempt may be kept until the next one; what it held is not.
    opened = undefined;
  }

  const callOff = deadline(
    timeout,
    () => opened?.waitingFor() ?? 'no answer',
    (finding) => settle(finding.outcome === 'down' ? (opened?.expired?.() ?? finding) : finding),
  );
  const opening = open(settle);
  if (settled) opening.release();
  else opened = opening;
  return { result: promise, giveUp: () => settle(localError('the check was changed or stopped')) };
}
