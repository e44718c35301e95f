/**
 * The configuration as every other part sees it: checked, defaulted and frozen. `load.ts` makes it from TOML text;
 * nothing here is optional that has a default.
 */

import type { Endpoint, IpAddress, Prefix } from '../base/address.ts';
import type { Duration } from '../base/time.ts';
import type { PortRange } from '../ipvs/desired.ts';
import type { Masquerade } from '../ipvs/masquerade.ts';
import type { Sysctls } from '../ipvs/sysctls.ts';
import type { Forward, Protocol, Scheduler, ServiceFlag, Tunnel } from '../ipvs/table.ts';
import type { PoolSettings } from '../pool/pool.ts';
import type { Rcode, RecordType } from '../wire/dns.ts';
import type { DiscoveryConfig } from './discovery-config.ts';

export type Config = {
  readonly director: DirectorConfig;
  readonly metrics: MetricsConfig;
  readonly log: LogConfig;
  readonly vrrp: readonly VrrpConfig[];
  readonly ipvs: IpvsConfig;
  readonly services: readonly ServiceConfig[];
  readonly alerts: readonly AlertConfig[];
};

export type DirectorConfig = {
  /** This director's name in alerts, metrics and `status`. Default: the host's name. */
  readonly name: string;
  /** Where runtime state lives: the control socket, what we own in the kernel, the role to resume. Must be a tmpfs. */
  readonly runDir: string;
  /** Where the other directors are asked for their verdicts: each one's `[metrics] listen`. */
  readonly peers: readonly Endpoint[];
};

export type MetricsConfig = {
  /** Where `/metrics`, `/verdicts` and `/healthz` listen; `null` turns them off. */
  readonly listen: Endpoint | null;
};

export type LogConfig = {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  /** `auto`: text on a terminal, one JSON object a line elsewhere. */
  readonly format: 'auto' | 'json' | 'text';
};

/**
 * One [[vrrp]]: addresses that fail over together. With addresses of both families it is two virtual routers (RFC 9568,
 * 1.1), one a family, that always have the same state.
 */
export type VrrpConfig = {
  readonly name: string;
  /** The interface adverts are sent on and addresses are added to. */
  readonly interface: string;
  /** VRID, 1 to 255 (RFC 9568, 5.2.3). */
  readonly routerId: number;
  /** 2 (RFC 3768, IPv4 only) or 3 (RFC 9568). */
  readonly version: 2 | 3;
  /** 1 to 254, or 255 for the owner of the addresses (RFC 9568, 5.2.4). */
  readonly priority: number;
  /** Advertisement interval: version 3, 10 ms to 40.95 s in steps of 10 ms (RFC 9568, 5.2.7); version 2, 1 to 255 whole seconds. */
  readonly interval: Duration;
  /** Adverts that may be missed before the master counts as dead, 1 to 100. RFC 9568 says 3. */
  readonly downCount: number;
  readonly addresses: readonly VirtualAddress[];
  readonly preempt: boolean;
  /** How long to wait, from start, before taking over from a lower priority. */
  readonly preemptDelay: Duration;
  /** The form of checksum sent; both are accepted. `pseudo-header` is keepalived's, `message` that of RFC 9568, 5.2.8. */
  readonly checksum: 'pseudo-header' | 'message';
  /** Source addresses of adverts, at most one a family; without one of a family: the interface's first own address. */
  readonly source: readonly IpAddress[];
  /** `ip`: protocol 112. `udp`: the same adverts in UDP, for networks that drop protocol 112; always authenticated. */
  readonly transport: 'ip' | 'udp';
  /** UDP port, of ours and of the peers. */
  readonly port: number;
  /** Multicast groups, at most one a family; without one of a family: 224.0.0.18, ff02::12. */
  readonly multicastGroup: readonly IpAddress[];
  /** Not empty: adverts go to these alone, and are accepted from these alone. */
  readonly peers: readonly PeerConfig[];
  /** `null`: adverts are neither signed nor checked. */
  readonly auth: AuthConfig | null;
  /** Routers with the same word here change state together; `null`: alone. */
  readonly syncGroup: string | null;
  readonly track: readonly TrackConfig[];
  /** How many gratuitous ARPs (or neighbour advertisements) in one burst; one burst on becoming master and one `announceDelay` later. */
  readonly announceCount: number;
  readonly announceDelay: Duration;
  /** While master, one announcement of each address so often; 0: never. */
  readonly announceRefresh: Duration;
  /** Announcements a second at most, after the first of each address. */
  readonly announceRate: number;
  /** Whether to ask, before the addresses are first claimed, if somebody has them who does not speak VRRP. */
  readonly probe: boolean;
  /** Whether the addresses are on a macvlan with the virtual router's MAC, 00:00:5e:00:01:VRID or 00:00:5e:00:02:VRID (RFC 9568, 7.3). */
  readonly virtualMac: boolean;
  /** There while master. */
  readonly routes: readonly RouteConfig[];
  readonly rules: readonly RuleConfig[];
  /**
   * Whether the addresses stay when every process of lvskeeper on the master has been killed. `false`: the kernel drops
   * them by itself soon after the peer has taken over, so that no address is on two machines.
   */
  readonly linger: boolean;
};

