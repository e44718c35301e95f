/** From verdicts and config to what the kernel's table should hold of each server of one service. */

import type { Health } from '../health/verdict.ts';

/** What becomes of a failed server: weight 0, so that its connections may end, or removal. */
export type OnFailure = 'quiesce' | 'remove';

/** The weight a server is to have in the table, 0 to 65535, or that it is not to be there. */
export type Place = number | 'absent';

export type Standing = {
  /** The configured weight, given while up. */
  readonly weight: number;
  /** `unchecked`: the service has no check, so the server counts as up. */
  readonly health: Health | 'unchecked';
  /** The weight the kernel gives it now; `null` when it is not in the table. */
  readonly present: number | null;
};

/**
 * The place of one server. One that is not yet known stays as the kernel has it: a restart must not write, and a
 * server must not get traffic before it has shown that it answers.
 */
export function place(onFailure: OnFailure, server: Standing): Place {
  const out: Place = onFailure === 'quiesce' ? 0 : 'absent';
  switch (server.health) {
    case 'up':
    case 'unchecked':
      return server.weight;
    case 'down':
      return out;
    case 'unknown':
      return server.present ?? out;
  }
}

/** The places of all servers of a service, by the caller's keys. */
export const places = <K>(onFailure: OnFailure, servers: ReadonlyMap<K, Standing>): ReadonlyMap<K, Place> =>
  new Map([...servers].map(([key, server]) => [key, place(onFailure, server)]));
