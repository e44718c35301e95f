/** What the control API asks of the daemon; the supervisor is one, and so is the fake of the tests. */

import type { SinkCounts } from '../alerts/dispatch.ts';
import type { Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { Issue } from '../config/config.ts';
import type { ServerWord } from '../pool/ordered.ts';
import type { VrrpState } from './event.ts';
import type { Journal } from './journal.ts';
import type { ChangeMark, Connections, RouterOrder, ServerOrder, Status } from './status.ts';
import type { Verdicts } from './verdicts.ts';

export type Health = { readonly ok: boolean /** Why not, one line each. */; readonly reasons: readonly string[] };

/** What became of the file. */
export type FileAnswer = {
  readonly outcome: 'applied' | 'unchanged' | 'refused';
  /** What was done, or why nothing was. */
  readonly detail: string;
  /** The file that was read, for the places of the issues. */
  readonly file: string;
  readonly issues: readonly Issue[];
};

export type ReloadAnswer = FileAnswer & {
  /** The servers changed at run time. */
  readonly serverChanges: {
    /** What stays so, until it is taken back, discarded or written to the file. */
    readonly kept: readonly ServerChangeView[];
    readonly discarded: readonly ServerChangeView[];
    /** What the file says itself by now, or otherwise: `why`. */
    readonly ceased: readonly (ServerChangeView & { readonly why: string })[];
  };
};

/** A change of the servers at run time. */
export type ServerChangeView = ChangeMark & {
  readonly what: 'added' | 'removed';
  readonly service: string;
  readonly server: string;
  readonly address: string;
};

/** `discard`: the servers changed at run time are those of the file again. */
export type ReloadRequest = { readonly discard: boolean; readonly by: string };

/** `refused`: the file has an error, with which nothing could start; `restarting`: the daemon ends and begins anew. */
export type RestartAnswer = {
  readonly outcome: 'restarting' | 'refused';
  readonly detail: string;
  readonly file: string;
  readonly issues: readonly Issue[];
};

/** The parts of a plan, in the order that they are shown in. `setting`: sysctls and sync daemons of IPVS. */
export const PLAN_PARTS = ['vrrp', 'address', 'setting', 'masquerade', 'ipvs', 'check', 'service', 'other'] as const;

export type PlannedChange = {
  readonly part: (typeof PLAN_PARTS)[number];
  readonly sign: '+' | '~' | '-';
  /** In words. */
  readonly what: string;
  /** Live connections that it ends. Each connection is counted in one change of a plan. */
  readonly breaks: number;
  /** Live connections of a server that gets no new ones from then on, and keeps these until they end or its time does. */
  readonly drains: number;
  /** What it means for the role, a sentence each, where that is known. */
  readonly notes: readonly string[];
  /** Of `ipvs`: the service of the kernel, `tcp 192.0.2.10:80`. */
  readonly service?: string;
  /** Of `ipvs`: its server, where it is about one. */
  readonly server?: string;
  /** Of `address`: the one that is not there any more, and what clients reach by it. */
  readonly address?: string;
};

/** Either what is wrong with the config, or what it would change: part by part, of each in the order it would be done. */
export type PlanAnswer =
  | { readonly issues: readonly Issue[] }
  | { readonly changes: readonly PlannedChange[]; readonly issues?: undefined };

/** `lifetime`: how long the text is on trial. */
export type ApplyRequest = { readonly text: string; readonly lifetime: Duration; readonly by: string };
export type ApplyAnswer = {
  readonly outcome: 'on-trial' | 'refused';
  /** What was changed, or why nothing was. */
  readonly detail: string;
  readonly issues: readonly Issue[];
  readonly trial: Trial | null;
};
/** `text` runs; `before` runs again at `until` (RFC 3339). */
export type Trial = {
  readonly text: string;
  readonly before: string;
  readonly by: string;
  readonly since: string;
  readonly until: string;
};
export type TrialRefusal = {
  /** `not-installed`: the config file does not hold what is on trial. */
  readonly error: 'no-trial' | 'on-trial' | 'not-installed';
  readonly what: string;
  readonly todo: string;
};
export type ConfirmResult<T = Trial> = Result<T, TrialRefusal>;

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
  readonly error:
    | 'no-such-router'
    | 'no-routers'
    | 'no-such-server'
    | 'no-such-service'
    | 'no-services'
    | 'no-answer'
    | 'server-exists'
    | 'already-removed'
    | 'several-servers'
    | 'wrong-server'
    | 'no-such-discovery'
    | 'nothing-held';
  readonly what: string;
  readonly todo: string;
  /** Of `wrong-server`: all that is wrong, in the words of the config file. */
  readonly issues?: readonly Issue[];
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

/** `table`: the keys of a [[service.server]] table, not looked at yet. */
export type AddServerRequest = {
  readonly table: Readonly<Record<string, unknown>>;
  readonly by: string;
  readonly reason: string;
};
/** `server`: by name or by address. */
export type RemoveServerRequest = { readonly server: string; readonly by: string; readonly reason: string };

export type ServerChangeAnswer = {
  readonly service: string;
  readonly server: string;
  readonly address: string;
  /** `put-back`: it was removed at run time. `taken-back`: it was added at run time. */
  readonly done: 'added' | 'removed' | 'put-back' | 'taken-back';
  /** The change that was made, or taken back. */
  readonly change: ServerChangeView;
  /** What the kernel had for it when the request came; `null`: nothing, or the checker process does not answer. */
  readonly connections: Connections | null;
  /** How long its connections may last when it goes, ms. */
  readonly drainTimeout: Duration;
  /** What there is to know, a sentence each. */
  readonly notes: readonly string[];
};
export type ServerChangeResult = Result<ServerChangeAnswer, OrderRefusal>;

/** `discovery`: by name; `null`: every one of the service that holds something back. */
export type AcceptRequest = { readonly discovery: string | null; readonly by: string };
export type AcceptAnswer = {
  readonly service: string;
  /** `removed`: the addresses of servers that go by it. */
  readonly accepted: readonly { readonly discovery: string; readonly removed: readonly string[] }[];
};
export type AcceptResult = Result<AcceptAnswer, OrderRefusal>;

export type Director = {
  /** Settles within a few seconds, whatever a child does. */
  status(): Promise<Status>;
  /** What the checks find, for the other directors; `undefined`: the checker process does not answer. Settles likewise. */
  verdicts(): Promise<Verdicts | undefined>;
  readonly journal: Journal;
  /** How the alert sinks are doing. */
  alerts(): readonly SinkCounts[];
  reload(request: ReloadRequest): Promise<ReloadAnswer>;
  /** Starts the program of the daemon anew, in the same process; the kernel stays as it is. */
  restart(): Promise<RestartAnswer>;
  /** What the given TOML text, or with `null` the file on disk, would change. Changes nothing. */
  plan(text: string | null): Promise<PlanAnswer>;
  /** Runs a text on trial: without `confirm` in time, what runs now runs again. */
  apply(request: ApplyRequest): Promise<ConfirmResult<ApplyAnswer>>;
  /** Keeps what is on trial, which by now stands in the config file. */
  confirm(by: string): Promise<ConfirmResult>;
  /** Goes back to what ran before, at once. */
  rollback(by: string): Promise<ConfirmResult>;
  /** What is on trial. */
  trial(): Trial | null;
  healthy(): Promise<Health>;
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
  /** Adds a server to a service at run time, or puts one back that was removed so. */
  addServer(service: string, request: AddServerRequest): Promise<ServerChangeResult>;
  /** Removes a server from a service at run time; its connections may end. */
  removeServer(service: string, request: RemoveServerRequest): Promise<ServerChangeResult>;
  /** Follows what a discovery holds back, since it would take out too many servers at once. */
  acceptServers(service: string, request: AcceptRequest): Promise<AcceptResult>;
};
