/**
 * Owns the config: which file it is, what runs, and what becomes of a word to read it again, to run anew, or to say what
 * another text would change. Bad input never harms what runs: a text with an error is refused, and all stays as it was.
 */

import { isDeepStrictEqual } from 'node:util';
import { invariant } from '../base/invariant.ts';
import type { Result } from '../base/result.ts';
import { takingTurns } from '../base/turns.ts';
import type { Config, Issue, VrrpConfig } from '../config/config.ts';
import { diff } from '../config/diff.ts';
import { formatIssue } from '../config/load.ts';
import type { Director, FileAnswer, PlanAnswer, RestartAnswer } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type { Status } from '../control/status.ts';
import type { Reading } from '../system/config-file.ts';
import { createTrialDesk, type TrialPorts, waiting } from './config-trial.ts';
import type { Start } from './trial-record.ts';

export type ConfigDesk = Pick<Director, 'restart' | 'plan' | 'apply' | 'confirm' | 'rollback' | 'trial'> & {
  /** Reads the file again. */
  reload(): Promise<FileAnswer>;
  /** What runs. */
  config(): Config;
  /** When it was read last and found good. */
  loaded(): Date;
  configStatus(): Status['config'];
  /** As of `TrialDesk`. */
  keepEnd(): void;
  close(): void;
};

export type ConfigDeskPorts = Pick<TrialPorts, 'keep' | 'later'> & {
  /** The daemon's config file, absolute. */
  readonly file: string;
  /** Reads and checks `file` as it is on disk. */
  readonly read: () => Reading;
  readonly readText: (text: string) => Reading;
  readonly now: () => Date;
  readonly report: (happening: Happening) => void;
  /** What is wrong with the secrets that a router needs. */
  readonly unreadableSecrets: (router: VrrpConfig) => readonly string[];
  /** The service manager is told that a reload begins, and that it has ended. */
  readonly busy: (reloading: boolean) => void;
  /** Another config runs from now on: `config()` gives it. */
  readonly changed: () => Promise<void>;
  /** The config is the same, but the files that it names may have changed. */
  readonly again: () => void;
  /** Asks whether the program that is installed now starts with `file`. */
  readonly tryProgram: (file: string) => Promise<Result<void, string>>;
  /** Begins a restart; `false`: it ends already. */
  readonly restart: () => boolean;
  /** What a config would change. */
  readonly planOf: (next: Config) => Promise<PlanAnswer>;
};

