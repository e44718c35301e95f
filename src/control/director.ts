/** What the control API asks of the daemon; the supervisor is one, and so is the fake of the tests. */

import type { SinkCounts } from '../alerts/dispatch.ts';
import type { Issue } from '../config/config.ts';
import type { Journal } from './journal.ts';
import type { Status } from './status.ts';

export type Health = { readonly ok: boolean /** Why not, one line each. */; readonly reasons: readonly string[] };

export type ReloadAnswer = {
  readonly outcome: 'applied' | 'unchanged' | 'refused';
  /** What was done, or why nothing was. */
  readonly detail: string;
  /** The file that was read, for the places of the issues. */
  readonly file: string;
  readonly issues: readonly Issue[];
};

/** `breaks`: live connections that the change would end. */
export type PlannedChange = { readonly sign: '+' | '~' | '-'; readonly what: string; readonly breaks: number };

/** Either what is wrong with the config, or what it would change in the kernel, in the order it would be done. */
export type PlanAnswer =
  | { readonly issues: readonly Issue[] }
  | { readonly changes: readonly PlannedChange[]; readonly issues?: undefined };

export type Director = {
  /** Settles within a few seconds, whatever a child does. */
  status(): Promise<Status>;
  readonly journal: Journal;
  /** How the alert sinks are doing. */
  alerts(): readonly SinkCounts[];
  reload(): Promise<ReloadAnswer>;
  /** What the given TOML text, or with `null` the file on disk, would change. Changes nothing. */
  plan(text: string | null): Promise<PlanAnswer>;
  healthy(): Health;
};
