/**
 * What the supervisor and its children say to each other, over the IPC channel of `child_process.fork` with the
 * `advanced` serialization (so `RegExp` and `Map` arrive whole). Requests carry an id; each is answered once.
 */

import type { Homes } from '../config/active.ts';
import type { IpvsConfig, ServiceConfig, TrackConfig, VrrpConfig } from '../config/config.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type {
  ProbeServiceStatus,
  RouterOrder,
  RouterStatus,
  ServerOrder,
  ServiceStatus,
  SyncStatus,
} from '../control/status.ts';
import type { ServiceVerdicts } from '../control/verdicts.ts';
import type { LiveConnections } from './plan-connections.ts';
import type { RouterRole } from './roles.ts';
import type { ToldService } from './told-services.ts';

/** What the vrrp process is told to run. */
export type VrrpOrders = {
  readonly runDir: string;
  readonly routers: readonly VrrpConfig[];
  /** The operator's orders that are in force, by the router's name. */
  readonly orders: Readonly<Record<string, RouterOrder>>;
  /** The last that is known of the tracked things that the checker process watches. */
  readonly tracked: readonly Tracked[];
};
/** What the checker process is told to run. `virtualAddresses`: never a source of a probe. */
export type CheckerOrders = {
  readonly runDir: string;
  readonly services: readonly ServiceConfig[];
  readonly ipvs: IpvsConfig;
  /** The virtual router that has each address. */
  readonly homes: Homes;
  /** What is known of the roles of virtual routers. */
  readonly roles: readonly RouterRole[];
  /** The operator's orders that are in force, by `serverOrderKey`. */
  readonly serverOrders: Readonly<Record<string, ServerOrder>>;
  readonly virtualAddresses: readonly string[];
  /** Things to watch for virtual routers; each once, interfaces not among them. */
  readonly tracks: readonly TrackConfig[];
  /** The last that was found of them, by this process or one before it. */
  readonly tracked: readonly Tracked[];
};

/** … as it is told so: of services that it has been told of before, only which. */
export type ToldCheckerOrders = Omit<CheckerOrders, 'services'> & { readonly services: readonly ToldService[] };

/** The state of one tracked thing. `key`: `trackKey` of its config. */
export type Tracked = {
  readonly key: string;
  readonly up: boolean;
  /** The number in a file, which its weight is multiplied with; `null` for everything else. */
  readonly factor: number | null;
  readonly reason: string;
  /** When it became so, RFC 3339. */
  readonly since: string;
};

export type ToChild<Orders> =
  | { readonly type: 'configure'; readonly orders: Orders }
  /** To the vrrp process: what the checker process has found. */
  | { readonly type: 'tracked'; readonly tracked: readonly Tracked[] }
  /** To the checker process: the roles of virtual routers, one of which has changed. */
  | { readonly type: 'roles'; readonly roles: readonly RouterRole[] }
  /** End cleanly: hand over, leave or remove what is ours, then exit 0. */
  | { readonly type: 'stop' }
  /** End and leave the kernel as it is, for the process that comes in a moment and goes on; then exit 0. */
  | { readonly type: 'leave' }
  /** Are you there? */
  | { readonly type: 'ping' }
  | { readonly type: 'request'; readonly id: number; readonly what: Question; readonly orders?: Orders };

export type Question = 'status' | 'plan' | 'trouble' | 'verdicts';

export type FromChild =
  /** The first orders are carried out. */
  | { readonly type: 'ready' }
  | { readonly type: 'happening'; readonly happening: Happening }
  /** To a ping. */
  | { readonly type: 'pong' }
  /** From the checker process: tracked things whose state is new or has changed. */
  | { readonly type: 'tracked'; readonly tracked: readonly Tracked[] }
  | { readonly type: 'answer'; readonly id: number; readonly value: Answer };

export type Answer = VrrpAnswer | CheckerAnswer | CheckerTrouble | CheckerVerdicts | Changes | undefined;

export type VrrpAnswer = { readonly routers: readonly RouterStatus[] };
/** Why the IPVS table could not be read the last time; `null` when it could. */
export type CheckerTrouble = {
  readonly trouble: string | null;
  /** What is wrong with the way to the servers, so that failed checks do not count; `null`: they do. */
  readonly cutOff: string | null;
};
export type CheckerAnswer = CheckerTrouble & {
  readonly services: readonly ServiceStatus[];
  readonly sync: SyncStatus | null;
  readonly probeServices: readonly ProbeServiceStatus[];
};
/** What the checks find, for the other directors. */
export type CheckerVerdicts = { readonly services: readonly ServiceVerdicts[] };
/** In the order they would be done. */
export type Changes = { readonly changes: readonly PlannedChange[] };
/** … and what the services of the table carry now. */
export type TableChanges = Changes & { readonly live: LiveConnections };

/** What a child can be asked, and what it answers. */
export type VrrpAnswers = { readonly status: VrrpAnswer; readonly plan: Changes };
export type CheckerAnswers = {
  readonly status: CheckerAnswer;
  readonly trouble: CheckerTrouble;
  readonly verdicts: CheckerVerdicts;
  readonly plan: TableChanges;
};
