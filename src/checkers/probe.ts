/** What a kind of check gives the checker process: a prober for one server, run once an interval. */

import type { Endpoint, IpAddress } from '../base/address.ts';
import type { ProbeResult } from '../health/verdict.ts';

export type { ProbeOutcome, ProbeResult } from '../health/verdict.ts';

export type ProbeTarget = {
  /** Where to connect: the server's address and the port to probe. */
  readonly address: Endpoint;
  /** Own address to probe from; `null`: the kernel chooses. */
  readonly source: IpAddress | null;
};

export type Prober = {
  /** One probe, always settled within the check's timeout; never rejects. Not called again before it has settled. */
  run(): Promise<ProbeResult>;
  /** Gives up what is under way and what is kept open. `run` in flight then settles at once. */
  close(): void;
};
