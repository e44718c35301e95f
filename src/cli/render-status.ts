/** `status` for people, and first of all for somebody at three in the morning: what is wrong stands on top, in words. */

import { printable } from '../base/printable.ts';
import { formatDuration, milliseconds } from '../base/time.ts';
import type { ServerStatus, ServiceStatus, Status, SyncStatus, TrialStatus } from '../control/status.ts';
import { markLines } from './change-words.ts';
import { discoveryLines, discoveryTroubles, sourceOf } from './discovery-words.ts';
import { disagreements, peerTroubles } from './peer-words.ts';
import { leavingRow, poolTroubles, quorumWords, sorryRow, whyWords } from './pool-words.ts';
import { renderRouter, routerTroubles } from './render-router.ts';
import { connectionWords, orderWords } from './server-words.ts';
import { type Cell, hanging, renderTable, type View } from './table.ts';
import { age, left, moment, since } from './when.ts';

export type { View };

export function renderStatus(status: Status, view: View): string {
  const { now, paint } = view;
  const ready = status.processes.filter((process) => process.state === 'ready').length;
  const parts = [
    `${paint('bold', status.director)}  lvskeeper ${status.version}, up ${age(status.started, now)}, ` +
      `${ready} of ${status.processes.length} processes ready\n`,
    `config ${status.config.file}, loaded ${since(status.config.loaded, now)}\n`,
    ...troubles(status, view).flatMap((text) => hanging('! ', text, view, 'red')),
  ];
  if (status.routers.length > 0) parts.push(`\n${paint('bold', 'VIRTUAL ROUTERS')}\n`);
  for (const router of status.routers) parts.push(renderRouter(router, status.routers, view));
  if (status.services.length > 0) parts.push(`\n${paint('bold', 'SERVICES')}\n`);
  parts.push(status.services.map((service) => renderService(service, view)).join('\n'));
  return parts.join('');
}

/** What an operator should know before reading on, one sentence each. */
function troubles(status: Status, { now }: View): string[] {
  const found: string[] = [];
  const { refused, trial } = status.config;
  if (trial !== null) found.push(trialWords(trial, now));
  if (refused !== null) found.push(`the config on disk was refused and is not what runs: ${refused}`);
  for (const { name, state, pid, started, restarts } of status.processes)
    if (state !== 'ready')
      found.push(
        `${name} process ${state}, ${pid === null ? 'not running' : `pid ${pid}`} since ${since(started, now)}, restarted ${restarts} ×`,
      );
  if (status.ipvsTrouble !== null) found.push(`IPVS: ${status.ipvsTrouble}; no service is carried`);
  if (status.cutOff !== null)
    found.push(`cut off: most checks fail, and ${status.cutOff}; failures do not count, all weights stay as they are`);
  if (status.sync !== null && status.sync.trouble !== null) found.push(syncTrouble(status.sync, status.sync.trouble));
  found.push(...routerTroubles(status.routers, now));
  // One table is for all of them, and so is its trouble.
  const unmasked = status.services.find(({ masquerade }) => masquerade !== null && masquerade.trouble !== null);
  if (unmasked) found.push(`masquerading: ${unmasked.masquerade?.trouble}; servers see the addresses of clients`);
  found.push(...status.services.flatMap(poolTroubles));
  found.push(...status.services.flatMap((service) => discoveryTroubles(service, now)));
  found.push(...status.services.flatMap(disagreements), ...peerTroubles(status.peers, now));
  return found;
}

/** The first line of all: whoever looks must know that what runs may soon not. */
const trialWords = ({ state, by, since: begun, until }: TrialStatus, now: Date): string =>
  state === 'running'
    ? `a config is on trial by ${by} since ${moment(begun, now)}, until ${moment(until, now)} (${left(until, now)} left): \`lvskeeper confirm\` keeps it, else what ran before runs again`
    : `the config on disk was on trial by ${by}, was rolled back, and is not what runs: mend it, then \`lvskeeper reload\``;

