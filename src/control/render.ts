/** Events in plain words: one line each, the same in the log, in `events` and in an alert's summary. */

import { type Alert, type AlertKind, TOPICS } from '../alerts/alert.ts';
import { printable } from '../base/printable.ts';
import { formatDuration, milliseconds } from '../base/time.ts';
import type { DiscoveryWhat, Event, EventKind, Happening, Severity } from './event.ts';
import type { ServerOrder } from './status.ts';

/** How a time (RFC 3339) is said: `2026-03-01 12:01:03 UTC` where the reader's time zone is not known. */
export type SayTime = (time: string) => string;
const utc: SayTime = (time) => `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** One line without control characters: `edge: BACKUP → MASTER: no advert from 10.0.0.2 for 3.21 s`. */
export const describe = (happening: Happening, sayTime: SayTime = utc): string => printable(words(happening, sayTime));

function words(h: Happening, sayTime: SayTime): string {
  switch (h.kind) {
    case 'vrrp':
      return `${routerName(h)}: ${h.from.toUpperCase()} → ${h.to.toUpperCase()}: ${h.cause}`;
    case 'split-brain':
      return h.what === 'begun'
        ? `${routerName(h)}: split brain: ${h.peer} is master too, with priority ${h.priority}`
        : `${routerName(h)}: the split brain with ${h.peer} is over, after ${formatDuration(milliseconds(h.lasted))}`;
    case 'conflict':
      return `${h.router}: ${h.address} on ${h.interface} is in use by ${h.mac} too, which does not speak VRRP`;
    case 'track':
      return `track ${h.up ? 'up' : 'down'}: ${h.what}${h.reason === '' ? '' : ` ${h.reason}`}`;
    case 'order':
      return h.what === 'given'
        ? `${h.router}: ${h.order}d by ${h.by} until ${end(h.until, sayTime)}${colon(h.reason)}`
        : `${h.router}: no longer ${h.order}d by ${h.by}${colon(h.reason)}`;
    case 'server':
      return `${h.service}: server ${serverName(h)} ${h.from} → ${h.to}: ${h.reason}`;
    case 'server-order': {
      const word = ordered({ kind: h.order, weight: h.weight });
      return h.what === 'given'
        ? `${h.service}: server ${serverName(h)} ${word} by ${h.by} until ${end(h.until, sayTime)}${colon(h.reason)}`
        : `${h.service}: server ${serverName(h)} no longer ${word} by ${h.by}${colon(h.reason)}`;
    }
    case 'server-change':
      return `${h.service}: server ${serverName(h)} ${changeWords(h)}`;
    case 'discovery':
      return `${h.service}: discovery ${h.discovery} ${discoveryWords(h)}`;
    case 'quorum':
      return `${h.service}: quorum ${h.held ? 'held' : 'lost'}: ${h.by === 'weight' ? 'weight ' : ''}${h.up} up, ${h.needed} needed`;
    case 'panic':
      return h.begun
        ? `${h.service}: panic: ${h.up} of ${h.servers} servers up, fewer than ${h.threshold}%, so those that failed get traffic too`
        : `${h.service}: the panic is over: ${h.up} of ${h.servers} servers up, and those that failed are out`;
    case 'ejection':
      return h.ejected
        ? `${h.service}: server ${serverName(h)} is taken out after all: there is room for it, with ${h.out} of ${h.servers} out`
        : `${h.service}: server ${serverName(h)} stays in though it failed: ${h.out} of ${h.servers} are out, as many as max_ejected allows`;
    case 'reload':
      return `reload ${h.outcome}${colon(h.detail)}`;
    case 'trial':
      return trialWords(h, sayTime);
    case 'process':
      return `${h.process} process ${h.what}${colon(h.detail)}`;
    case 'drift':
      return `${h.object} differed from what we had made of it and was mended${colon(h.detail)}`;
    case 'trouble':
      return `${h.what}${colon(h.detail)}`;
  }
}

function changeWords({ change, what, by, reason }: Extract<Happening, { kind: 'server-change' }>): string {
  if (what === 'made') return `${change} at run time by ${by}${colon(reason)}`;
  const end = what === 'ceased' ? '' : what === 'discarded' ? `, discarded by ${by}` : `, taken back by ${by}`;
  return `no longer ${change} at run time${end}${colon(reason)}`;
}

function discoveryWords({ what, servers, count, reason }: Extract<Happening, { kind: 'discovery' }>): string {
  const [first, ...more] = servers;
  const names = count <= 3 ? [first, ...more].join(', ') : `${first}, ${more[0]} and ${count - 2} more`;
  switch (what) {
    case 'found':
      return `found ${names}`;
    case 'lost':
      return `no longer lists ${names}, out and drained`;
    case 'skipped':
      return `lists what is not heeded${colon(reason)}`;
    case 'error':
      return `fails, and what it found last stays${colon(reason)}`;
    case 'recovered':
      return 'answers again';
    case 'held':
      return `no longer lists ${names}, which stay${count === 1 ? 's' : ''}: ${reason}`;
    case 'followed':
      return `holds nothing back any more${colon(reason)}`;
  }
}

/** What of a discovery is worth an alert: not its daily business. */
const ALERTING: ReadonlySet<DiscoveryWhat> = new Set(['error', 'recovered', 'held', 'followed']);

/** `drained`, `disabled`, `given weight 5` */
export const ordered = ({ kind, weight }: Pick<ServerOrder, 'kind' | 'weight'>): string =>
  kind === 'weight' ? `given weight ${weight}` : kind === 'drain' ? 'drained' : 'disabled';

function trialWords(h: Extract<Happening, { kind: 'trial' }>, sayTime: SayTime): string {
  const trial = `the config on trial by ${h.by}`;
  switch (h.what) {
    case 'begun':
      return `a config is on trial by ${h.by} until ${sayTime(h.until)}`;
    case 'resumed':
      return `${trial} goes on until ${sayTime(h.until)}`;
    case 'confirmed':
      return `${trial} is confirmed ${h.reason}`;
    case 'rolled-back':
      return `${trial} is rolled back, and what ran before runs: ${h.reason}`;
  }
}

/** As an event says it whose reader's time zone is not known. */
export const describeTrialEnd: SayTime = utc;

const end = (until: string | null, sayTime: SayTime): string => (until === null ? 'taken back' : sayTime(until));

const colon = (detail: string): string => (detail === '' ? '' : `: ${detail}`);

export const serverName = ({ server, address }: { readonly server: string; readonly address: string }): string =>
  server === address ? address : `${server} (${address})`;

/** One event knows nothing of its router's other family, so that of IPv6 is always called so. */
const routerName = ({ router, family }: { readonly router: string; readonly family: 4 | 6 }): string =>
  family === 6 ? `${router} IPv6` : router;

/** What `describe` leaves out: the text log has these beside it, and not once more what the sentence says. */
const UNSAID: Readonly<Partial<Record<EventKind, readonly string[]>>> = { vrrp: ['priority', 'addresses'] };

export const unsaid = (event: Event): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(event).filter(([key]) => UNSAID[event.kind]?.includes(key)));

/** How loudly the log says it. `warning`: traffic moved or capacity changed; `error`: something does not work. */
export function severityOf(h: Happening): Severity {
  switch (h.kind) {
    case 'vrrp':
      if (h.to === 'fault') return 'error';
      return h.from === 'init' || h.to === 'init' ? 'info' : 'warning';
    case 'split-brain':
      return h.what === 'begun' ? 'error' : 'warning';
    case 'conflict':
      return 'error';
    case 'track':
      return h.up ? 'info' : 'warning';
    case 'order':
    case 'server-order':
    case 'server-change':
      return 'info';
    case 'server':
      return h.to === 'down' ? 'warning' : 'info';
    case 'discovery':
      return h.what === 'error' || h.what === 'held' || h.what === 'skipped' ? 'warning' : 'info';
    case 'quorum':
      return h.held ? 'info' : 'error';
    case 'panic':
      return h.begun ? 'error' : 'info';
    case 'ejection':
      return 'warning';
    case 'reload':
      return h.outcome === 'refused' ? 'error' : 'info';
    case 'trial':
      return h.what === 'rolled-back' ? 'warning' : 'info';
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
  const { seq, time, kind, ...fields } = event;
  if (!isAlertKind(kind) || (event.kind === 'discovery' && !ALERTING.has(event.what))) return undefined;
  return { director, seq, time, kind, summary: describe(event), ...fields };
}

const isAlertKind = (kind: EventKind): kind is AlertKind & EventKind => Object.hasOwn(TOPICS, kind);
