/** One virtual router for people. What is as it is by default, or as the config says, is not shown. */

import { formatDuration, milliseconds } from '../base/time.ts';
import type { RouterOrder, RouterStatus, TrackStatus } from '../control/status.ts';
import { hanging, type View } from './table.ts';
import type { Style } from './verb.ts';
import { age, left, since } from './when.ts';

const STYLE: Readonly<Record<RouterStatus['state'], Style>> = {
  master: 'green',
  backup: 'bold',
  init: 'yellow',
  fault: 'red',
};

/** RFC 9568, 5.1.1.2 and 5.1.2.2. */
const MULTICAST: readonly string[] = ['224.0.0.18', 'ff02::12'];

/** `edge`, or `edge IPv4` where the name is that of two routers, one a family. */
const nameOf = ({ name, family }: RouterStatus, all: readonly RouterStatus[]): string =>
  all.some((other) => other.name === name && other.family !== family) ? `${name} IPv${family}` : name;

/** What an operator should know of the routers before reading on, one sentence each. */
export function routerTroubles(routers: readonly RouterStatus[], now: Date): readonly string[] {
  const found = routers.flatMap((router) => {
    const name = nameOf(router, routers);
    return [...contentions(router, now), ...faults(router)].map((text) => `${name}: ${text}`);
  });
  return [...found, ...failedTracks(routers)];
}

/** What makes two masters, or is about to. */
function contentions({ rival, refused, routerId }: RouterStatus, now: Date): string[] {
  const found: string[] = [];
  if (rival !== null)
    found.push(
      `split brain: ${rival.address} is master too, with priority ${rival.priority}, since ${since(rival.since, now)}`,
    );
  if (refused?.recent)
    found.push(
      `${refused.address} advertises router ${routerId} and is refused: ${refused.detail}; both directors may be master`,
    );
  return found;
}

function faults(router: RouterStatus): string[] {
  const holds = router.state === 'master';
  const wrong = router.addresses.filter(({ present }) => present !== holds);
  const addresses = wrong.map(
    (a) => `${a.address} is ${holds ? `missing on ${a.interface}` : `on ${a.interface}, though we are not master`}`,
  );
  return router.state === 'fault' ? [`fault: ${router.cause}`, ...addresses] : addresses;
}

/** Once each, whoever tracks them. One whose failure is a fault is in the cause of the fault. */
function failedTracks(routers: readonly RouterStatus[]): string[] {
  const failed = routers.flatMap(({ tracks }) => tracks.filter(({ up, weight }) => up === false && weight !== null));
  return [...new Set(failed.map(trackWords))];
}

export function renderRouter(router: RouterStatus, all: readonly RouterStatus[], view: View): string {
  const state = view.paint(STYLE[router.state], router.state.toUpperCase());
  const head = `${nameOf(router, all)}  ${state} since ${since(router.since, view.now)}\n`;
  const rows: readonly (readonly [title: string, text: string, style?: Style])[] = [
    ['why', router.cause],
    ['master', masterOf(router)],
    ...(router.order === null ? [] : [['order', orderOf(router.order, view.now), 'yellow'] as const]),
    ...(router.priorityParts.length < 2 ? [] : [['priority', sumOf(router)] as const]),
    ...router.tracks.map((track, i) => trackRow(track, i, view.now)),
    ['addresses', addressesOf(router)],
    ['speaks', speechOf(router)],
    ...(router.syncGroup === null ? [] : [['with', `the sync group ${router.syncGroup}`] as const]),
    ['adverts', advertsOf(router)],
    ...refusalsOf(router, view.now),
  ];
  return head + rows.flatMap(([title, text, style]) => hanging(`  ${title.padEnd(9)}  `, text, view, style)).join('');
}

function masterOf(router: RouterStatus): string {
  if (router.state === 'master') return 'this director';
  if (router.master === null) return 'none known';
  const { address, priority } = router.master;
  const interval =
    router.masterInterval === router.interval ? '' : `, every ${formatDuration(milliseconds(router.masterInterval))}`;
  return `${address}, priority ${priority}${interval}`;
}

function orderOf({ kind, by, reason, until }: RouterOrder, now: Date): string {
  const end = until === null ? 'until taken back' : `${left(until, now)} left`;
  return `${kind}d by ${by}, ${end}${reason === '' ? '' : `: ${reason}`}`;
}

/** `90 = 150 configured - 60 interface eth1 is down` */
function sumOf({ priority, priorityParts }: RouterStatus): string {
  const terms = priorityParts.map(({ what, delta }, i) => {
    const sign = delta < 0 ? '- ' : i === 0 ? '' : '+ ';
    return `${sign}${Math.abs(delta)} ${what}`;
  });
  return `${priority} = ${terms.join(' ')}`;
}

function trackRow(track: TrackStatus, i: number, now: Date): readonly [string, string, Style?] {
  const title = i === 0 ? 'tracks' : '';
  const { what, up, since: from } = track;
  if (up === null) return [title, `?    ${what}, not looked at yet`];
  if (up) return [title, `up   ${what}`];
  return [title, `DOWN ${trackWords(track)}${from === null ? '' : ` (${age(from, now)})`}`, 'red'];
}

const trackWords = ({ what, reason }: TrackStatus): string => `${what} ${reason === '' ? 'is down' : reason}`;

function addressesOf({ state, addresses, interface: own }: RouterStatus): string {
  const holds = state === 'master';
  const texts = addresses.map(({ address, interface: on, present, advertised }) => {
    const notes = [
      ...(on === own ? [] : [`on ${on}`]),
      ...(advertised ? [] : ['not advertised']),
      ...(present === holds ? [] : [holds ? 'missing' : 'here']),
    ];
    return notes.length === 0 ? address : `${address} (${notes.join(', ')})`;
  });
  return texts.join(', ') || 'none';
}

const AUTH = { none: '', pass: ', with a password', hmac: ', signed (HMAC)' } as const;

function speechOf(router: RouterStatus): string {
  const { routerId, priority, version, transport, destinations, auth } = router;
  const plain = destinations.every((address) => MULTICAST.includes(address));
  const to = plain ? '' : ` to ${destinations.join(', ')}`;
  return (
    `VRID ${routerId} on ${router.interface}, priority ${priority}, every ${formatDuration(milliseconds(router.interval))}` +
    (version === 3 ? '' : `, version ${version}`) +
    (transport === 'ip' ? (to === '' ? '' : `,${to}`) : `, over UDP${to}`) +
    AUTH[auth]
  );
}

function advertsOf({ counters }: RouterStatus): string {
  const { advertsSent, advertsReceived, becameMaster, splitBrains, addressListErrors } = counters;
  const lists = addressListErrors === 0 ? '' : ` (${addressListErrors} with another list of addresses)`;
  const splits = splitBrains === 0 ? '' : `, split brain ${splitBrains} ×`;
  return `${advertsSent} sent, ${advertsReceived} received${lists}, master ${becameMaster} ×${splits}`;
}

function refusalsOf({ counters, refused }: RouterStatus, now: Date): readonly (readonly [string, string, Style])[] {
  const counts = Object.entries(counters.dropped).filter(([, count]) => count > 0);
  if (counts.length === 0) return [];
  const last = refused === null ? '' : `; the last from ${refused.address}, ${since(refused.last, now)}`;
  return [['refused', counts.map(([reason, count]) => `${count} ${reason}`).join(', ') + last, 'yellow']];
}
