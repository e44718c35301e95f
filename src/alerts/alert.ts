/** What a sink is given, and what it answers. */

import type { AlertTopic } from '../config/config.ts';

/** The kinds of event that make an alert, and the topic (`on` in the config) that each belongs to. */
export const TOPICS = {
  vrrp: 'vrrp',
  'split-brain': 'vrrp',
  conflict: 'vrrp',
  order: 'vrrp',
  server: 'server',
  'server-order': 'server',
  ejection: 'server',
  discovery: 'server',
  quorum: 'quorum',
  panic: 'quorum',
  trial: 'config',
} as const satisfies Readonly<Record<string, AlertTopic>>;
export type AlertKind = keyof typeof TOPICS;

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
  readonly kind: AlertKind;
  /** One line in plain words. */
  readonly summary: string;
  readonly [field: string]: unknown;
};

/** `again`: whether the same alert could do better on another attempt. */
export type Sent = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly again: boolean };

/** One attempt, always settled within the sink's timeout, or soon after `signal` is aborted; never rejects. */
export type Send = (alert: Alert, signal: AbortSignal) => Promise<Sent>;
