/** What the control API asks of the daemon; the supervisor is one, and so is the fake of the tests. */

import type { SinkCounts } from '../alerts/dispatch.ts';
import type { Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { Issue } from '../config/config.ts';
import type { ServerWord } from '../pool/ordered.ts';
import type { VrrpState } from './event.ts';
import type { Journal } from './journal.ts';
import type { Connections, RouterOrder, ServerOrder, Status } from './status.ts';

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
/** `router`: by name, `null`: every one. `toBackup`: this director is the backup meanwhile, whatever it is now. */
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
  readonly error: 'no-such-router' | 'no-routers' | 'no-such-server' | 'no-such-service' | 'no-services' | 'no-answer';
  readonly what: string;
  readonly todo: string;
};
export type OrderResult = Result<OrderAnswer, OrderRefusal>;

/** `server`: by name or by address, with or without port. `service`: by name; `null`: in every one that has it. */
export type ServerTarget = { readonly server: string; readonly service: string | null };
export type ServerOrderRequest = OrderTerms & ServerTarget & ServerWord;
/** `kind`: only an order of this kind; `null`: whichever is in force. */
export type ServerTakeBack = ServerTarget & { readonly kind: ServerOrder['kind'] | null; readonly by: string };

/** What became of an order, for each service that has the server. */
export type ServerOrderAnswer = { readonly servers: readonly ServerOrderOutcome[] };
export type ServerOrderOutcome = {
  readonly service: string;
  readonly server: string;
  readonly address: string;
  /** `nothing`: there is none to take back; `detail` says so. */
  readonly done: 'given' | 'taken-back' | 'nothing';
  /** The order given, taken back, or left as it is. */
  readonly order: ServerOrder | null;
  /** The order that this one took the place of. */
  readonly replaced: ServerOrder | null;
  /** What the kernel had when the order came; `null`: nothing, or the checker process does not answer. */
  readonly connections: Connections | null;
  readonly detail: string;
  /** What there is to know about the server and its connections, a sentence each. */
  readonly notes: readonly string[];
};
export type ServerOrderResult = Result<ServerOrderAnswer, OrderRefusal>;

export type Director = {
  /** Settles within a few seconds, whatever a child does. */
  status(): Promise<Status>;
  readonly journal: Journal;
  /** How the alert sinks are doing. */
  alerts(): readonly SinkCounts[];
  reload(): Promise<ReloadAnswer>;
  /** Starts the program of the daemon anew, in the same process; the kernel stays as it is. */
  restart(): Promise<RestartAnswer>;
  /** What the given TOML text, or with `null` the file on disk, would change. Changes nothing. */
  plan(text: string | null): Promise<PlanAnswer>;
  healthy(): Health;
  /** Promotes or demotes a virtual router and its sync group. */
  order(router: string, request: OrderRequest): Promise<OrderResult>;
  /** Takes the order to a virtual router and its sync group back. */
  takeBack(router: string, by: string): Promise<OrderResult>;
  /** Moves the role to the other director. */
  failover(request: FailoverRequest): Promise<OrderResult>;
  /** Drains or disables a server, or gives it another weight. */
  orderServer(request: ServerOrderRequest): Promise<ServerOrderResult>;
  /** Takes the order for a server back. */
  takeBackServer(request: ServerTakeBack): Promise<ServerOrderResult>;
};
