/**
 * What the supervisor and its children say to each other, over the IPC channel of `child_process.fork` with the
 * `advanced` serialization (so `RegExp` and `Map` arrive whole). Requests carry an id; each is answered once.
 */

import type { ServiceConfig, VrrpConfig } from '../config/config.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type { RouterStatus, ServiceStatus } from '../control/status.ts';

/** What the vrrp process is told to run. */
export type VrrpOrders = { readonly runDir: string; readonly routers: readonly VrrpConfig[] };
/** What the checker process is told to run. `virtualAddresses`: never a source of a probe. */
export type CheckerOrders = {
  readonly runDir: string;
  readonly services: readonly ServiceConfig[];
  readonly virtualAddresses: readonly string[];
};

export type ToChild<Orders> =
  | { readonly type: 'configure'; readonly orders: Orders }
  /** End cleanly: hand over, leave or remove what is ours, then exit 0. */
  | { readonly type: 'stop' }
  | { readonly type: 'request'; readonly id: number; readonly what: 'status' | 'plan'; readonly orders?: Orders };

export type FromChild =
  /** The first orders are carried out. */
  | { readonly type: 'ready' }
  | { readonly type: 'happening'; readonly happening: Happening }
  | { readonly type: 'answer'; readonly id: number; readonly value: VrrpAnswer | CheckerAnswer | Changes | undefined };

export type VrrpAnswer = { readonly routers: readonly RouterStatus[] };
/** `trouble`: why the IPVS table cannot be read; `null` when it can. */
export type CheckerAnswer = { readonly services: readonly ServiceStatus[]; readonly trouble: string | null };
/** In the order they would be done. */
export type Changes = { readonly changes: readonly PlannedChange[] };

/** What a child can be asked, and what it answers. */
export type VrrpAnswers = { readonly status: VrrpAnswer; readonly plan: Changes };
export type CheckerAnswers = { readonly status: CheckerAnswer; readonly plan: Changes };
