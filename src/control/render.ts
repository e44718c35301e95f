/** Events in plain words: one line each, the same in the log, in `events` and in an alert's summary. */

import type { Alert } from '../alerts/alert.ts';
import { printable } from '../base/printable.ts';
import type { Event, Happening, Severity } from './event.ts';

/** One line without control characters: `edge: BACKUP → MASTER: no advert from 10.0.0.2 for 3.21 s`. */
export const describe = (happening: Happening): string => printable(words(happening));

function words(h: Happening): string {
  switch (h.kind) {
    case 'vrrp':
      return `${h.router}: ${h.from.toUpperCase()} → ${h.to.toUpperCase()}: ${h.cause}`;
    case 'server': {
      const server = h.server === h.address ? h.address : `${h.server} (${h.address})`;
      return `${h.service}: server ${server} ${h.from} → ${h.to}: ${h.reason}`;
    }
    case 'quorum':
      return `${h.service}: quorum ${h.held ? 'held' : 'lost'}: ${h.up} up, ${h.needed} needed`;
    case 'reload':
      return `reload ${h.outcome}${colon(h.detail)}`;
    case 'process':
      return `${h.process} process ${h.what}${colon(h.detail)}`;
    case 'drift':
      return `${h.object} differed from what we had made of it and was mended${colon(h.detail)}`;
    case 'trouble':
      return `${h.what}${colon(h.detail)}`;
  }
}

const colon = (detail: string): string => (detail === '' ? '' : `: ${detail}`);

/** How loudly the log says it. `warning`: traffic moved or capacity changed; `error`: something does not work. */
export function severityOf(h: Happening): Severity {
  switch (h.kind) {
    case 'vrrp':
      if (h.to === 'fault') return 'error';
      return h.from === 'init' || h.to === 'init' ? 'info' : 'warning';
    case 'server':
      return h.to === 'down' ? 'warning' : 'info';
    case 'quorum':
      return h.held ? 'info' : 'error';
    case 'reload':
      return h.outcome === 'refused' ? 'error' : 'info';
    case 'process':
      return h.what === 'died' ? 'error' : 'info';
    case 'drift':
      return 'warning';
    case 'trouble':
      return h.severity;
  }
}

/** The alert that an event makes; `undefined` for a kind that nobody can be alerted of. */
export function alertOf(director: string, event: Event): Alert | undefined {
  if (event.kind !== 'vrrp' && event.kind !== 'server' && event.kind !== 'quorum') return undefined;
  const { seq, time, kind, ...fields } = event;
  return { director, seq, time, kind, summary: describe(event), ...fields };
}