export type VirtualAddress = {
  readonly address: Prefix;
  /** `null`: the router's. */
  readonly interface: string | null;
  readonly scope: 'global' | 'link' | 'host';
  /** As ifconfig(8) shows it, `eth0:web`; IPv4 only. */
  readonly label: string | null;
  /** The other end of a point-to-point address. */
  readonly peer: IpAddress | null;
  /** Whether adverts list it. One that is not listed fails over all the same ("excluded" in keepalived). */
  readonly advertise: boolean;
};

/** A unicast peer. An advert with a TTL outside `minTtl` to `maxTtl` is refused. */
export type PeerConfig = { readonly address: IpAddress; readonly minTtl: number; readonly maxTtl: number };

/** RFC 2338's simple text password: for old peers, and no protection against anybody who can read the wire. */
export type PassAuthConfig = {
  readonly type: 'pass';
  /** File with the password, 1 to 8 bytes, readable by root alone. */
  readonly file: string;
};
/** keepalived's `auth_hmac`: HMAC-SHA256, cut to 16 bytes, in a trailer of each advert. */
export type HmacAuthConfig = {
  readonly type: 'hmac';
  /** Accepted are all; the first signs, unless `active` names another. */
  readonly keys: readonly HmacKeyConfig[];
  readonly active: number | null;
  /** `receive-only`: sign nothing; `permissive`: sign, and accept what is not signed; `enforce`: sign, and refuse what is not. What is signed is checked always. */
  readonly mode: 'receive-only' | 'permissive' | 'enforce';
  /** `time`: an advert's date must be near ours; `monotonic`: it must only grow. */
  readonly replay: 'time' | 'monotonic';
  /** How far dates may be apart, whole seconds; `null`: three intervals, at least 5 s. */
  readonly window: Duration | null;
};
export type AuthConfig = PassAuthConfig | HmacAuthConfig;
export type HmacKeyConfig = {
  /** 1 to 255, as it stands in the trailer. */
  readonly id: number;
  /** File with the key, in hexadecimal or raw, readable by root alone. */
  readonly file: string;
};

/** What every tracked thing has. */
export type TrackCommon = {
  /** Added to the priority while the thing fails (negative) or while it is well (positive), -253 to 253; `null`: its failure is a fault, the router gives up. */
  readonly weight: number | null;
};
/** Up when the interface is, and has `address` where that is given. */
export type InterfaceTrack = TrackCommon & {
  readonly type: 'interface';
  readonly interface: string;
  readonly address: IpAddress | null;
};
/** Up when the program exits with 0. */
export type ScriptTrack = TrackCommon & {
  readonly type: 'script';
  /** Argument vector, no shell. */
  readonly script: readonly string[];
  readonly interval: Duration;
  readonly timeout: Duration;
  readonly rise: number;
  readonly fall: number;
  /** Whose rights it runs with. */
  readonly user: string;
};
/** The whole number in a file, times `weight`, is added to the priority; without `weight` any number but 0 is a fault. */
export type FileTrack = TrackCommon & { readonly type: 'file'; readonly file: string };
/** Up when at least `count` processes of that name run. */
export type ProcessTrack = TrackCommon & {
  readonly type: 'process';
  /** The name of the program, as in /proc/PID/comm or the last part of its argument 0. */
  readonly process: string;
  readonly count: number;
  /** How long it may be gone before that counts. */
  readonly delay: Duration;
};
/** Up while our own checker says that the service has its quorum. */
export type ServiceTrack = TrackCommon & { readonly type: 'service'; readonly service: string };
/** Up while the gateway answers ARP, or neighbour solicitations. */
export type GatewayTrack = TrackCommon & {
  readonly type: 'gateway';
  /** `default`: that of the default route, of IPv4 unless there is none. */
  readonly gateway: IpAddress | 'default';
  readonly interval: Duration;
  readonly timeout: Duration;
  readonly rise: number;
  readonly fall: number;
};
export type TrackConfig = InterfaceTrack | ScriptTrack | FileTrack | ProcessTrack | ServiceTrack | GatewayTrack;