export function createConfigDesk(first: Omit<Start, 'told'>, ports: ConfigDeskPorts): ConfigDesk {
  const { file, read, now, report, busy } = ports;
  let { config, text } = first;
  let loaded = now();
  let refused: { readonly why: string; readonly text: string } | null = null;
  // A second request sees what the first one made.
  const inTurn = takingTurns();

  const trials = createTrialDesk(first.trial, {
    ...{ now, report, inTurn, refusalOf, run },
    ...{ keep: ports.keep, later: ports.later, readFile: read, readText: ports.readText },
    running: () => text,
  });

  async function reload(): Promise<FileAnswer> {
    busy(true);
    const answer = await reloadFile();
    report({ kind: 'reload', outcome: answer.outcome, detail: answer.detail });
    busy(false);
    return answer;
  }

  /** Not while another config is on trial: its author was told what runs, and until when. */
  async function reloadFile(): Promise<FileAnswer> {
    const trial = trials.trial();
    if (trial !== null) return { outcome: 'refused', detail: waiting(trial), file, issues: [] };
    const reading = read();
    const { issues } = reading;
    const why = refusalOf(reading);
    refused = why === undefined ? null : { why, text: reading.text };
    if (why !== undefined) return { outcome: 'refused', detail: why, file, issues };
    const same = isDeepStrictEqual(reading.config, config);
    const changes = await run(reading);
    // The file counts again, also where it had been tried and rolled back.
    trials.settled();
    return { outcome: same ? 'unchanged' : 'applied', detail: changes.join('; '), file, issues };
  }

  /** What was wrong with the file is so no longer once it holds again what runs: `apply` and `confirm` put it back. */
  function lookAtFile(): void {
    const rolledBack = trials.record()?.state === 'rolled-back';
    if (refused === null && !rolledBack) return;
    const onDisk = read().text;
    if (onDisk !== text || onDisk === refused?.text) return;
    refused = null;
    if (rolledBack) trials.settled();
  }

  /** Runs what was read and is good. Gives what has changed, in words. */
  async function run(reading: Reading): Promise<readonly string[]> {
    const { config: next, issues } = reading;
    invariant(next !== null, 'what runs has no error');
    loaded = now();
    text = reading.text;
    if (isDeepStrictEqual(next, config)) {
      ports.again();
      return [];
    }
    const changes = diff(config, next);
    config = next;
    await ports.changed();
    warn(issues);
    return changes;
  }

  /** Why what was read cannot take the place of what runs; `undefined`: it can. */
  function refusalOf({ config: next, issues }: Reading): string | undefined {
    if (next === null) return `${firstError(file, issues)}; ${STAYS}`;
    const [unread] = next.vrrp.flatMap((router) => ports.unreadableSecrets(router));
    if (unread !== undefined) return `${unread}; ${STAYS}`;
    const moved = movedRunDir(next);
    if (moved !== undefined) return `${moved} cannot change while the daemon runs: stop and start it`;
    return isEmptied(next) ? `${EMPTIED}; ${STAYS}` : undefined;
  }

  /** A file that an editor or a full disk has left empty is a good one, and would give up all that runs. */
  function isEmptied(next: Config): boolean {
    return hasWork(config) && !hasWork(next);
  }

  /** What a process leaves for the next one is there, so it cannot move while roles are held. */
  function movedRunDir(next: Config): string | undefined {
    const [from, to] = [config.director.runDir, next.director.runDir];
    return from === to ? undefined : `director.run_dir (${from}, now ${to})`;
  }

  function warn(issues: readonly Issue[]): void {
    for (const happening of warningsOf(file, issues)) report(happening);
  }

  async function restart(): Promise<RestartAnswer> {
    const { config: next, issues } = read();
    const refuse = (detail: string): RestartAnswer => ({ outcome: 'refused', detail, file, issues });
    if (next === null) return refuse(`${firstError(file, issues)}; with it nothing could start`);
    const moved = movedRunDir(next);
    if (moved !== undefined) return refuse(`${moved} is left behind by a restart: stop and start it`);
    if (isEmptied(next)) return refuse(EMPTIED);
    const trial = await ports.tryProgram(file);
    if (!trial.ok) return refuse(`the program that is installed now cannot start with it: ${trial.error}`);
    return ports.restart() ? { outcome: 'restarting', detail: '', file, issues } : refuse('it is stopping');
  }

  return {
    config: () => config,
    loaded: () => loaded,
    configStatus() {
      lookAtFile();
      const record = trials.record();
      const trial = record && { state: record.state, by: record.by, since: record.since, until: record.until };
      return { file, loaded: loaded.toISOString(), refused: refused?.why ?? null, trial };
    },
    apply: trials.apply,
    async confirm(by) {
      const answer = await trials.confirm(by);
      // The file is what runs, whatever it was before.
      if (answer.ok) refused = null;
      return answer;
    },
    rollback: trials.rollback,
    trial: trials.trial,
    keepEnd: trials.keepEnd,
    close: trials.close,
    reload: () => inTurn(reload),
    restart,
    async plan(text) {
      const reading = text === null ? read() : ports.readText(text);
      return reading.config === null ? { issues: reading.issues } : ports.planOf(reading.config);
    },
  };
}

const STAYS = 'the config before stays in force';
const EMPTIED = 'no [[vrrp]] and no [[service]] is left, so all that runs would end: stop the daemon if that is meant';
const hasWork = ({ vrrp, services }: Config): boolean => vrrp.length + services.length > 0;

function firstError(file: string, issues: readonly Issue[]): string {
  const errors = issues.filter(({ severity }) => severity === 'error');
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return `${errors[0] === undefined ? file : formatIssue(file, errors[0])}${more}`;
}

/** The issues of a good config, as they are told once it runs. */
export const warningsOf = (file: string, issues: readonly Issue[]): readonly Happening[] =>
  issues.map((issue) => ({ kind: 'trouble', severity: 'warning', what: 'config', detail: formatIssue(file, issue) }));
