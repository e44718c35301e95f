/**
 * Writes the verdicts down for the process after this one, so that a restart neither admits a dead server nor drops a live
 * one: soon after one of them became another, and at the end.
 */

import { type Duration, type Instant, instant, seconds } from '../base/time.ts';
import type { Saved } from '../health/verdict.ts';
import type { Restored } from './verdict-book.ts';

export type VerdictStore = {
  /** What the process before left; `undefined`: nothing, or nothing that can be read. */
  restore(): Restored | undefined;
  /** A verdict has become another one. */
  changed(): void;
  /** Writes down what is left to write. */
  close(): void;
};

export type StorePorts = {
  readonly load: () => unknown;
  readonly save: (value: SavedVerdicts) => void;
  readonly verdicts: () => Readonly<Record<string, Saved>>;
  readonly now: () => Instant;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
};

export type SavedVerdicts = { readonly at: Instant; readonly verdicts: Readonly<Record<string, Saved>> };

/** Many verdicts that change together are written once. */
const SOON: Duration = seconds(1);

export function createVerdictStore({ load, save, verdicts, now, later }: StorePorts): VerdictStore {
  let writing: { cancel(): void } | undefined;
  const write = (): void => save({ at: now(), verdicts: verdicts() });
  return {
    restore: () => restoredFrom(load(), now()),
    changed: () => {
      writing ??= later(SOON, () => {
        writing = undefined;
        write();
      });
    },
    close: () => {
      writing?.cancel();
      write();
    },
  };
}

/** What was saved, as far as it makes sense: times lie in the past of this boot. */
function restoredFrom(saved: unknown, now: Instant): Restored | undefined {
  const { at, verdicts } = (saved ?? {}) as { at?: unknown; verdicts?: unknown };
  if (!isPast(at, now) || typeof verdicts !== 'object' || verdicts === null) return undefined;
  const sound = Object.entries(verdicts).filter((entry): entry is [string, Saved] => isSaved(entry[1], now));
  return { at: instant(at), verdicts: new Map(sound) };
}

function isSaved(value: unknown, now: Instant): value is Saved {
  const { state, since, reason, falls } = (value ?? {}) as { [K in keyof Saved]?: unknown };
  return (
    (state === 'up' || state === 'down') &&
    isPast(since, now) &&
    typeof reason === 'string' &&
    Array.isArray(falls) &&
    falls.every((at) => isPast(at, now))
  );
}

const isPast = (value: unknown, now: Instant): value is number =>
  typeof value === 'number' && value >= 0 && value <= now;