/** As `ip route add` has them. */
export type RouteConfig = {
  readonly to: Prefix;
  readonly via: IpAddress | null;
  /** `null`: the router's. */
  readonly interface: string | null;
  /** Preferred source address. */
  readonly source: IpAddress | null;
  /** 1 to 4294967295; 254 is `main`. */
  readonly table: number;
  readonly metric: number | null;
};
/** As `ip rule add` has them. At least one of `from`, `to`, `fwmark` and `interface` is there. */
export type RuleConfig = {
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  readonly fwmark: number | null;
  /** By which a packet came in. */
  readonly interface: string | null;
  readonly table: number;
  readonly priority: number;
};

/** What becomes of the servers of a service, taken together. */
export type PoolConfig = PoolSettings & {
  /** Argument vectors, no shell; `null`: nothing is run. */
  readonly quorumUp: readonly string[] | null;
  readonly quorumDown: readonly string[] | null;
  /** Whose rights they run with. */
  readonly quorumUser: string;
  /** Where clients go while the quorum is lost; port 0: that of the service. */
  readonly sorryServers: readonly Endpoint[];
};

/** What of IPVS belongs to no service. `null`: left as it is. */
export type IpvsConfig = {
  /** What becomes of the services in the kernel when the daemon is stopped: they stay, or all of ours go. */
  readonly onStop: 'keep' | 'remove';
  /** 1 to 4294901760: of the 65,536 marks from it on those of probes through IPVS are taken. */
  readonly firstProbeMark: number;
  /** Whole seconds without a packet after which a connection is forgotten. */
  readonly timeoutTcp: Duration | null;
  readonly timeoutTcpFin: Duration | null;
  readonly timeoutUdp: Duration | null;
  readonly sysctl: Sysctls;
  /** `null`: no connection synchronization. */
  readonly sync: SyncConfig | null;
};

/** The kernel's connection synchronization. */
export type SyncConfig = {
  /** The router that it follows: its daemon sends while that one is master here, and receives otherwise. */
  readonly vrrp: string;
  readonly interface: string;
  /** 0 to 255; the same on directors that exchange their connections. */
  readonly id: number;
  /** Multicast. */
  readonly group: IpAddress;
  /** UDP port, the first of several where there are several threads. */
  readonly port: number;
  readonly ttl: number;
  /** Bytes of payload of a datagram, 1024 to 65487; `null`: the kernel's choice. */
  readonly maxLength: number | null;
};

export type ServiceConfig = PoolConfig & {
  readonly name: string;
  /** `master`: in the kernel only while the router is master here. Its servers are probed all the same. */
  readonly active: 'always' | 'master';
  /** The router of `active`, by its name; `null`: the one whose address the service has. */
  readonly vrrp: string | null;
  /** What clients use: here or in `fwmarks` there is at least one. All of them are one service with one set of servers. */
  readonly addresses: readonly PortRange[];
  /** Marks that netfilter gives to packets, 1 to 4294967295. */
  readonly fwmarks: readonly number[];
  /** Of the marked packets; `null`: that of the first server. */
  readonly fwmarkFamily: 'ipv4' | 'ipv6' | null;
  readonly protocol: Protocol;
  readonly forward: Forward;
  /** Of `tun`; `null`: IP in IP. */
  readonly tunnel: Tunnel | null;
  /** Of `nat`: whether servers see an address of the director, that of the interface or this one. */
  readonly masquerade: Masquerade;
  readonly scheduler: Scheduler;
  /** Flags of the scheduler. */
  readonly flags: readonly ServiceFlag[];
  /** One-packet scheduling, of UDP: no connection is kept. */
  readonly ops: boolean;
  /** Whole seconds that a client keeps its server; `null`: no persistence. */
  readonly persistence: Duration | null;
  /** Prefix lengths: clients that share so many bits of their address keep one server. */
  readonly persistenceGranularity: number;
  readonly persistenceGranularityIpv6: number;
  /** By what a client is known; `null`: its address. */
  readonly persistenceEngine: 'sip' | null;
  /** How long a server that has left the config may keep its connections; 0: not at all. */
  readonly drainTimeout: Duration;
  /** How each server is probed, each by a name of its own; empty: not at all, every server counts as up. */
  readonly checks: readonly CheckConfig[];
  /** How many of its checks a server must pass. */
  readonly checksNeeded: ChecksNeeded;
  /** Where servers come from besides. */
  readonly discovery: readonly DiscoveryConfig[];
  /** Those of the file; with discovery there may be none. */
  readonly servers: readonly ServerConfig[];
};

