/** What `GET /status` answers and `status --json` prints. Durations are milliseconds; times are RFC 3339, UTC. */

import type { DiscoveryConfig } from '../config/discovery-config.ts';
import type { Daemon, DaemonState } from '../ipvs/settings.ts';
import type { Forward, Protocol } from '../ipvs/table.ts';
import type { ServerWord } from '../pool/ordered.ts';
import type { QuorumChange } from '../pool/quorum.ts';
import type { Why } from '../pool/seat.ts';
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
    /** The config that is on trial; `null`: none. */
    readonly trial: TrialStatus | null;
  };
  readonly processes: readonly ProcessStatus[];
  /** Why the kernel's IPVS table cannot be read; `null` when it can, or there is no service. */
  readonly ipvsTrouble: string | null;
  /** What is wrong with the way to the servers, so that failed checks do not count; `null`: they do. */
  readonly cutOff: string | null;
  /** The connection synchronization; `null`: the config has none, or its process does not answer. */
  readonly sync: SyncStatus | null;
  readonly routers: readonly RouterStatus[];
  readonly services: readonly ServiceStatus[];
  /** The other directors whose verdicts are compared with ours. */
  readonly peers: readonly PeerStatus[];
  /** The services that the kernel has for checks through IPVS, and for them alone. */
  readonly probeServices: readonly ProbeServiceStatus[];
};

export type PeerStatus = {
  /** Where it is asked. */
  readonly address: string;
  /** Its name; `null`: it has never answered. */
  readonly director: string | null;
  /** When its last good answer came; `null`: none has come. */
  readonly answered: string | null;
  /** How old that is. */
  readonly age: number | null;
  /** Why its verdicts are too old to be compared; `null`: they are not, or it has only just been asked. */
  readonly trouble: string | null;
};

export type ProbeServiceStatus = {
  readonly fwmark: number;
  /** Of the virtual addresses that it is for. */
  readonly family: 4 | 6;
  /** Address of the one server behind it. */
  readonly server: string;
  readonly forward: Forward;
};

export type TrialStatus = {
  /** `rolled-back`: what ran before it runs, and the file still holds what was tried. */
  readonly state: 'running' | 'rolled-back';
  readonly by: string;
  readonly since: string;
  /** When what ran before runs again by itself. */
  readonly until: string;
};

export type SyncStatus = {
  /** The router that it follows. */
  readonly vrrp: string;
  /** The state that its daemon should have; `null`: the router's role is not known yet. */
  readonly wanted: DaemonState | null;
  /** The daemons that the kernel has. */
  readonly running: readonly Daemon[];
  /** Why it is not as it should be; `null` when it is. */
  readonly trouble: string | null;
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
  /** One [[vrrp]] with addresses of both families is two routers of one name. */
  readonly family: 4 | 6;
  readonly interface: string;
  readonly routerId: number;
  readonly version: 2 | 3;
  readonly state: VrrpState;
  readonly since: string;
  /** Why it is in this state, in words. */
  readonly cause: string;
  /** The effective one, which adverts carry. */
  readonly priority: number;
  /** What it is made of, in the order of the config: `{ what: "configured", delta: 150 }`, `{ what: "interface eth1 is down", delta: -60 }`. */
  readonly priorityParts: readonly { readonly what: string; readonly delta: number }[];
  readonly interval: number;
  /** The interval learned from the master's adverts. */
  readonly masterInterval: number;
  /** The master as this director sees it; `null` when none is known. */
  readonly master: { readonly address: string; readonly priority: number } | null;
  /** The source of our adverts; `null` while there is none. */
  readonly source: string | null;
  readonly transport: 'ip' | 'udp';
  /** Where adverts go: a multicast group, or the unicast peers. */
  readonly destinations: readonly string[];
  /** How adverts are authenticated. */
  readonly auth: 'none' | 'pass' | 'hmac';
  readonly syncGroup: string | null;
  readonly addresses: readonly {
    readonly address: string;
    readonly interface: string;
    readonly present: boolean;
    readonly advertised: boolean;
  }[];
  readonly tracks: readonly TrackStatus[];
  /** What the operator has asked for; `null`: nothing. */
  readonly order: RouterOrder | null;
  /** Another master that is heard while this director is one; `null`: none. */
  readonly rival: {
    readonly address: string;
    readonly priority: number;
    readonly since: string;
    readonly last: string;
  } | null;
  /** The last packet of this VRID that was refused, and why; `null`: none since the start. */
  readonly refused: {
    readonly address: string;
    readonly reason: string;
    readonly detail: string;
    readonly last: string;
    /** Whether it came within the last three intervals. */
    readonly recent: boolean;
  } | null;
  readonly counters: RouterCounters;
};

/** A tracked thing, as a virtual router sees it. */
export type TrackStatus = {
  /** `interface eth1`, `script /usr/local/bin/check`. */
  readonly what: string;
  /** `null`: it has not been looked at yet, and counts as up. */
  readonly up: boolean | null;
  /** What is said of it, `has no carrier`; empty when there is nothing to say. */
  readonly reason: string;
  readonly since: string | null;
  /** `null`: its failure is a fault. */
  readonly weight: number | null;
};

/** What every order of an operator has. */
export type OrderCommon = {
  readonly by: string;
  /** Empty when none was given. */
  readonly reason: string;
  readonly since: string;
  /** When it ends by itself; `null`: when it is taken back. */
  readonly until: string | null;
};
/** An operator's order to a virtual router. */
export type RouterOrder = OrderCommon & { readonly kind: 'promote' | 'demote' };
/** An operator's order for a server of one service. */
export type ServerOrder = OrderCommon & ServerWord;

