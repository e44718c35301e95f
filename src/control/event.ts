/**
 * What happened, as a value: the one type behind the journal, `events`, the logs, the alerts and the metrics.
 * Children make `Happening`s; the supervisor numbers and dates them.
 */

export type VrrpState = 'init' | 'backup' | 'master' | 'fault';
export type ServerState = 'up' | 'down' | 'unknown';

/** Severity as in syslog(3), the three that an operator tells apart. */
export type Severity = 'info' | 'warning' | 'error';

export type Happening =
  /** A virtual router changed state. `cause` in words: what made it, with times. */
  | {
      readonly kind: 'vrrp';
      readonly router: string;
      readonly from: VrrpState;
      readonly to: VrrpState;
      readonly cause: string;
      readonly priority: number;
      readonly addresses: readonly string[];
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
  /** A service gained or lost its quorum. */
  | {
      readonly kind: 'quorum';
      readonly service: string;
      readonly held: boolean;
      readonly up: number;
      readonly needed: number;
    }
  /** A reload was asked for; `refused` lists the file's issues in `detail`. */
  | { readonly kind: 'reload'; readonly outcome: 'applied' | 'unchanged' | 'refused'; readonly detail: string }
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
