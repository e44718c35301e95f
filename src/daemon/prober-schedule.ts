/**
 * Drives the probers: starts each when `health/schedule.ts` says, with one timer for all, and passes the results on.
 *
 * A prober lives as long as its order stays: on a reload the others keep their phase, their counts and a probe under way.
 * Results of a prober that has been closed are dropped.
 */

import { invariant } from '../base/invariant.ts';
import { after, type Duration, type Instant, instant, milliseconds, times } from '../base/time.ts';
import type { ProbeResult, Prober, ProbeTarget } from '../checkers/probe.ts';
import type { CheckConfig } from '../config/config.ts';
import { createAgenda, firstDue, nextDue } from '../health/schedule.ts';
import type { OneTimer } from './virtual-router.ts';

/** Probe this. `key`: unique, and the same only for the same probe of the same target. */
export type ProbeOrder = { readonly key: string; readonly check: CheckConfig; readonly target: ProbeTarget };

/** What the schedule needs of the outside. All of it can be faked. */
export type ProbePorts = {
  readonly now: () => Instant;
  readonly timer: (due: (lateness: Duration) => void) => OneTimer;
  readonly createProber: (check: CheckConfig, target: ProbeTarget) => Prober;
  /** A chance value from 0 to below 1. */
  readonly random: () => number;
  /** A probe of `key` ended at `at`. */
  readonly onResult: (key: string, result: ProbeResult, at: Instant) => void;
  /** Time between two probes of `key`, as things are now. */
  readonly interval: (key: string) => Duration;
};

export type ProberSchedule = {
  /** What is to be probed from now on, whole. New and changed orders start within one of their intervals, spread out. */
  configure(orders: readonly ProbeOrder[]): void;
  /** The time between two probes may have become another one: what is due sooner by it is brought forward. */
  hurry(): void;
  /** Ends every probe; settles when none is under way. */
  close(): Promise<void>;
};

type Entry = {
  readonly order: ProbeOrder;
  readonly prober: Prober;
  /** When it is due by its interval alone; jitter does not add up. */
  phase: Instant;
  /** When it is started next: of what stands in the agenda, only this counts. */
  due: Instant;
  /** When it was due last, by its interval alone. */
  began: Instant;
  /** The interval by which its next start is planned. */
  interval: Duration;
  busy: boolean;
  /** It was due while it was busy. */
  missed: boolean;
  closed: boolean;
};

/**
 * Started in one turn of the event loop at most. What has answered is heard once a turn: a long one, with all that became due
 * in the one before it, would be over only after the deadlines of its own probes, and so would be the next.
 */
export const MOST_AT_ONCE = 128;

/**
 * Probes start at whole multiples of this, so that many of them share one waking of the process, which costs more than a
 * probe. An interval is mostly a multiple of it too, and then just as long as without it.
 */
const GRAIN: Duration = milliseconds(5);

/**
 * A probe whose answer comes when its next turn has just gone by, by at most this share of the interval, is started at once: a
 * silent server is given up after `timeout`, which is often no less than the interval, and would be probed half as often.
 */
const MADE_UP = 0.25;

export function createProberSchedule(ports: ProbePorts): ProberSchedule {
  const agenda = createAgenda<Entry>();
  const running = new Set<Promise<void>>();
  let entries: ReadonlyMap<string, Entry> = new Map();
  const timer = ports.timer(tick);

  /** What was planned otherwise since, or closed, stays in the agenda until it is due, and is dropped then. */
  function tick(): void {
    const now = ports.now();
    for (let left = MOST_AT_ONCE; left > 0; ) {
      const next = agenda.take(now);
      if (next === undefined) break;
      const entry = next.item;
      if (entry.closed || entry.due !== next.due) continue;
      entry.began = entry.phase;
      plan(entry, now);
      entry.missed = entry.busy;
      if (entry.busy) continue;
      start(entry);
      left--;
    }
    arm();
  }

  /** Plans the next start by the interval as it is now. */
  function plan(entry: Entry, now: Instant): void {
    const { key, check } = entry.order;
    const interval = ports.interval(key);
    entry.phase = nextDue(entry.began, interval, now);
    entry.interval = interval;
    entry.due = after(entry.phase, times(interval, (ports.random() * check.jitter) / 100));
    agenda.add(entry.due, entry);
  }

  function hurry(): void {
    const now = ports.now();
    for (const entry of entries.values()) if (ports.interval(entry.order.key) < entry.interval) plan(entry, now);
    arm();
  }

  function arm(): void {
    const due = agenda.next();
    if (due === undefined) timer.disarm();
    else timer.arm(instant(Math.ceil(due / GRAIN) * GRAIN));
  }

  function start(entry: Entry): void {
    entry.busy = true;
    entry.missed = false;
    const run = entry.prober.run().then((result) => {
      running.delete(run);
      entry.busy = false;
      if (entry.closed) return;
      const now = ports.now();
      ports.onResult(entry.order.key, result, now);
      // What is planned stays while the interval does, even if its time has come since: it is about to be started.
      const { interval } = entry;
      if (ports.interval(entry.order.key) !== interval) {
        plan(entry, now);
        arm();
      }
      if (entry.missed && !entry.closed && entry.interval === interval && now - entry.began < interval * MADE_UP)
        start(entry);
    });
    running.add(run);
  }

  function end(entry: Entry): void {
    entry.closed = true;
    entry.prober.close();
  }

  function configure(orders: readonly ProbeOrder[]): void {
    const now = ports.now();
    const before = entries;
    const fresh: Entry[] = [];
    const kept = new Map<string, Entry>();
    for (const order of orders) {
      invariant(!kept.has(order.key), `two probes are called ${order.key}`);
      const known = before.get(order.key);
      if (known !== undefined) kept.set(order.key, known);
      else {
        const prober = ports.createProber(order.check, order.target);
        const { interval } = order.check;
        const entry = {
          order,
          prober,
          phase: now,
          due: now,
          began: now,
          interval,
          busy: false,
          missed: false,
          closed: false,
        };
        fresh.push(entry);
        kept.set(order.key, entry);
      }
    }
    for (const [key, entry] of before) if (kept.get(key) !== entry) end(entry);
    entries = kept;
    // Whoever shares a probe from now on may want it more often.
    hurry();

    for (const [index, entry] of fresh.entries()) {
      entry.phase = firstDue(now, entry.order.check.interval, index, fresh.length);
      entry.due = entry.phase;
      agenda.add(entry.due, entry);
    }
    arm();
  }

  async function close(): Promise<void> {
    for (const entry of entries.values()) end(entry);
    entries = new Map();
    timer.close();
    await Promise.all(running);
  }

  return { configure, hurry, close };
}
