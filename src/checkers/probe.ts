/** What a kind of check gives the checker process: a prober for one server, run once an interval. */

import type { Endpoint, IpAddress } from '../base/address.ts';
import type { ProbeResult } from '../health/verdict.ts';
import type { TcpOptions } from '../system/tcp-socket.ts';

export type { Advice, ProbeOutcome, ProbeResult } from '../health/verdict.ts';

export type ProbeTarget = {
  /** Where to connect: the server's address and the port to probe. */
  readonly address: Endpoint;
  /** Own address to probe from; `null`: the kernel chooses. */
  readonly source: IpAddress | null;
  /** Own port to probe from; `null`: any. */
  readonly sourcePort: number | null;
  /** Interface to probe by (SO_BINDTODEVICE); `null`: the one that the route has. */
  readonly device: string | null;
  /** Firewall mark of the probe's packets (SO_MARK); `null`: none. */
  readonly mark: number | null;
  /** The ways through IPVS, when the probe goes there too, or there alone. */
  readonly through?: Through;
};

/** How clients reach the server. */
export type Through = {
  readonly forward: 'dr' | 'tun';
  /** Whether the server is probed directly too. */
  readonly both: boolean;
  /** The virtual addresses that it serves, each with the mark by which IPVS sends a probe there to this server; one or more. */
  readonly targets: readonly ProbeTarget[];
};

/** How the sockets of a probe are to be bound, as `system/` takes it. */
export const reach = (target: ProbeTarget): TcpOptions => ({
  source: target.source ?? undefined,
  sourcePort: target.sourcePort ?? undefined,
  device: target.device ?? undefined,
  mark: target.mark ?? undefined,
});

export type Prober = {
  /** One probe, always settled within the check's timeout; never rejects. Not called again before it has settled. */
  run(): Promise<ProbeResult>;
  /** Gives up what is under way and what is kept open. `run` in flight then settles at once. */
  close(): void;
};
