/** What `GET /status` answers and `status --json` prints. Durations are milliseconds; times are RFC 3339, UTC. */

import type { Forward, Protocol } from '../ipvs/table.ts';
import type { ServerState, VrrpState } from './event.ts';

export type Status = {
  readonly director: string;
  readonly version: string;
  readonly started: string;
  readonly config: {
    readonly file: string;
    readonly loaded: string;
    /** Why the file on disk is not what runs; `null` when the last reload was good. */
    readonly refused: string | null;
  };
  readonly processes: readonly ProcessStatus[];
  /** Why the kernel's IPVS table cannot be read; `null` when it can, or there is no service. */
  readonly ipvsTrouble: string | null;
  readonly routers: readonly RouterStatus[];
  readonly services: readonly ServiceStatus[];
};

export type ProcessStatus = {
  readonly name: 'supervisor' | 'vrrp' | 'checker';
  readonly pid: number | null;
  readonly state: 'starting' | 'ready' | 'dead' | 'stopping';
  readonly started: string;
  readonly restarts: number;
};

export type RouterStatus = {
  readonly name: string;
  readonly interface: string;
  readonly routerId: number;
  readonly version: 3;
  readonly state: VrrpState;
  readonly since: string;
  /** Why it is in this state, in words. */
  readonly cause: string;
  readonly priority: number;
  readonly interval: number;
  /** The interval learned from the master's adverts. */
  readonly masterInterval: number;
  /** The master as this director sees it; `null` when none is known. */
  readonly master: { readonly address: string; readonly priority: number } | null;
  readonly addresses: readonly { readonly address: string; readonly present: boolean }[];
  readonly counters: RouterCounters;
};

export type RouterCounters = {
  readonly advertsSent: number;
  readonly advertsReceived: number;
  readonly priorityZeroSent: number;
  readonly priorityZeroReceived: number;
  readonly becameMaster: number;
  /** Refused packets by named reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Largest lateness of a timer since the start, ms. */
  readonly worstLateness: number;
};

export type ServiceStatus = {
  readonly name: string;
  readonly address: string;
  readonly protocol: Protocol;
  readonly forward: Forward;
  readonly scheduler: string;
  readonly quorum: { readonly needed: number; readonly up: number; readonly held: boolean };
  readonly servers: readonly ServerStatus[];
};

export type ServerStatus = {
  readonly name: string;
  readonly address: string;
  readonly state: ServerState;
  readonly since: string;
  /** The last probe's reason; empty before the first. */
  readonly reason: string;
  /** What the config gives it while up. */
  readonly configuredWeight: number;
  /** What the kernel has; `null` when it is not in the table. */
  readonly weight: number | null;
  readonly connections: { readonly active: number; readonly inactive: number; readonly persistent: number } | null;
  readonly check: {
    readonly type: string;
    /** When the last probe ended; `null` before the first. */
    readonly last: string | null;
    /** How long it took, ms. */
    readonly took: number | null;
    readonly probes: number;
    readonly failures: number;
    readonly localErrors: number;
  } | null;
};
