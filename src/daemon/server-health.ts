/** What is known of one server of one service, by all its checks. */

import { type Instant, instant } from '../base/time.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { type Advised, advised, type ServerHealth, together } from '../health/server.ts';
import { type Change, type Health, type ProbeResult, reasonAt, step, type Verdict } from '../health/verdict.ts';

export type Known = {
  readonly service: ServiceConfig;
  readonly server: ServerConfig;
  /** Its place in the service. */
  readonly index: number;
  /** In the order of the checks of the service. */
  readonly verdicts: Verdict[];
  state: Health;
  /** When `state` was entered. */
  since: Instant;
  /** When it came back after it had been down; `null`: it never was. */
  cameBack: Instant | null;
};

/** `before`: the same server as it was known until now, under checks that may have been others. */
export function know(
  of: Pick<Known, 'service' | 'server' | 'index'>,
  standing: readonly Verdict[],
  before: Known | undefined,
  now: Instant,
): Known {
  const verdicts = standing.map((verdict, i) => heldBy(of.service.checks[i] as CheckConfig, verdict));
  const known: Known = { ...of, verdicts, state: 'unknown', since: now, cameBack: before?.cameBack ?? null };
  known.state = healthOf(known, now).state;
  // What the checks that are left do not know is what was known before.
  if (before !== undefined && known.state === 'unknown') known.state = before.state;
  if (before?.state === known.state) known.since = before.since;
  else if (before?.state === 'down') known.cameBack = now;
  else if (before === undefined) known.since = instant(Math.max(0, ...verdicts.map(({ since }) => since)));
  return known;
}

/** The change of a server's health that other checks brought; `undefined`: none, or nothing was known of it. */
export function changeByConfig(known: Known, before: Known | undefined, now: Instant): Change | undefined {
  const { state } = known;
  if (before === undefined || before.state === 'unknown' || state === 'unknown' || state === before.state)
    return undefined;
  return { from: before.state, to: state, reason: `its checks are others now: ${healthOf(known, now).reason}` };
}

/**
 * The verdict without what this check cannot say: one of the same name before it could, and nothing would ever take it back.
 */
function heldBy(check: CheckConfig, verdict: Verdict): Verdict {
  const { weight, mode, maxConnections } = verdict.advice;
  if (weight === undefined && mode === undefined && maxConnections === undefined) return verdict;
  const can = sayable(check);
  if (can === 'all') return verdict;
  return { ...verdict, advice: can === 'weight' && weight !== undefined ? { weight } : {} };
}

/** What of an advice a check can say. */
function sayable(check: CheckConfig): 'all' | 'weight' | 'nothing' {
  switch (check.type) {
    case 'agent':
    case 'file':
      return 'all';
    case 'exec':
      return check.weightFromExit ? 'weight' : 'nothing';
    case 'http':
    case 'https':
      return check.weightHeader === null && check.weightJson === null ? 'nothing' : 'weight';
    default:
      return 'nothing';
  }
}

/** Its health as it stands at `now`, with the reason in words. */
export function healthOf({ service, verdicts }: Pick<Known, 'service' | 'verdicts'>, now: Instant): ServerHealth {
  if (verdicts.length === 0) return { state: 'unknown', reason: '' };
  const named = verdicts.map((verdict, i) => {
    const check = service.checks[i] as CheckConfig;
    return { name: check.name, verdict, reason: reasonAt(check, verdict, now) };
  });
  return together(service.checksNeeded, named);
}

export const advisedFor = ({ server, verdicts }: Pick<Known, 'server' | 'verdicts'>): Advised =>
  advised(server.weight, verdicts);

/**
 * Takes in a result of the check at `index`. `moved`: its weight, or another thing that the kernel has of it, may be
 * another now. `change`: so is its health.
 */
export function hear(
  known: Known,
  index: number,
  result: ProbeResult,
  now: Instant,
): { readonly moved: boolean; readonly change?: Change } {
  const [check, before] = [known.service.checks[index], known.verdicts[index]];
  if (check === undefined || before === undefined) return { moved: false };
  const { next: stepped, change } = step(check, before, result, now);
  // The result may be one of the check that was there before, and under way.
  const next = heldBy(check, stepped);
  known.verdicts[index] = next;
  const advises = next.advice !== before.advice || next.latency?.share !== before.latency?.share;
  if (change === undefined && !advises) return { moved: false };
  const { state: found, reason } = healthOf(known, now);
  const from = known.state;
  // Of several any would do: the one that did has failed, and the others have not answered yet.
  const state = found === 'unknown' && from === 'up' ? 'down' : found;
  if (state === from || state === 'unknown') return { moved: advises };
  known.state = state;
  known.since = now;
  if (from === 'down') known.cameBack = now;
  return { moved: true, change: { from, to: state, reason: becauseOf(known, check, change, reason) } };
}

/** By its only check, the row of results that did it; by one of several, that with its name. */
function becauseOf({ verdicts }: Known, { name }: CheckConfig, change: Change | undefined, reason: string): string {
  if (change === undefined) return reason;
  return verdicts.length === 1 ? change.reason : `${name}: ${change.reason}`;
}
