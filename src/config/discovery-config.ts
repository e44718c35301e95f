/** [[service.discovery]] as every other part sees it. */

import type { Endpoint } from '../base/address.ts';
import type { Duration } from '../base/time.ts';
import type { Forward, Tunnel } from '../ipvs/table.ts';
import type { Quota } from '../pool/quorum.ts';

/** What every kind of discovery has. */
export type DiscoveryCommon = {
  /** In `status`, events and metrics; its type by default. No other of the service has it. */
  readonly name: string;
  /** Port of a server that is found without one; `null`: that of the service. */
  readonly port: number | null;
  /** Of servers that are found without a weight, 0 to 65535. */
  readonly weight: number;
  /** As of a [[service.server]], of every server that is found. */
  readonly forward: Forward | null;
  readonly tunnel: Tunnel | null;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** How many of the servers in force one answer may take out, a number or a share of them; with more it is held back. */
  readonly maxRemoved: Quota;
  /** So many equal answers in a row let an answer that is held back come true; 0: only an operator's word does. */
  readonly confirmAfter: number;
};

export type DnsDiscoveryConfig = DiscoveryCommon & {
  readonly type: 'dns';
  /** The whole name; a dot at its end changes nothing. */
  readonly query: string;
  /** `address`: A and AAAA, of the families that the service can reach. */
  readonly record: 'address' | 'A' | 'AAAA' | 'SRV';
  /** `null`: those of /etc/resolv.conf. */
  readonly resolvers: readonly Endpoint[] | null;
  /** For the answer of one resolver. */
  readonly timeout: Duration;
  /** The bounds of the time from an answer to the next question. */
  readonly ttlMin: Duration;
  readonly ttlMax: Duration;
};

/** Of kinds whose list has labels. */
export type LabelConfig = {
  readonly weightLabel: string;
  /** `null`: servers are called by their addresses. */
  readonly nameLabel: string | null;
};

export type FileDiscoveryConfig = DiscoveryCommon &
  LabelConfig & {
    readonly type: 'file';
    /** A path, or a pattern (`*`, `?`) for the files of one folder. */
    readonly file: string;
    readonly interval: Duration;
  };

export type HttpDiscoveryConfig = DiscoveryCommon &
  LabelConfig & {
    readonly type: 'http';
    readonly url: string;
    readonly interval: Duration;
    /** For a whole request. */
    readonly timeout: Duration;
    /** File with the certificates to trust; `null`: the system's. */
    readonly ca: string | null;
    readonly bearerTokenFile: string | null;
  };

export type DiscoveryConfig = DnsDiscoveryConfig | FileDiscoveryConfig | HttpDiscoveryConfig;
