/** What the checks of one server say together: of its health, and of the weight that it is to have. */

import type { Health, Verdict } from './verdict.ts';

/** How many of its checks a server must pass. */
export type Needed = 'all' | 'any';

/** The verdict of one check. `reason`: in words, as it stands now. */
export type Named = { readonly name: string; readonly verdict: Verdict; readonly reason: string };

export type ServerHealth = {
  readonly state: Health;
  /** Of one check its own; of several, what decides, by their names. */
  readonly reason: string;
};

/**
 * The health of a server with these checks, one or more. One that asks to be out of service (`maint`) is down, whatever
 * else is said of it.
 */
export function together(needed: Needed, checks: readonly Named[]): ServerHealth {
  const out = checks.find(({ verdict }) => verdict.advice.mode === 'maint');
  if (out !== undefined) return { state: 'down', reason: said(checks, [out]) };
  // Under `all` one that is down decides; under `any` one that is up.
  const decisive = needed === 'all' ? 'down' : 'up';
  for (const state of [decisive, 'unknown'] as const) {
    const such = checks.filter(({ verdict }) => verdict.state === state);
    if (such.length > 0) return { state, reason: said(checks, such) };
  }
  return { state: decisive === 'down' ? 'up' : 'down', reason: said(checks, checks) };
}

/** `such`, of `all`, in words. */
function said(all: readonly Named[], such: readonly Named[]): string {
  if (all.length === 1) return all[0]?.reason ?? '';
  return such.map(({ name, reason }) => (reason === '' ? name : `${name}: ${reason}`)).join('; ');
}

/** Whether one of them says that the server asks to be out of service. */
export const asksOut = (verdicts: readonly Verdict[]): boolean =>
  verdicts.some(({ advice }) => advice.mode === 'maint');

/** What a server has, as its checks advise. */
export type Advised = {
  /** 0 to 65535. */
  readonly weight: number;
  /** Upper threshold; `null`: as configured. */
  readonly maxConnections: number | null;
};

/**
 * The weight that is to be given in the place of `configured`, computed from it anew each time. A weight in numbers
 * replaces it, the least of several; then each share is taken of it. What is not 0 does not become 0 by rounding, and
 * `drain` is 0.
 */
export function advised(configured: number, verdicts: readonly Verdict[]): Advised {
  const weights = verdicts.flatMap(({ advice: { weight } }) => (weight && 'weight' in weight ? [weight.weight] : []));
  const limits = verdicts.flatMap(({ advice: { maxConnections } }) => maxConnections ?? []);
  const weight = verdicts.reduce(share, configured === 0 ? 0 : least(configured, weights));
  return { weight, maxConnections: limits.length === 0 ? null : Math.min(...limits) };
}

const least = (configured: number, weights: readonly number[]): number =>
  weights.length === 0 ? configured : Math.min(...weights);

function share(weight: number, { advice, latency }: Verdict): number {
  if (advice.mode === 'drain') return 0;
  const percent = advice.weight && 'percent' in advice.weight ? advice.weight.percent : 100;
  return partOf(partOf(weight, percent), latency?.share ?? 100);
}

const partOf = (weight: number, percent: number): number =>
  weight === 0 || percent === 0 ? 0 : Math.min(65535, Math.max(1, Math.round((weight * percent) / 100)));
