/**
 * A config on trial as it is kept in the run directory, so that it outlives every process (and ends with the boot): what is
 * tried, what ran before, and until when. From it a daemon that starts knows which of the two to run.
 */

import type { Config } from '../config/config.ts';
import type { Happening } from '../control/event.ts';
import type { Reading } from '../system/config-file.ts';

export type TrialRecord = {
  /** `rolled-back`: `before` runs, and the file still holds what was tried, since it was edited in place. */
  readonly state: 'running' | 'rolled-back';
  /** TOML. */
  readonly text: string;
  readonly before: string;
  readonly by: string;
  /** RFC 3339. The clock on the wall counts, since `until` is what its author was told. */
  readonly since: string;
  readonly until: string;
  /** One that was rolled back before, and that the file held when this one began. */
  readonly left?: TrialRecord;
};

/** What a daemon runs from its start. */
export type Start = {
  readonly config: Config;
  readonly text: string;
  readonly trial: TrialRecord | null;
  /** What there is to tell of it. */
  readonly told: readonly Happening[];
};

export const isOver = ({ until }: TrialRecord, now: Date): boolean => Date.parse(until) <= now.getTime();

/**
 * `onDisk`: the config file, a good one; `saved`: what was in the run directory. A trial goes on, with its deadline; one
 * whose deadline has passed, or whose text this program does not take, is over, and what ran before runs.
 */
export function startFrom(
  onDisk: Reading & { readonly config: Config },
  saved: unknown,
  now: Date,
  readText: (text: string) => Reading,
): Start {
  const file: Start = { config: onDisk.config, text: onDisk.text, trial: null, told: [] };
  if (saved === undefined) return file;
  if (!isRecord(saved)) return { ...file, told: [DAMAGED] };
  if (saved.state === 'rolled-back') return onDisk.text === saved.text ? before(saved, file, [], readText) : file;
  const { config } = readText(saved.text);
  if (config !== null && !isOver(saved, now))
    return { config, text: saved.text, trial: saved, told: [happening(saved, 'resumed', '')] };
  const why =
    config === null ? 'this program does not take it' : 'nobody confirmed it, and its time passed while nothing ran';
  return before(saved, file, [happening(saved, 'rolled-back', why)], readText);
}

function before(
  record: TrialRecord,
  file: Start,
  told: readonly Happening[],
  readText: (text: string) => Reading,
): Start {
  const { config } = readText(record.before);
  if (config === null) return { ...file, told: [...told, LOST] };
  return { config, text: record.before, trial: remainsOf(record, file.text), told };
}

/** What is kept of a trial that is rolled back: a file that holds what was tried, then or before, is not run by a restart. */
export function remainsOf({ left, ...trial }: TrialRecord, file: string): TrialRecord | null {
  if (file === trial.text && trial.text !== trial.before) return { ...trial, state: 'rolled-back' };
  return left !== undefined && file === left.text ? left : null;
}

export const happening = (
  { by, until }: TrialRecord,
  what: Extract<Happening, { kind: 'trial' }>['what'],
  reason: string,
): Happening => ({ kind: 'trial', what, by, until, reason });

const DAMAGED: Happening = {
  ...{ kind: 'trouble', severity: 'error', what: 'the config on trial is not known' },
  detail: 'its file in the run directory is damaged; the config file is what runs',
};
/** Also what a running daemon says that cannot go back. */
export const LOST: Happening = {
  ...{ kind: 'trouble', severity: 'error', what: 'the config before the trial cannot run' },
  detail: 'this program does not take it; what runs goes on: mend the config file, and `lvskeeper reload`',
};

function isRecord(value: unknown): value is TrialRecord {
  const record = value as Partial<TrialRecord> | null;
  const { state, text, before, by, since, until, left } = record ?? {};
  return (
    (state === 'running' || state === 'rolled-back') &&
    [text, before, by].every((field) => typeof field === 'string') &&
    [since, until].every((time) => typeof time === 'string' && !Number.isNaN(Date.parse(time))) &&
    (left === undefined || isRecord(left))
  );
}