export type RouterCounters = {
  readonly advertsSent: number;
  readonly advertsReceived: number;
  readonly priorityZeroSent: number;
  readonly priorityZeroReceived: number;
  readonly becameMaster: number;
  /** Times that another master was heard while this director was one. */
  readonly splitBrains: number;
  /** Accepted adverts whose address list is not ours. */
  readonly addressListErrors: number;
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
  /** Full NAT; `null`: servers see the addresses of clients. */
  readonly masquerade: MasqueradeStatus | null;
  readonly scheduler: string;
  /** The virtual router that it follows, while that is not master here and the kernel is not to have it; `null`: it is to. */
  readonly away: string | null;
  /** `needed` and `up` are servers, or their weight. `held`: as it was reported, or presumed, last. */
  readonly quorum: QuorumChange;
  /** Hardly any server is left, and so those that failed get traffic too. */
  readonly panic: boolean;
  readonly servers: readonly ServerStatus[];
  /** Where clients go while the quorum is lost. */
  readonly sorryServers: readonly SorryStatus[];
  /** Servers of the file that the operator has removed at run time. */
  readonly removed: readonly RemovedStatus[];
  /** Servers that have left the config, while their connections are ending. */
  readonly leaving: readonly LeavingStatus[];
  /** Where servers come from besides the file. Of the supervisor, as `removed` is. */
  readonly discovery: readonly DiscoveryStatus[];
};

export type DiscoveryStatus = {
  readonly name: string;
  readonly type: DiscoveryConfig['type'];
  /** What is asked, in words. */
  readonly what: string;
  /** How many servers it has in force, also those that the file has too. */
  readonly servers: number;
  /** When its last good answer came, by which they are in force; `null`: none has come. */
  readonly answered: string | null;
  /** Why the last question had no good answer, and since when that is so; `null`: it had one, or there was none yet. */
  readonly error: string | null;
  readonly errorSince: string | null;
  /** Since the start of the daemon, or a change of its options. */
  readonly questions: number;
  readonly failures: number;
  /** An answer that would take out `removes` of `of` servers; it is followed when it has come `needed` times (0: never). `null`: none. */
  readonly held: {
    readonly removes: number;
    readonly of: number;
    readonly times: number;
    readonly needed: number;
    readonly since: string;
  } | null;
  /** Entries of the last answer that were not heeded, the first of them in words. */
  readonly skipped: { readonly count: number; readonly first: readonly string[] };
};

/** Who has changed the servers at run time, why, and since when (RFC 3339). */
export type ChangeMark = { readonly by: string; readonly reason: string; readonly since: string };

export type RemovedStatus = ChangeMark & { readonly name: string; readonly address: string };

export type MasqueradeStatus = {
  /** The address that servers see; `null`: that of the outgoing interface. */
  readonly address: string | null;
  /** Why it is not as it should be; `null` when it is. */
  readonly trouble: string | null;
};

export type LeavingStatus = {
  readonly address: string;
  readonly connections: Connections;
  /** When it goes at the latest, RFC 3339. */
  readonly until: string;
};

export type SorryStatus = {
  readonly address: string;
  /** What the kernel has; `null` when it is not in the table: then it waits. With weight 0 its connections are ending. */
  readonly weight: number | null;
  readonly connections: Connections | null;
};

/** `persistent`: templates, each of which sends the connections of a known client to the server. */
export type Connections = { readonly active: number; readonly inactive: number; readonly persistent: number };

export type ServerStatus = {
  readonly name: string;
  readonly address: string;
  readonly state: ServerState;
  readonly since: string;
  /** The last probe's reason; empty before the first. */
  readonly reason: string;
  /** What the config gives it while up. */
  readonly configuredWeight: number;
  /** The same, as its checks advise: an agent, a header, slow answers. */
  readonly advisedWeight: number;
  /** What the kernel has; `null` when it is not in the table. */
  readonly weight: number | null;
  /** Why it has the weight that it is to have. `kept` and `panic`: it has failed, and gets traffic all the same. */
  readonly why: Why;
  /** What the kernel has for it; `null` when it is not in the table. */
  readonly connections: Connections | null;
  /** What the operator has asked for; `null`: nothing. */
  readonly order: ServerOrder | null;
  /** Set when the operator has added it at run time; `null`: the file has it. Of the supervisor, as `removed` is. */
  readonly added: ChangeMark | null;
  /** The discovery that has found it; `null`: the file has it, or it was added at run time. Of the supervisor too. */
  readonly discovered: string | null;
  /** Where the verdicts of the directors differ, in words; `null`: they do not, or it is not known. Of the supervisor too. */
  readonly disagreement: string | null;
  /** In the order of the config; empty: it is not checked. */
  readonly checks: readonly CheckStatus[];
};

export type CheckStatus = {
  readonly name: string;
  readonly type: string;
  /** What this check alone says of the server. */
  readonly state: ServerState;
  /** The last probe's; empty before the first. */
  readonly reason: string;
  /** When the last probe ended; `null` before the first. */
  readonly last: string | null;
  /** How long it took, ms. */
  readonly took: number | null;
  readonly probes: number;
  readonly failures: number;
  readonly localErrors: number;
  /** When the certificate expires that the server showed last, RFC 3339; `null`: it showed none. */
  readonly certificateExpires: string | null;
  /** What the check's program printed last; `null`: none did. */
  readonly output: string | null;
};