export type ServerConfig = {
  readonly name: string;
  /** Port 0: that of the service. */
  readonly address: Endpoint;
  /** IPVS weight while up, 0 to 65535. */
  readonly weight: number;
  /** `null`: as the service says. */
  readonly forward: Forward | null;
  readonly tunnel: Tunnel | null;
  /** Connections at which it gets no new ones, until it has fewer than the lower one; 0: no threshold. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
};

/** What every kind of check has. */
export type CheckCommon = {
  /** In `status` and metrics; its type by default. */
  readonly name: string;
  /** Between the starts of two probes while the verdict stands. */
  readonly interval: Duration;
  /** The same while the last answers speak against the verdict, and while the server is down; `null`: as `interval`. */
  readonly fastInterval: Duration | null;
  readonly downInterval: Duration | null;
  /** The least of these while this director is backup for the service; `null`: as while it is master. */
  readonly backupInterval: Duration | null;
  /** Each probe starts later by chance, by at most this share of the interval, percent. */
  readonly jitter: number;
  /** From the start of a probe to its answer, all phases together. */
  readonly timeout: Duration;
  /** Good answers in a row that bring a failed server back. */
  readonly rise: number;
  /** Bad answers in a row that fail a server. */
  readonly fall: number;
  /** Each further fall within this time doubles `rise`, up to sixteen times; 0: never. */
  readonly flapWindow: Duration;
  /** Answers that take longer lower the weight in proportion; `null`: the weight does not depend on them. */
  readonly latencyTarget: Duration | null;
  /** The way of its probes; `null`: as the server is forwarded (`viaOf`). */
  readonly via: Via | null;
  /** Port probed; `null`: the server's own. */
  readonly port: number | null;
  /** Source address of the probe; `null`: the director's own address towards the server, never a VIP. */
  readonly source: IpAddress | null;
  /** Source port of the probe; `null`: any. */
  readonly sourcePort: number | null;
  /** Interface that the probe is bound to; `null`: none. */
  readonly device: string | null;
};

export type ChecksNeeded = 'all' | 'any';

/** The way of a check to a server: straight, through IPVS to the addresses of the service as clients come, or both. */
export type Via = 'direct' | 'datapath' | 'both';

/** Of checks that open a connection: the time of a phase; `null`: no limit but `timeout`. */
export type ConnectLimit = { readonly connectTimeout: Duration | null };
export type PhaseLimits = ConnectLimit & { readonly tlsTimeout: Duration | null };

/** Of checks that can speak TLS. */
export type TlsConfig = {
  /** TLS server name; `null`: that of the check's `host`, or none. */
  readonly sni: string | null;
  readonly verify: boolean;
  /** File with the certificates to trust; `null`: the system's. */
  readonly ca: string | null;
  /** Files with the certificate that the probe shows, and its key; `null`, both: none. */
  readonly certificate: string | null;
  readonly key: string | null;
  /** How long before the server's certificate expires `status` warns; 0: never. */
  readonly expiryWarning: Duration;
};

export type TcpCheckConfig = CheckCommon &
  PhaseLimits &
  TlsConfig & {
    readonly type: 'tcp';
    readonly tls: boolean;
    /** In order, on one connection; empty: that it opens is the answer. */
    readonly steps: readonly TcpStep[];
  };

/** First it sends, then it expects; at least one of the two. */
export type TcpStep = {
  /** Text, in UTF-8, or hexadecimal digits; at most one of them. */
  readonly send: string | null;
  readonly sendHex: string | null;
  /** What the server's bytes are to match, each taken as one character; `^` and `$` are those of a line. */
  readonly expect: RegExp | null;
  /** What must not come up to the end of what `expect` matches. */
  readonly expectNot: RegExp | null;
};

export type SmtpCheckConfig = CheckCommon &
  PhaseLimits &
  TlsConfig & {
    readonly type: 'smtp';
    /** TLS from the start of the connection, or by STARTTLS (RFC 3207); at most one of them. */
    readonly tls: boolean;
    readonly starttls: boolean;
    /** Name told in EHLO (RFC 5321, 4.1.1.1). */
    readonly heloName: string;
  };

export type HttpCheckConfig = CheckCommon &
  PhaseLimits &
  TlsConfig & {
    readonly type: 'http' | 'https';
    readonly version: '1.1' | '2';
    /** Asked in order, each with the same request; at least one. */
    readonly paths: readonly string[];
    readonly method: string;
    /** Host header (and SNI by default); `null`: the server's address. */
    readonly host: string | null;
    /** Header fields of the request besides those of the check itself; they come before `User-Agent` and `Accept` of ours. */
    readonly headers: Readonly<Record<string, string>>;
    readonly requestBody: string | null;
    /** Whether the connection is kept for the next probe. */
    readonly keepAlive: boolean;
    /** Accepted status codes, as closed ranges. */
    readonly status: readonly { readonly from: number; readonly to: number }[];
    /** The body of the answer must match; `null`: any body. */
    readonly body: RegExp | null;
    /** The body of the answer must not match. */
    readonly bodyAbsent: RegExp | null;
    /** What the body, as JSON, has where these JSON pointers point. */
    readonly json: Readonly<Record<string, string | number | boolean>>;
    /** Bytes of the body that are read, 1 to 1,048,576. */
    readonly maxBody: number;
    /** Where the answer has the weight of the server: a header's name, a JSON pointer; at most one of them. */
    readonly weightHeader: string | null;
    readonly weightJson: string | null;
  };

/** The health service of gRPC: grpc.health.v1. */
export type GrpcCheckConfig = CheckCommon &
  PhaseLimits &
  TlsConfig & {
    readonly type: 'grpc';
    readonly tls: boolean;
    /** Name of the service that is asked for; empty: the server as a whole. */
    readonly service: string;
    /** `:authority` (and SNI by default); `null`: the server's address. */
    readonly host: string | null;
  };

export type DnsCheckConfig = CheckCommon & {
  readonly type: 'dns';
  /** The name asked for, as `parseName` of wire/dns.ts gives it. */
  readonly query: string;
  readonly queryType: RecordType;
  readonly transport: 'udp' | 'tcp';
  readonly recursion: boolean;
  /** Codes that the answer may have, at least one. */
  readonly rcodes: readonly Rcode[];
  /** Records that must be among the answers, as they were written; `null`: whatever is answered. */
  readonly answers: readonly string[] | null;
};

export type UdpCheckConfig = CheckCommon & {
  readonly type: 'udp';
  /** Text, in UTF-8, or hexadecimal digits; at most one of them. Neither: an empty datagram. */
  readonly send: string | null;
  readonly sendHex: string | null;
  /** What a datagram of the server is to match, each byte one character, and the bytes that it is to begin with. */
  readonly expect: RegExp | null;
  readonly expectHex: string | null;
  /** Without either of these: how long an ICMP message is waited for. */
  readonly wait: Duration;
};

/** Its port and source port say nothing. */
export type PingCheckConfig = CheckCommon & {
  readonly type: 'ping';
  /** Echo requests of a probe, 1 or more, and the time between two of them. */
  readonly count: number;
  readonly spacing: Duration;
  /** Of these may stay without an answer, percent, 0 to 99. */
  readonly maxLoss: number;
  /** Bytes of data in each. */
  readonly size: number;
};

/** Runs a program: 0 is up. */
export type ExecCheckConfig = CheckCommon & {
  readonly type: 'exec';
  /** Argument vector, no shell. */
  readonly command: readonly string[];
  /** Whose rights it runs with. */
  readonly user: string;
  /** Whether exit codes of 2 and more are up too, with a weight of 2 less. */
  readonly weightFromExit: boolean;
};

/** Reads a line in HAProxy's grammar from an agent at `port`, which is never `null`. */
export type AgentCheckConfig = CheckCommon &
  ConnectLimit & {
    readonly type: 'agent';
    /** Sent to the agent first; `null`: nothing. */
    readonly send: string | null;
    /** What a server counts as whose agent does not answer. */
    readonly absent: 'up' | 'down';
  };

/** Reads the same line from a file on this machine. */
export type FileCheckConfig = CheckCommon & {
  readonly type: 'file';
  /** With `{address}` and `{port}` for those of the server. */
  readonly file: string;
  /** What a server counts as whose file is not there. */
  readonly absent: 'up' | 'down';
};

export type CheckConfig =
  | DnsCheckConfig
  | UdpCheckConfig
  | PingCheckConfig
  | TcpCheckConfig
  | SmtpCheckConfig
  | HttpCheckConfig
  | GrpcCheckConfig
  | ExecCheckConfig
  | AgentCheckConfig
  | FileCheckConfig;

/** What an alert can be about: a change of VRRP state, a server up or down, a service's quorum. */
export const ALERT_TOPICS = ['vrrp', 'server', 'quorum', 'config'] as const;
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