/** `connection synchronization: should be master, as edge is; running: none` */
function syncTrouble({ vrrp, wanted }: SyncStatus, trouble: string): string {
  const should = wanted === null ? `the role of ${vrrp} is not known` : `should be ${wanted}, as ${vrrp} says`;
  return `connection synchronization: ${should}; ${trouble}`;
}

function renderService(service: ServiceStatus, view: View): string {
  const { paint } = view;
  const { quorum, servers, sorryServers, away } = service;
  const full = service.masquerade === null ? '' : ` masqueraded as ${service.masquerade.address ?? 'the director'}`;
  const mode = `${service.protocol} ${service.address} ${service.forward}${full} ${service.scheduler}`;
  const count = quorumWords(service);
  const up = quorum.held ? count : paint('red', `quorum lost: ${count}`);
  // Who says that a server is there is worth a column only where it is not the file alone.
  const found = service.discovery.length > 0;
  const row = (source: string, [server = '', ...rest]: readonly Cell[]): readonly Cell[] =>
    found ? [server, source, ...rest] : [server, ...rest];
  const table = renderTable(
    [
      { title: 'SERVER' },
      ...(found ? [{ title: 'SOURCE' }] : []),
      { title: 'STATE' },
      { title: 'FOR' },
      { title: 'WEIGHT', align: 'right' },
      { title: 'ACT', align: 'right' },
      { title: 'INACT', align: 'right' },
      { title: 'LAST ANSWER' },
    ],
    [
      ...servers.map((server) => row(sourceOf(server), serverRow(server, away !== null, view))),
      ...sorryServers.map((server) => row('config', sorryRow(server))),
      ...service.leaving.map((server) => row('-', leavingRow(server, view.now))),
    ],
    { ...view, indent: 2 },
  );
  const elsewhere =
    away === null ? '' : hanging('  ', `not in the kernel, since ${away} is not master here`, view, 'dim').join('');
  return `${paint('bold', service.name)}  ${mode}  ${up}\n${elsewhere}${table}${orderLines(service, view)}${changeLines(service, view)}${sourceLines(service, view)}`;
}

/** The operator's orders, and what is left on servers that are to be without connections. */
const orderLines = ({ servers }: ServiceStatus, view: View): string =>
  servers
    .flatMap(({ name, order, connections }) => {
      if (order === null) return [];
      const left = connections === null || order.kind === 'weight' ? '' : ` (${connectionWords(connections)})`;
      return hanging('  ', `${name}${left} ${orderWords(order, view.now)}`, view, 'yellow');
    })
    .join('');

/** The servers that are not as the file says. */
const changeLines = (service: ServiceStatus, view: View): string =>
  markLines(service, view.now)
    .flatMap((line) => hanging('  ', line, view, 'yellow'))
    .join('');

/** Where the servers come from, besides the file. */
const sourceLines = (service: ServiceStatus, view: View): string =>
  discoveryLines(service, view.now)
    .flatMap((line) => hanging('  ', line, view, 'dim'))
    .join('');

/** `away`: the kernel is not to have it, so that it lacks it is nothing to look at. */
function serverRow(server: ServerStatus, away: boolean, { now }: View): Cell[] {
  const { state, weight, configuredWeight, connections, checks } = server;
  const style = state === 'up' ? 'green' : state === 'down' ? 'red' : 'yellow';
  const name = server.name === server.address ? server.address : `${server.name} ${server.address}`;
  const kernel = weight === null ? '-' : String(weight);
  const [only, ...others] = checks;
  const took = only?.took == null || others.length > 0 ? '' : ` in ${formatDuration(milliseconds(only.took))}`;
  const answered = server.reason === '' ? 'not probed yet' : printable(server.reason) + (state === 'up' ? took : '');
  return [
    name,
    { text: state === 'down' ? 'DOWN' : state, style },
    age(server.since, now),
    // `0/100`: the kernel has 0, the config gives 100.
    weight === configuredWeight || (away && weight === null)
      ? kernel
      : { text: `${kernel}/${configuredWeight}`, style: 'yellow' },
    connections === null ? '-' : String(connections.active),
    connections === null ? '-' : String(connections.inactive),
    only === undefined ? { text: 'no check', style: 'dim' } : answered + whyWords(server),
  ];
}
