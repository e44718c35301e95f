/**
 * Drives the probers: starts each when `health/schedule.ts` says, with one timer for all, and passes the results on.
 *
 * A prober lives as long as its order stays the same: on a reload the others keep their phase, their counts and a probe
 * under way. Results of a prober that has been closed are dropped.
 */

import { isDeepStrictEqual } from 'node:util';
import { invariant } from '../base/invariant.ts';
import type { Duration, Instant } from '../base/time.ts';
import type { ProbeResult, Prober, ProbeTarget } from '../checkers/probe.ts';
import type { CheckConfig } from '../config/config.ts';
import { createAgenda, firstDue, nextDue } from '../health/schedule.ts';
import type { OneTimer } from './virtual-router.ts';

/** Probe this, under this name. Keys are the caller's and unique. */
export type ProbeOrder = { readonly key: string; readonly check: CheckConfig; readonly target: ProbeTarget };

/** What the schedule needs of the outside. All of it can be faked. */
export type ProbePorts = {
  readonly now: () => Instant;
  readonly timer: (due: (lateness: Duration) => void) => OneTimer;
  readonly createProber: (check: CheckConfig, target: ProbeTarget) => Prober;
  /** A probe of `key` ended at `at`. */
  readonly onResult: (key: string, result: ProbeResult, at: Instant) => void;
};

export type ProberSchedule = {
  /** What is to be probed from now on, whole. New and changed orders start within one of their intervals, spread out. */
  configure(orders: readonly ProbeOrder[]): void;
  /** Ends every probe; settles when none is under way. */
  close(): Promise<void>;
};

type Entry = { readonly order: ProbeOrder; readonly prober: Prober; busy: boolean; closed: boolean };

/** Whether two orders are the same. The servers of a service share one check, which is compared with another one once. */
function comparison(): (a: ProbeOrder, b: ProbeOrder) => boolean {
  const equals = new Map<CheckConfig, CheckConfig>();
  const isSameCheck = (a: CheckConfig, b: CheckConfig): boolean => {
    if (a === b || equals.get(a) === b) return true;
    const same = isDeepStrictEqual(a, b);
    if (same) equals.set(a, b);
    return same;
  };
  return (a, b) => isSameTarget(a.target, b.target) && isSameCheck(a.check, b.check);
}

const isSameTarget = (a: ProbeTarget, b: ProbeTarget): boolean =>
  a.source === b.source &&
  a.sourcePort === b.sourcePort &&
  a.device === b.device &&
  a.mark === b.mark &&
  a.address.address === b.address.address &&
  a.address.port === b.address.port;

export function createProberSchedule(ports: ProbePorts): ProberSchedule {
  const agenda = createAgenda<Entry>();
  const running = new Set<Promise<void>>();
  let entries: ReadonlyMap<string, Entry> = new Map();
  const timer = ports.timer(tick);

  /** Entries that were closed stay in the agenda until they are due, and are dropped then. */
  function tick(): void {
    const now = ports.now();
    for (let next = agenda.take(now); next !== undefined; next = agenda.take(now)) {
      const entry = next.item;
      if (entry.closed) continue;
      agenda.add(nextDue(next.due, entry.order.check.interval, now), entry);
      if (!entry.busy) start(entry);
    }
    arm();
  }

  function arm(): void {
    const due = agenda.next();
    if (due === undefined) timer.disarm();
    else timer.arm(due);
  }

  function start(entry: Entry): void {
    entry.busy = true;
    const run = entry.prober.run().then((result) => {
      running.delete(run);
      entry.busy = false;
      if (!entry.closed) ports.onResult(entry.order.key, result, ports.now());
    });
    running.add(run);
  }

  function end(entry: Entry): void {
    entry.closed = true;
    entry.prober.close();
  }

  function configure(orders: readonly ProbeOrder[]): void {
    const before = entries;
    const fresh: Entry[] = [];
    const after = new Map<string, Entry>();
    const isSame = comparison();
    for (const order of orders) {
      invariant(!after.has(order.key), `two probes are called ${order.key}`);
      const known = before.get(order.key);
      if (known !== undefined && isSame(known.order, order)) after.set(order.key, known);
      else {
        const prober = ports.createProber(order.check, order.target);
        const entry: Entry = { order, prober, busy: false, closed: false };
        fresh.push(entry);
        after.set(order.key, entry);
      }
    }
    for (const [key, entry] of before) if (after.get(key) !== entry) end(entry);
    entries = after;

    const now = ports.now();
    for (const [index, entry] of fresh.entries())
      agenda.add(firstDue(now, entry.order.check.interval, index, fresh.length), entry);
    arm();
  }

  async function close(): Promise<void> {
    for (const entry of entries.values()) end(entry);
    entries = new Map();
    timer.close();
    await Promise.all(running);
  }

  return { configure, close };
}
