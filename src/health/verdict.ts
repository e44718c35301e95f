/**
 * What a run of probe results says about one server of one service: up, down, or not yet known.
 *
 * The first result that says anything decides at once, so that a fresh start is not `rise` intervals long; after that
 * `fall` failures in a row fail a server and `rise` successes in a row bring it back. A local error is the director's
 * own fault: it is kept as the reason and counted, and neither breaks nor lengthens a row.
 *
 * A server that the kernel already sends traffic to (weight above 0) starts up, assumed: a restart must not write
 * to the kernel, and the assumption falls by the same `fall` failures as a verdict of our own.
 */

import type { Duration, Instant } from '../base/time.ts';

/**
 * `up`, `down`: what the server showed. `local-error`: the director's own fault (no route, no port, no descriptor); it
 * says nothing about the server and must not condemn it.
 */
export type ProbeOutcome = 'up' | 'down' | 'local-error';

export type ProbeResult = {
  readonly outcome: ProbeOutcome;
  /** In words, with what the server answered: `HTTP 503, expected 200-299`, `connection refused`, `no answer in 1 s`. */
  readonly reason: string;
  readonly took: Duration;
  /** What the server asks for besides, when this kind of check can hear it. */
  readonly advice?: Advice;
  /** When the certificate that the server showed expires, ms since 1970; of checks over TLS. */
  readonly certificateExpires?: number;
  /** What it printed, for a reader: at most 4,096 characters, without control characters. */
  readonly output?: string;
};

/**
 * What a server, or a program that looks at it, says about the traffic that it wants. Each part is there only when it was
 * said, and holds until something else is.
 */
export type Advice = {
  /** Share of the configured weight, 0 to 10,000 percent, or a weight in its stead, 0 to 65535. */
  readonly weight?: { readonly percent: number } | { readonly weight: number };
  /** `drain`: no new connections; `maint`: out of service, whatever the check says; `ready`: neither of these any longer. */
  readonly mode?: 'ready' | 'drain' | 'maint';
  /** Connections that it can take, 1 or more: the upper threshold of IPVS. */
  readonly maxConnections?: number;
};

export type Health = 'unknown' | 'up' | 'down';

/** `rise`, `fall`: results in a row that change a verdict, 1 or more. */
export type Settings = { readonly rise: number; readonly fall: number };

export type Verdict = {
  readonly state: Health;
  /** Up because the kernel had it so, and no probe has confirmed it yet. */
  readonly assumed: boolean;
  /** When `state` was entered. */
  readonly since: Instant;
  /** The last result's reason, local errors included; empty before the first. */
  readonly reason: string;
  /** When the last probe ended and how long it took; `null` before the first. */
  readonly last: { readonly at: Instant; readonly took: Duration } | null;
  /** Good and bad results in a row up to now; one of the two is 0. */
  readonly successes: number;
  readonly failures: number;
  readonly counters: Counters;
};

/** Since the verdict began. `probes` counts every result, `failures` and `localErrors` their share of it. */
export type Counters = { readonly probes: number; readonly failures: number; readonly localErrors: number };

export type Change = {
  readonly from: Health;
  readonly to: 'up' | 'down';
  /** `3 failures in a row: connection refused`. */
  readonly reason: string;
};

/** The verdict before any probe. `kernelWeight`: what the kernel gives the server now; `null` when it is not there. */
export function begin(kernelWeight: number | null, now: Instant): Verdict {
  const assumed = kernelWeight !== null && kernelWeight > 0;
  return {
    state: assumed ? 'up' : 'unknown',
    assumed,
    since: now,
    reason: assumed ? `assumed up: the kernel has it with weight ${kernelWeight}` : '',
    last: null,
    successes: 0,
    failures: 0,
    counters: { probes: 0, failures: 0, localErrors: 0 },
  };
}

/** Takes in the result of a probe that ended at `now`. `change` is there when the verdict became another one. */
export function step(
  settings: Settings,
  verdict: Verdict,
  result: ProbeResult,
  now: Instant,
): { readonly next: Verdict; readonly change?: Change } {
  const heard: Verdict = {
    ...verdict,
    reason: result.reason,
    last: { at: now, took: result.took },
    counters: count(verdict.counters, result.outcome),
  };
  if (result.outcome === 'local-error') return { next: heard };

  const good = result.outcome === 'up';
  const next: Verdict = {
    ...heard,
    assumed: verdict.assumed && !good,
    successes: good ? verdict.successes + 1 : 0,
    failures: good ? 0 : verdict.failures + 1,
  };
  const row = good ? next.successes : next.failures;
  const needed = verdict.state === 'unknown' ? 1 : good ? settings.rise : settings.fall;
  if (verdict.state === result.outcome || row < needed) return { next };

  const change: Change = { from: verdict.state, to: result.outcome, reason: inWords(verdict.state, row, result) };
  return { next: { ...next, state: change.to, assumed: false, since: now }, change };
}

const count = (before: Counters, outcome: ProbeOutcome): Counters => ({
  probes: before.probes + 1,
  failures: before.failures + (outcome === 'down' ? 1 : 0),
  localErrors: before.localErrors + (outcome === 'local-error' ? 1 : 0),
});

function inWords(from: Health, row: number, result: ProbeResult): string {
  if (from === 'unknown') return `first probe: ${result.reason}`;
  const noun = result.outcome === 'up' ? 'success' : 'failure';
  if (row === 1) return `1 ${noun}: ${result.reason}`;
  return `${row} ${noun}${noun === 'success' ? 'es' : 's'} in a row: ${result.reason}`;
}
