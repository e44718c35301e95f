/**
 * What happened, as a value: the one type behind the journal, `events`, the logs, the alerts and the metrics.
 * Children make `Happening`s; the supervisor numbers and dates them.
 */

import type { ServerWord } from '../pool/ordered.ts';
import type { QuorumBy } from '../pool/quorum.ts';

export type VrrpState = 'init' | 'backup' | 'master' | 'fault';
export type ServerState = 'up' | 'down' | 'unknown';

/** Severity as in syslog(3), the three that an operator tells apart. */
export type Severity = 'info' | 'warning' | 'error';

/** What became of a change to the servers at run time, after it was made. `ceased`: the file says so by now, or otherwise. */
export type ServerChangeEnd = 'taken-back' | 'discarded' | 'ceased';

export type DiscoveryWhat = 'found' | 'lost' | 'skipped' | 'error' | 'recovered' | 'held' | 'followed';

export type Happening =
  /** A virtual router changed state. `cause` in words: what made it, with times. */
  | {
      readonly kind: 'vrrp';
      readonly router: string;
      readonly family: 4 | 6;
      readonly from: VrrpState;
      readonly to: VrrpState;
      readonly cause: string;
      readonly priority: number;
      readonly addresses: readonly string[];
    }
  /** Two directors were master of one router at a time, or are no longer. `peer`: the other's address. `lasted` in ms. */
  | {
      readonly kind: 'split-brain';
      readonly router: string;
      readonly family: 4 | 6;
      readonly what: 'begun' | 'ended';
      readonly peer: string;
      readonly priority: number;
      readonly lasted: number;
    }
  /** Somebody who does not speak VRRP has an address of ours. */
  | {
      readonly kind: 'conflict';
      readonly router: string;
      readonly address: string;
      readonly interface: string;
      readonly mac: string;
    }
  /** A tracked thing failed or came back. `what`: `interface eth1`; `reason` in words. */
  | { readonly kind: 'track'; readonly what: string; readonly up: boolean; readonly reason: string }
  /** The operator's word to a virtual router, or its end. */
  | {
      readonly kind: 'order';
      readonly router: string;
      readonly order: 'promote' | 'demote';
      readonly what: 'given' | 'ended';
      readonly by: string;
      /** Why it was given, or why it ended. */
      readonly reason: string;
      /** RFC 3339; `null`: until it is taken back. */
      readonly until: string | null;
    }
  /** The operator's word for a server, or its end. `weight`: of the order `weight`. */
  | {
      readonly kind: 'server-order';
      readonly service: string;
      readonly server: string;
      readonly address: string;
      readonly order: ServerWord['kind'];
      readonly weight: number | null;
      readonly what: 'given' | 'ended';
      readonly by: string;
      /** Why it was given, or why it ended. */
      readonly reason: string;
      /** RFC 3339; `null`: until it is taken back. */
      readonly until: string | null;
    }
  /** The operator added a server at run time, or removed one of the file; or that is no longer so. `reason`: of what it says. */
  | {
      readonly kind: 'server-change';
      readonly service: string;
      readonly server: string;
      readonly address: string;
      readonly change: 'added' | 'removed';
      readonly what: 'made' | ServerChangeEnd;
      /** Who made it, took it back or discarded it. */
      readonly by: string;
      readonly reason: string;
    }
  /**
   * What a discovery of a service has come to. `held`: its answer would take out too many servers; `followed`: what was
   * held back is so no longer. `servers`: the first of those it is about, `count`: all of them.
   */
  | {
      readonly kind: 'discovery';
      readonly service: string;
      /** Its name. */
      readonly discovery: string;
      readonly what: DiscoveryWhat;
      readonly servers: readonly string[];
      readonly count: number;
      /** In words; empty where there is nothing to add. */
      readonly reason: string;
    }
  /** A server's verdict changed. `reason` is the last probe's. */
  | {
      readonly kind: 'server';
      readonly service: string;
      readonly server: string;
      readonly address: string;
      readonly from: ServerState;
      readonly to: 'up' | 'down';
      readonly reason: string;
    }
  /** A service gained or lost its quorum. `up` and `needed` are servers, or their weight. */
  | {
      readonly kind: 'quorum';
      readonly service: string;
      readonly held: boolean;
      readonly up: number;
      readonly needed: number;
      readonly by: QuorumBy;
    }
  /** So few servers are up that those that failed get traffic too, or no longer so few. `threshold` in percent. */
  | {
      readonly kind: 'panic';
      readonly service: string;
      readonly begun: boolean;
      readonly up: number;
      readonly servers: number;
      readonly threshold: number;
    }
  /** A failed server stays in, since `out` of `servers` are out and no more may be; or it is taken out after all. */
  | {
      readonly kind: 'ejection';
      readonly service: string;
      readonly server: string;
      readonly address: string;
      readonly ejected: boolean;
      readonly out: number;
      readonly servers: number;
    }
  /** A reload was asked for; `refused` lists the file's issues in `detail`. */
  | { readonly kind: 'reload'; readonly outcome: 'applied' | 'unchanged' | 'refused'; readonly detail: string }
  /** A config is on trial, goes on to be after a restart, was confirmed, or what ran before runs again. `reason`: why. */
  | {
      readonly kind: 'trial';
      readonly what: 'begun' | 'resumed' | 'confirmed' | 'rolled-back';
      readonly by: string;
      readonly reason: string;
      /** The end of the trial, RFC 3339. */
      readonly until: string;
    }
  /** One of our processes started, was ready, died, or is being started again. */
  | {
      readonly kind: 'process';
      readonly process: 'supervisor' | 'vrrp' | 'checker';
      readonly what: 'started' | 'ready' | 'died' | 'stopping';
      readonly detail: string;
    }
  /** The kernel differed from what we had made of it, and was mended: an address or a table entry changed by somebody. */
  | { readonly kind: 'drift'; readonly object: string; readonly detail: string }
  /** Something was refused or failed that an operator should know of. `what` is short and constant, `detail` is not. */
  | {
      readonly kind: 'trouble';
      readonly severity: 'warning' | 'error';
      readonly what: string;
      readonly detail: string;
    };

export type Event = {
  /** Counts from 1 in one run of the supervisor. */
  readonly seq: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string;
} & Happening;

export type EventKind = Happening['kind'];
