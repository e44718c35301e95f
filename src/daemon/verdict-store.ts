/**
 * Writes the verdicts down for the process after this one, so that a restart neither admits a dead server nor drops a live
 * one: soon after one of them became another, and at the end.
 */

import { type Duration, type Instant, seconds } from '../base/time.ts';
import type { Happening } from '../control/event.ts';
import type { Latency } from '../health/latency.ts';
import type { Advice, Saved } from '../health/verdict.ts';
import type { Restored } from './verdict-book.ts';

export type VerdictStore = {
  /** What the process before left; `undefined`: nothing, or nothing that can be read. */
  restore(): Restored | undefined;
  /** A verdict has become another one. */
  changed(): void;
  /** Writes down what is left to write; nothing before `restore`, lest what is to be restored is lost. */
  close(): void;
};

export type StorePorts = {
  readonly load: () => unknown;
  readonly save: (value: SavedVerdicts) => void;
  readonly verdicts: () => Readonly<Record<string, Saved>>;
  readonly now: () => Instant;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  readonly report: (happening: Happening) => void;
};

export type SavedVerdicts = { readonly at: Instant; readonly verdicts: Readonly<Record<string, Saved>> };

/** Many verdicts that change together are written once. */
const SOON: Duration = seconds(1);

export function createVerdictStore({ load, save, verdicts, now, later, report }: StorePorts): VerdictStore {
  let writing: { cancel(): void } | undefined;
  let restored = false;
  /** That they are not written down has been told. */
  let told = false;

  /** What a restart can do without must not end this process: the disk is full, the directory gone. */
  function write(): void {
    if (!restored) return;
    try {
      save({ at: now(), verdicts: verdicts() });
      told = false;
    } catch (error) {
      if (!told) report(unwritten(error));
      told = true;
    }
  }

  return {
    restore() {
      restored = true;
      return restoredFrom(load(), now());
    },
    changed: () => {
      writing ??= later(SOON, () => {
        writing = undefined;
        write();
      });
    },
    close: () => {
      writing?.cancel();
      writing = undefined;
      write();
    },
  };
}

const unwritten = (error: unknown): Happening => ({
  kind: 'trouble',
  severity: 'warning',
  what: 'verdicts are not written down',
  detail: `a restart would begin without them: ${error instanceof Error ? error.message : String(error)}`,
});

/** What was saved, as far as it makes sense: times lie in the past of this boot. */
function restoredFrom(saved: unknown, now: Instant): Restored | undefined {
  const { at, verdicts } = (saved ?? {}) as { at?: unknown; verdicts?: unknown };
  if (!isPast(at, now) || typeof verdicts !== 'object' || verdicts === null) return undefined;
  const sound = Object.entries(verdicts).filter((entry): entry is [string, Saved] => isSaved(entry[1], now));
  return new Map(sound);
}

function isSaved(value: unknown, now: Instant): value is Saved {
  const { state, since, reason, falls, advice, latency } = (value ?? {}) as { [K in keyof Saved]?: unknown };
  return (
    (state === 'up' || state === 'down') &&
    isPast(since, now) &&
    typeof reason === 'string' &&
    Array.isArray(falls) &&
    falls.every((at) => isPast(at, now)) &&
    (advice === undefined || isAdvice(advice)) &&
    (latency === undefined || latency === null || isLatency(latency))
  );
}

function isAdvice(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { weight, mode, maxConnections } = value as { [K in keyof Advice]?: unknown };
  return (
    (weight === undefined || isWeight(weight)) &&
    (mode === undefined || mode === 'ready' || mode === 'drain' || mode === 'maint') &&
    (maxConnections === undefined || maxConnections === null || isIn(maxConnections, 1, 0xffff_ffff))
  );
}

function isWeight(value: unknown): boolean {
  const { percent, weight } = (value ?? {}) as { percent?: unknown; weight?: unknown };
  return percent === undefined ? isIn(weight, 0, 65_535) : isIn(percent, 0, 10_000);
}

function isLatency(value: unknown): boolean {
  const { average, share } = value as { [K in keyof Latency]?: unknown };
  return typeof average === 'number' && average >= 0 && isIn(share, 10, 100);
}

const isIn = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const isPast = (value: unknown, now: Instant): value is number =>
  typeof value === 'number' && value >= 0 && value <= now;
