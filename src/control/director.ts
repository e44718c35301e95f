/** What the control API asks of the daemon; the supervisor is one, and so is the fake of the tests. */

import type { SinkCounts } from '../alerts/dispatch.ts';
import type { Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { Issue } from '../config/config.ts';
import type { VrrpState } from './event.ts';
import type { Journal } from './journal.ts';
import type { RouterOrder, Status } from './status.ts';

export type Health = { readonly ok: boolean /** Why not, one line each. */; readonly reasons: readonly string[] };

export type ReloadAnswer = {
  readonly outcome: 'applied' | 'unchanged' | 'refused';
  /** What was done, or why nothing was. */
  readonly detail: string;
  /** The file that was read, for the places of the issues. */
  readonly file: string;
  readonly issues: readonly Issue[];
};

/** `refused`: the file has an error, with which nothing could start; `restarting`: the daemon ends and begins anew. */
export type RestartAnswer = {
  readonly outcome: 'restarting' | 'refused';
  readonly detail: string;
  readonly file: string;
  readonly issues: readonly Issue[];
};

/** `breaks`: live connections that the change would end. */
export type PlannedChange = { readonly sign: '+' | '~' | '-'; readonly what: string; readonly breaks: number };

/** Either what is wrong with the config, or what it would change in the kernel, in the order it would be done. */
export type PlanAnswer =
  | { readonly issues: readonly Issue[] }
  | { readonly changes: readonly PlannedChange[]; readonly issues?: undefined };

/** What an operator says with every order. `lifetime`: after which it ends by itself; `null`: when it is taken back. */
export type OrderTerms = { readonly lifetime: Duration | null; readonly reason: string; readonly by: string };
export type OrderRequest = OrderTerms & { readonly kind: RouterOrder['kind'] };
/** `router`: by name, `null`: every one. `toBackup`: only ever make this director the backup. */
export type FailoverRequest = OrderTerms & { readonly router: string | null; readonly toBackup: boolean };

/** What became of an order, for each router that it is about: the one named and those of its sync group. */
export type OrderAnswer = { readonly routers: readonly OrderOutcome[] };
export type OrderOutcome = {
  readonly router: string;
  readonly syncGroup: string | null;
  /** The state when the order came; `null`: the vrrp process does not answer, and will be told as soon as it does. */
  readonly before: VrrpState | null;
  /** `nothing`: it was so already. `impossible`: it cannot be done now. `detail` says why. */
  readonly done: 'given' | 'taken-back' | 'nothing' | 'impossible';
  /** The order given, or taken back. */
  readonly order: RouterOrder | null;
  readonly detail: string;
};
/** Why an order was not taken at all. */
export type OrderRefusal = {
  readonly error: 'no-such-router' | 'no-routers' | 'no-answer';
  readonly what: string;
  readonly todo: string;
};
export type OrderResult = Result<OrderAnswer, OrderRefusal>;

export type Director = {
  /** Settles within a few seconds, whatever a child does. */
  status(): Promise<Status>;
  readonly journal: Journal;
  /** How the alert sinks are doing. */
  alerts(): readonly SinkCounts[];
  reload(): Promise<ReloadAnswer>;
  /** Starts the program of the daemon anew, in the same process; the kernel stays as it is. */
  restart(): RestartAnswer;
  /** What the given TOML text, or with `null` the file on disk, would change. Changes nothing. */
  plan(text: string | null): Promise<PlanAnswer>;
  healthy(): Health;
  /** Promotes or demotes a virtual router and its sync group. */
  order(router: string, request: OrderRequest): Promise<OrderResult>;
  /** Takes the order to a virtual router and its sync group back. */
  takeBack(router: string, by: string): Promise<OrderResult>;
  /** Moves the role to the other director. */
  failover(request: FailoverRequest): Promise<OrderResult>;
};
