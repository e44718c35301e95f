/**
 * The configuration as every other part sees it: checked, defaulted and frozen. `load.ts` makes it from TOML text;
 * nothing here is optional that has a default.
 */

import type { Endpoint, IpAddress, Prefix } from '../base/address.ts';
import type { Duration } from '../base/time.ts';
import type { Forward, Protocol, Scheduler } from '../ipvs/table.ts';

export type Config = {
  readonly director: DirectorConfig;
  readonly metrics: MetricsConfig;
  readonly log: LogConfig;
  readonly vrrp: readonly VrrpConfig[];
  readonly services: readonly ServiceConfig[];
  readonly alerts: readonly AlertConfig[];
};

export type DirectorConfig = {
  /** This director's name in alerts, metrics and `status`. Default: the host's name. */
  readonly name: string;
  /** Where runtime state lives: the control socket, what we own in the kernel, the role to resume. Must be a tmpfs. */
  readonly runDir: string;
};

export type MetricsConfig = {
  /** Where `/metrics` and `/healthz` listen; `null` turns them off. */
  readonly listen: Endpoint | null;
};

export type LogConfig = {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  /** `auto`: text on a terminal, one JSON object a line elsewhere. */
  readonly format: 'auto' | 'json' | 'text';
};

export type VrrpConfig = {
  readonly name: string;
  /** The interface adverts are sent on and addresses are added to. */
  readonly interface: string;
  /** VRID, 1 to 255 (RFC 9568, 5.2.3). */
  readonly routerId: number;
  readonly version: 3;
  /** 1 to 254, or 255 for the owner of the addresses (RFC 9568, 5.2.4). */
  readonly priority: number;
  /** Advertisement interval, 10 ms to 40.95 s in steps of 10 ms (RFC 9568, 5.2.7). */
  readonly interval: Duration;
  readonly addresses: readonly Prefix[];
  readonly preempt: boolean;
  /** How long to wait, from start, before taking over from a lower priority. */
  readonly preemptDelay: Duration;
  /** The form of checksum sent; both are accepted. `pseudo-header` is keepalived's, `message` that of RFC 9568, 5.2.8. */
  readonly checksum: 'pseudo-header' | 'message';
  /** Source address of adverts; `null`: the interface's first own address. */
  readonly source: IpAddress | null;
  /** How many gratuitous ARPs in one burst; one burst on becoming master and one `announceDelay` later. */
  readonly announceCount: number;
  readonly announceDelay: Duration;
  /**
   * Whether the addresses stay when every process of lvskeeper on the master has been killed. `false`: the kernel drops
   * them by itself soon after the peer has taken over, so that no address is on two machines.
   */
  readonly linger: boolean;
};

export type ServiceConfig = {
  readonly name: string;
  readonly address: Endpoint;
  readonly protocol: Protocol;
  readonly forward: Forward;
  readonly scheduler: Scheduler;
  /** Whole seconds that a client keeps its server; `null`: no persistence. */
  readonly persistence: Duration | null;
  /** The service has quorum while at least this many servers are up. */
  readonly quorum: number;
  /** What becomes of a failed server: weight 0, so that its connections may end, or removal. */
  readonly onFailure: 'quiesce' | 'remove';
  /** How each server is probed; `null`: not at all, every server counts as up. */
  readonly check: CheckConfig | null;
  readonly servers: readonly ServerConfig[];
};

export type ServerConfig = {
  readonly name: string;
  readonly address: Endpoint;
  /** IPVS weight while up, 0 to 65535. */
  readonly weight: number;
};

/** What every kind of check has. */
export type CheckCommon = {
  readonly interval: Duration;
  /** From the start of a probe to its answer, all phases together. */
  readonly timeout: Duration;
  /** Good answers in a row that bring a failed server back. */
  readonly rise: number;
  /** Bad answers in a row that fail a server. */
  readonly fall: number;
  /** Port probed; `null`: the server's own. */
  readonly port: number | null;
  /** Source address of the probe; `null`: the director's own address towards the server, never a VIP. */
  readonly source: IpAddress | null;
};

export type TcpCheckConfig = CheckCommon & { readonly type: 'tcp' };

export type HttpCheckConfig = CheckCommon & {
  readonly type: 'http' | 'https';
  readonly path: string;
  readonly method: string;
  /** Host header (and SNI by default); `null`: the server's address. */
  readonly host: string | null;
  /** Accepted status codes, as closed ranges. */
  readonly status: readonly { readonly from: number; readonly to: number }[];
  /** The body must match; `null`: any body. */
  readonly body: RegExp | null;
  /** TLS server name; `null`: `host`, or none when `host` is an address. */
  readonly sni: string | null;
  readonly verify: boolean;
  /** File with the certificates to trust; `null`: the system's. */
  readonly ca: string | null;
};

export type CheckConfig = TcpCheckConfig | HttpCheckConfig;

/** What an alert can be about: a change of VRRP state, a server up or down, a service's quorum. */
export const ALERT_TOPICS = ['vrrp', 'server', 'quorum'] as const;
export type AlertTopic = (typeof ALERT_TOPICS)[number];

export type AlertCommon = {
  readonly name: string;
  readonly on: readonly AlertTopic[];
  readonly timeout: Duration;
  /** Attempts for one alert before it is given up, with back-off between them. */
  readonly attempts: number;
};
export type WebhookAlertConfig = AlertCommon & {
  readonly type: 'webhook';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
};
export type ExecAlertConfig = AlertCommon & { readonly type: 'exec'; readonly command: readonly string[] };
export type AlertConfig = WebhookAlertConfig | ExecAlertConfig;

/** One thing wrong with a config file, where it is, and what to do. */
export type Issue = {
  readonly severity: 'error' | 'warning';
  /** 1-based; 0 when the issue belongs to no place in the file. */
  readonly line: number;
  readonly column: number;
  /** What is wrong and what was expected, one sentence. */
  readonly message: string;
};
