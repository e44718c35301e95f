/**
 * The parameters of a question about events, read from text: for the control API and for the command line, each of which
 * says in its own words what is wrong.
 */

import type { EventKind } from './event.ts';
import { EVENT_KINDS } from './journal.ts';

/** The `seq` of the last event known, or a time; `undefined` for what is neither. */
export function parseSince(text: string): number | Date | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** A count, 0 and up. */
export const parseLimit = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

export const parseKind = (text: string): EventKind | undefined => EVENT_KINDS.find((kind) => kind === text);
