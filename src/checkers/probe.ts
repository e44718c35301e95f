/** What a kind of check gives the checker process: a prober for one server, run once an interval. */

import type { Endpoint, IpAddress } from '../base/address.ts';
import type { Duration } from '../base/time.ts';

export type ProbeTarget = {
  /** Where to connect: the server's address and the port to probe. */
  readonly address: Endpoint;
  /** Own address to probe from; `null`: the kernel chooses. */
  readonly source: IpAddress | null;
};

/**
 * `up`, `down`: what the server showed. `local-error`: the director's own fault (no route, no port, no descriptor); it
 * says nothing about the server and must not condemn it.
 */
export type ProbeOutcome = 'up' | 'down' | 'local-error';

export type ProbeResult = {
  readonly outcome: ProbeOutcome;
  /** In words, with what the server answered: `HTTP 503, expected 200-299`, `connection refused`, `no answer in 1 s`. */
  readonly reason: string;
  readonly took: Duration;
};

export type Prober = {
  /** One probe, always settled within the check's timeout; never rejects. Not called again before it has settled. */
  run(): Promise<ProbeResult>;
  /** Gives up what is under way and what is kept open. `run` in flight then settles at once. */
  close(): void;
};
