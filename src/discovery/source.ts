/** What a kind of discovery gives the daemon: something that can be asked which servers there are. */

import type { Family } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { Targets } from '../config/discovered-servers.ts';

/** `again`: how soon the next question makes sense; `null`: as always. */
export type Listed = Targets & { readonly again: Duration | null };
/** The error goes on where `describe` ends: `no answer in 10 s`. */
export type Answer = Result<Listed, string>;

export type Source = {
  /** What is asked, in a few words: `SRV _http._tcp.web.example.net`. */
  readonly what: string;
  /** Settles within its own timeouts, or soon after `signal` is aborted; never rejects. */
  ask(signal: AbortSignal): Promise<Answer>;
  /** From the start of one question to that of the next. */
  readonly interval: Duration;
  /** The same after a failure, twice as long after each further one, at most `interval`. */
  readonly retry: Duration;
  /** Tells of changes that it notices by itself, until it is closed. */
  watch?(changed: () => void): { close(): void };
};

/** What of a service a source has to know. */
export type Wanted = {
  /** The families that its servers can be of. */
  readonly families: readonly Family[];
};
