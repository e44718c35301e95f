/**
 * What a run of probe results of one check says about one server: up, down, or not yet known.
 *
 * The first result that says anything decides at once, so that a fresh start is not `rise` intervals long; after that
 * `fall` failures in a row fail a server and `rise` successes in a row bring it back. A local error is the director's
 * own fault: it is kept as the reason and counted, and neither breaks nor lengthens a row.
 *
 * A server that falls again and again is trusted less: each further fall within `flapWindow` doubles `rise`.
 *
 * After a restart the verdict of before goes on, unless the kernel says otherwise. A server that the kernel already sends
 * traffic to (weight above 0) starts up, assumed: a restart must not write to the kernel, and the assumption falls by the
 * same `fall` failures as a verdict of our own.
 */

import { type Duration, formatDuration, type Instant } from '../base/time.ts';
import { type Latency, latencyOf } from './latency.ts';

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
  /** Connections that it can take, 1 or more, the upper threshold of IPVS; `null`: as configured. */
  readonly maxConnections?: number | null;
};

export type Health = 'unknown' | 'up' | 'down';

export type Settings = {
  /** Results in a row that change a verdict, 1 or more. */
  readonly rise: number;
  readonly fall: number;
  /** How long a fall counts against a server; 0: not at all. */
  readonly flapWindow: Duration;
  /** Answers that take longer lower the weight; `null`: the weight does not depend on them. */
  readonly latencyTarget: Duration | null;
};

/** Time between two probes, by how things are; `null`: as `interval`. */
export type Intervals = {
  readonly interval: Duration;
  readonly fastInterval: Duration | null;
  readonly downInterval: Duration | null;
  /** The least while this director is backup for the service; `null`: no other than while it is master. */
  readonly backupInterval: Duration | null;
};

export type Verdict = {
  readonly state: Health;
  /** Up because the kernel had it so, or we before a restart, and no probe has confirmed it yet. */
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
  /** When it fell from up, the latest last, as many as count. */
  readonly falls: readonly Instant[];
  readonly counters: Counters;
  readonly advice: Advice;
  readonly latency: Latency | null;
  /** As in the last result that had them. */
  readonly certificateExpires: number | null;
  readonly output: string | null;
};

/** Since the verdict began. `probes` counts every result, `failures` and `localErrors` their share of it. */
export type Counters = { readonly probes: number; readonly failures: number; readonly localErrors: number };

export type Change = {
  readonly from: Health;
  readonly to: 'up' | 'down';
  /** `3 failures in a row: connection refused`. */
  readonly reason: string;
};

/** What is kept of a verdict over a restart within one boot. What a server asks for is a part of it: one in `maint` stays out. */
export type Saved = Pick<Verdict, 'state' | 'since' | 'reason' | 'falls'> &
  Partial<Pick<Verdict, 'advice' | 'latency'>>;

const NO_ADVICE: Advice = {};

/** Falls that count at most: they make `rise` sixteen times longer. */
const MOST_FALLS = 5;

/**
 * The verdict before any probe. `kernelWeight`: what the kernel gives the server now; `null` when it is not there. `saved`: the
 * verdict before a restart. Where the two contradict each other the kernel is right: it was written after the verdict
 * was, and whoever died may not have come to write the verdict down.
 */
