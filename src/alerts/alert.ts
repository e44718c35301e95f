/** What a sink is given, and what it answers. */

import type { AlertTopic } from '../config/config.ts';

/**
 * One alert: the event's own fields with who saw it and what it says in words. It is the JSON that a webhook receives and
 * an exec sink reads. A sink may get the same alert twice (at-least-once): `director`, `time` and `seq` together name it.
 */
export type Alert = {
  readonly director: string;
  /** Counts from 1 in one run of the daemon. */
  readonly seq: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly kind: AlertTopic;
  /** One line in plain words. */
  readonly summary: string;
  readonly [field: string]: unknown;
};

/** `again`: whether the same alert could do better on another attempt. */
export type Sent = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly again: boolean };

/** One attempt, always settled within the sink's timeout, or soon after `signal` is aborted; never rejects. */
export type Send = (alert: Alert, signal: AbortSignal) => Promise<Sent>;
