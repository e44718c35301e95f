/**
 * A config on trial: it runs until it is confirmed, and else what ran before runs again by itself. Who has locked himself
 * out need do nothing. The daemon does not write to its config file: whoever confirms does, and then tells it.
 */

import { err, ok } from '../base/result.ts';
import { type Duration, milliseconds, seconds } from '../base/time.ts';
import type { InTurn } from '../base/turns.ts';
import type { ApplyAnswer, ApplyRequest, ConfirmResult, Director, TrialRefusal } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import { describeTrialEnd } from '../control/render.ts';
import type { Reading } from '../system/config-file.ts';
import { happening, isOver, LOST, remainsOf, type TrialRecord } from './trial-record.ts';

export type TrialDesk = Pick<Director, 'apply' | 'confirm' | 'rollback' | 'trial'> & {
  record(): TrialRecord | null;
  /** What a reload has made of the file counts from now on. */
  settled(): void;
  /** Keeps that the start of this process has found a trial over. Where it cannot, that is told, and the start goes on. */
  keepEnd(): void;
  close(): void;
};

export type TrialPorts = {
  readonly now: () => Date;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  readonly report: (happening: Happening) => void;
  /** Keeps the record for a process after this one; `null`: there is none any more. Throws where it cannot. */
  readonly keep: (record: TrialRecord | null) => void;
  readonly readFile: () => Reading;
  readonly readText: (text: string) => Reading;
  readonly inTurn: InTurn;
  /** Why it cannot run; `undefined`: it can. */
  readonly refusalOf: (reading: Reading) => string | undefined;
  /** Runs it. Says what has changed. */
  readonly run: (reading: Reading) => Promise<readonly string[]>;
  /** The text that runs. */
  readonly running: () => string;
};

/** How long a step of the clock may go unnoticed. */
const LOOK_EVERY = seconds(1);

export function createTrialDesk(first: TrialRecord | null, ports: TrialPorts): TrialDesk {
  const { now, later, report, keep, readFile, readText, inTurn } = ports;
  let record = first;
  let looking: { cancel(): void } | undefined;
  let closed = false;
  look();

  const onTrial = (): TrialRecord | null => (record?.state === 'running' ? record : null);

  function look(): void {
    looking?.cancel();
    if (record?.state !== 'running' || closed) return;
    if (isOver(record, now())) return void inTurn(expire).catch(failed);
    const left = Date.parse(record.until) - now().getTime();
    looking = later(milliseconds(Math.min(LOOK_EVERY, Math.max(1, left))), look);
  }

  const failed = (error: unknown): void =>
    report({ kind: 'trouble', severity: 'error', what: 'the end of a trial failed', detail: wordsOf(error) });

  /** A confirmation may have come before. */
  async function expire(): Promise<void> {
    const over = onTrial();
    if (over !== null && isOver(over, now())) await goBack(over, 'nobody confirmed it in time');
  }

  async function apply({ text, lifetime, by }: ApplyRequest): Promise<ConfirmResult<ApplyAnswer>> {
    const under = onTrial();
    if (under !== null) return err(alreadyOnTrial(under));
    const reading = readText(text);
    const why = ports.refusalOf(reading);
    const refuse = (detail: string): ConfirmResult<ApplyAnswer> =>
      ok({ outcome: 'refused', detail, issues: reading.issues, trial: null });
    if (why !== undefined) return refuse(why);
    const since = now();
    const left = record !== null && readFile().text === record.text ? { left: record } : {};
    const next: TrialRecord = {
      ...{ state: 'running', text, before: ports.running(), by, since: since.toISOString() },
      until: new Date(since.getTime() + lifetime).toISOString(),
      ...left,
    };
    try {
      // Before it runs: whatever dies from here on, the deadline holds.
      keep(next);
    } catch (error) {
      return refuse(`it cannot be kept in the run directory, so a crash would lose the way back: ${wordsOf(error)}`);
    }
    record = next;
    look();
    report(happening(next, 'begun', ''));
    const changed = await ports.run(reading);
    return ok({ outcome: 'on-trial', detail: changed.join('; '), issues: reading.issues, trial: next });
  }

  async function confirm(by: string): Promise<ConfirmResult> {
    await expire();
    const trial = onTrial();
    if (trial === null) return err(noTrial(record));
    if (readFile().text !== trial.text) return err(NOT_INSTALLED);
    end(null);
    report(happening(trial, 'confirmed', `by ${by}`));
    return ok(trial);
  }

  async function rollback(by: string): Promise<ConfirmResult> {
    const trial = onTrial();
    if (trial === null) return err(noTrial(record));
    await goBack(trial, `taken back by ${by}`);
    return ok(trial);
  }

  /** Written down first: who dies on the way back does not begin the trial anew. */
  async function goBack(trial: TrialRecord, why: string): Promise<void> {
    const reading = readText(trial.before);
    end(remainsOf(trial, readFile().text));
    report(happening(trial, 'rolled-back', why));
    if (reading.config === null) report(LOST);
    else await ports.run(reading);
  }

  function end(next: TrialRecord | null): void {
    record = next;
    looking?.cancel();
    try {
      keep(next);
    } catch (error) {
      const detail = `${wordsOf(error)}; a restart of the daemon may go on with it`;
      report({ kind: 'trouble', severity: 'error', what: 'the end of a trial cannot be kept', detail });
    }
  }

  return {
    record: () => record,
    trial: onTrial,
    apply: (request) => inTurn(() => apply(request)),
    confirm: (by) => inTurn(() => confirm(by)),
    rollback: (by) => inTurn(() => rollback(by)),
    settled() {
      if (record !== null) end(null);
    },
    keepEnd() {
      if (record?.state !== 'running') end(record);
    },
    close() {
      closed = true;
      looking?.cancel();
    },
  };
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What to do while a config is on trial. */
export const waiting = ({ by, until }: Pick<TrialRecord, 'by' | 'until'>): string =>
  `a config is on trial by ${by} until ${describeTrialEnd(until)}: \`lvskeeper confirm\` keeps it, \`lvskeeper rollback\` takes it back`;

const alreadyOnTrial = (trial: TrialRecord): TrialRefusal => ({
  error: 'on-trial',
  what: `a config is on trial by ${trial.by} until ${describeTrialEnd(trial.until)}`,
  todo: 'First `lvskeeper confirm` keeps it, or `lvskeeper rollback` takes it back.',
});

const noTrial = (record: TrialRecord | null): TrialRefusal => ({
  error: 'no-trial',
  what:
    record === null
      ? 'no config is on trial'
      : `no config is on trial: that of ${record.by} was rolled back, since nobody confirmed it in time or it was taken back`,
  todo: '`lvskeeper apply FILE --confirm 5m` tries one; `lvskeeper events --kind trial` shows what has become of others.',
});

const NOT_INSTALLED: TrialRefusal = {
  error: 'not-installed',
  what: "the daemon's config file does not hold what is on trial",
  todo: '`lvskeeper confirm` writes it there, and then confirms it.',
};
