/**
 * Whether failed probes are to count. When most fail at once and the director's own way to them is broken, they say nothing
 * of the servers: then no verdict falls, and weights stay as they are until the way is there again.
 */

import type { IpAddress } from '../base/address.ts';
import { type Duration, type Instant, milliseconds, seconds } from '../base/time.ts';
import type { ProbeResult } from '../checkers/probe.ts';
import type { Happening } from '../control/event.ts';
import { createFailures, mostFail } from '../health/failures.ts';

export type FailureGuard = {
  /** From now on these are probed, by their keys, and where each of them is. */
  configure(probes: ReadonlyMap<string, IpAddress>): void;
  /** Takes in how a probe ended at `at`. It is passed on as it is to count: at once, or when that is known. */
  hear(key: string, result: ProbeResult, at: Instant): void;
  /** Why failures do not count now; `null`: they do. */
  trouble(): string | null;
};

export type GuardPorts = {
  /** What is wrong with the way to these; `null`: nothing that can be seen from here. */
  readonly inspect: (to: readonly IpAddress[]) => Promise<string | null>;
  readonly now: () => Instant;
  readonly pass: (key: string, result: ProbeResult, at: Instant) => void;
  readonly report: (happening: Happening) => void;
};

/** How long a probe may have failed to count as failing now. */
const WINDOW: Duration = seconds(60);
/** How long what was found of the way holds. */
const HOLDS: Duration = milliseconds(1000);
/** Enough to find the way by, of thousands. */
const LOOKED_AT = 64;

type Heard = { readonly result: ProbeResult; readonly at: Instant };

export function createFailureGuard({ inspect, now, pass, report }: GuardPorts): FailureGuard {
  const failures = createFailures(WINDOW);
  let places: ReadonlyMap<string, IpAddress> = new Map();
  /** What is wrong with the way; `null`: nothing; `undefined`: most do not fail, or this is not known yet. */
  let trouble: string | null | undefined;
  let foundAt: Instant | undefined;
  let looking = false;
  /** Failures of which it is not known yet whether they count, by the keys of their probes. */
  const waiting = new Map<string, Heard[]>();

  function look(): void {
    if (looking) return;
    looking = true;
    const to = [...failures.failing()].slice(0, LOOKED_AT).flatMap((key) => places.get(key) ?? []);
    void inspect([...new Set(to)]).then((found) => {
      looking = false;
      foundAt = now();
      if (mostFail(failures.count())) become(found);
      passWaiting();
    });
  }

  function passWaiting(): void {
    const all = [...waiting];
    waiting.clear();
    for (const [key, heard] of all) for (const { result, at } of heard) pass(key, asItCounts(result), at);
  }

  const asItCounts = (result: ProbeResult): ProbeResult =>
    typeof trouble === 'string'
      ? { outcome: 'local-error', reason: `does not count, as ${trouble}: ${result.reason}`, took: result.took }
      : result;

  function wait(key: string, heard: Heard): void {
    const before = waiting.get(key);
    if (before === undefined) waiting.set(key, [heard]);
    else before.push(heard);
  }

  function become(next: string | null | undefined): void {
    const before = trouble ?? null;
    trouble = next;
    const after = next ?? null;
    if ((before === null) === (after === null)) return;
    const { failing, all } = failures.count();
    report({
      kind: 'trouble',
      severity: after === null ? 'warning' : 'error',
      what: after === null ? 'failed checks count again' : 'failed checks do not count',
      detail:
        after === null
          ? `the way to the servers is there again; ${failing} of ${all} probes fail`
          : `${failing} of ${all} probes fail, and ${after}: this director is cut off, so all weights stay as they are`,
    });
  }

  return {
    configure(probes) {
      places = probes;
      failures.keep(new Set(probes.keys()));
      // Those that failed may be probed no more, and then nobody would look again.
      if (!mostFail(failures.count())) become(undefined);
    },
    hear(key, result, at) {
      if (result.outcome === 'local-error') return pass(key, result, at);
      failures.hear(key, result.outcome === 'down', at, typeof trouble === 'string');
      if (!mostFail(failures.count())) {
        become(undefined);
        foundAt = undefined;
      } else if (result.outcome === 'down') {
        if (foundAt === undefined || at - foundAt >= HOLDS) look();
        if (trouble === undefined) return wait(key, { result, at });
      }
      // It answers again: what came before it says nothing any more.
      if (result.outcome === 'up') waiting.delete(key);
      pass(key, result.outcome === 'up' ? result : asItCounts(result), at);
    },
    trouble: () => trouble ?? null,
  };
}