export function begin(kernelWeight: number | null, now: Instant, saved?: Saved): Verdict {
  const carried = kernelWeight !== null && kernelWeight > 0;
  const state = carried ? 'up' : saved?.state === 'down' ? 'down' : 'unknown';
  const known = saved?.state === state ? saved : undefined;
  return {
    state,
    assumed: carried,
    since: known?.since ?? now,
    reason: known?.reason ?? (carried ? `assumed up: the kernel has it with weight ${kernelWeight}` : ''),
    last: null,
    ...{ successes: 0, failures: 0 },
    falls: saved?.falls ?? [],
    counters: { probes: 0, failures: 0, localErrors: 0 },
    ...{ advice: saved?.advice ?? NO_ADVICE, latency: saved?.latency ?? null },
    ...{ certificateExpires: null, output: null },
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
    certificateExpires: result.certificateExpires ?? verdict.certificateExpires,
    output: result.output ?? verdict.output,
  };
  if (result.outcome === 'local-error') return { next: heard };

  const good = result.outcome === 'up';
  const latency = good ? latencyOf(verdict.latency, settings.latencyTarget, result.took) : verdict.latency;
  const next: Verdict = {
    ...heard,
    assumed: verdict.assumed && !good,
    successes: good ? verdict.successes + 1 : 0,
    failures: good ? 0 : verdict.failures + 1,
    advice: adviceAfter(verdict.advice, result.advice),
    latency,
  };
  const row = good ? next.successes : next.failures;
  if (verdict.state === result.outcome || row < needed(settings, verdict, result.outcome, now)) return { next };

  const change: Change = { from: verdict.state, to: result.outcome, reason: inWords(verdict.state, row, result) };
  const fell = verdict.state === 'up' && settings.flapWindow > 0;
  const falls = fell ? [...recent(settings, verdict, now), now].slice(-MOST_FALLS) : verdict.falls;
  return { next: { ...next, state: change.to, assumed: false, since: now, falls }, change };
}

/** The very same while nothing else is said: most answers repeat what the one before said. */
function adviceAfter(before: Advice, said: Advice | undefined): Advice {
  if (said === undefined) return before;
  const next = { ...before, ...said };
  return sameAdvice(before, next) ? before : next;
}

const sameAdvice = (a: Advice, b: Advice): boolean =>
  a.mode === b.mode && a.maxConnections === b.maxConnections && sameWeight(a.weight, b.weight);

function sameWeight(a: Advice['weight'], b: Advice['weight']): boolean {
  if (a === undefined || b === undefined) return a === b;
  return 'percent' in a ? 'percent' in b && a.percent === b.percent : 'weight' in b && a.weight === b.weight;
}

/** How many results in a row it takes until the verdict is `to`. */
function needed(settings: Settings, verdict: Verdict, to: 'up' | 'down', now: Instant): number {
  if (verdict.state === 'unknown') return 1;
  return to === 'down' ? settings.fall : riseOf(settings, verdict, now);
}

const recent = ({ flapWindow }: Settings, { falls }: Verdict, now: Instant): readonly Instant[] =>
  falls.filter((at) => now - at < flapWindow);

/** Good results in a row that bring a failed server back at `now`: `rise`, doubled by each further fall of late. */
export function riseOf(settings: Settings, verdict: Verdict, now: Instant): number {
  const falls = recent(settings, verdict, now).length;
  return settings.rise * 2 ** Math.max(0, falls - 1);
}

/** The last reason, and for a failed server that answers again, how far it has come. */
export function reasonAt(settings: Settings, verdict: Verdict, now: Instant): string {
  const { state, successes, reason } = verdict;
  if (state !== 'down' || successes === 0) return reason;
  const rise = riseOf(settings, verdict, now);
  const falls = recent(settings, verdict, now).length;
  const why = rise > settings.rise ? `, as it fell ${falls} times in ${formatDuration(settings.flapWindow)}` : '';
  return `${reason} (${successes} of ${rise} good answers${why})`;
}

/** Time from the start of the last probe to that of the next. `backup`: this director is backup for the service. */
export function intervalOf(intervals: Intervals, verdict: Verdict, backup: boolean): Duration {
  const usual = usualInterval(intervals, verdict);
  return backup && intervals.backupInterval !== null && intervals.backupInterval > usual
    ? intervals.backupInterval
    : usual;
}

function usualInterval({ interval, fastInterval, downInterval }: Intervals, verdict: Verdict): Duration {
  const { state, successes, failures } = verdict;
  const wavers = (state === 'up' && failures > 0) || (state === 'down' && successes > 0);
  if (wavers) return fastInterval ?? interval;
  return state === 'down' ? (downInterval ?? interval) : interval;
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
