/** `status` for people, and first of all for somebody at three in the morning: what is wrong stands on top, in words. */

import { printable } from '../base/printable.ts';
import { formatDuration, milliseconds } from '../base/time.ts';
import type { RouterStatus, ServerStatus, ServiceStatus, Status } from '../control/status.ts';
import { type Cell, renderTable, wrap } from './table.ts';
import type { Paint, Style } from './verb.ts';
import { age, since } from './when.ts';

export type View = { readonly now: Date; readonly width: number; readonly paint: Paint };

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
  for (const router of status.routers) parts.push(renderRouter(router, view));
  if (status.services.length > 0) parts.push(`\n${paint('bold', 'SERVICES')}\n`);
  parts.push(status.services.map((service) => renderService(service, view)).join('\n'));
  return parts.join('');
}

/** What an operator should know before reading on, one sentence each. */
function troubles(status: Status, { now }: View): string[] {
  const found: string[] = [];
  const { refused } = status.config;
  if (refused !== null) found.push(`the config on disk was refused and is not what runs: ${refused}`);
  for (const { name, state, pid, started, restarts } of status.processes)
    if (state !== 'ready')
      found.push(
        `${name} process ${state}, ${pid === null ? 'not running' : `pid ${pid}`} since ${since(started, now)}, restarted ${restarts} ×`,
      );
  if (status.ipvsTrouble !== null) found.push(`IPVS: ${status.ipvsTrouble}; no service is carried`);
  for (const router of status.routers) {
    const holds = router.state === 'master';
    if (router.state === 'fault') found.push(`${router.name}: fault: ${router.cause}`);
    for (const { address, present } of router.addresses)
      if (present !== holds)
        found.push(`${router.name}: ${address} is ${holds ? 'missing here' : 'here, though we are not master'}`);
  }
  for (const { name, quorum, servers } of status.services)
    if (!quorum.held)
      found.push(`${name}: quorum lost: ${quorum.up} of ${servers.length} servers up, ${quorum.needed} needed`);
  return found;
}

const ROUTER_STYLE: Readonly<Record<RouterStatus['state'], Style>> = {
  master: 'green',
  backup: 'bold',
  init: 'yellow',
  fault: 'red',
};

function renderRouter(router: RouterStatus, view: View): string {
  const { now, paint } = view;
  const { counters, master } = router;
  const dropped = Object.entries(router.counters.dropped).filter(([, count]) => count > 0);
  const state = paint(ROUTER_STYLE[router.state], router.state.toUpperCase());
  const interval = formatDuration(milliseconds(router.interval));
  const lines = [
    `${router.name}  ${state} since ${since(router.since, now)}\n`,
    ...hanging('  why        ', router.cause, view),
    ...hanging('  master     ', masterOf(router, master), view),
    ...hanging('  addresses  ', addressesOf(router), view),
    ...hanging(
      '  speaks     ',
      `VRID ${router.routerId} on ${router.interface}, priority ${router.priority}, every ${interval}`,
      view,
    ),
    ...hanging(
      '  adverts    ',
      `${counters.advertsSent} sent, ${counters.advertsReceived} received, master ${counters.becameMaster} ×`,
      view,
    ),
  ];
  if (dropped.length > 0)
    lines.push(
      ...hanging('  refused    ', dropped.map(([reason, count]) => `${count} ${reason}`).join(', '), view, 'yellow'),
    );
  return lines.join('');
}

function addressesOf({ state, addresses }: RouterStatus): string {
  const holds = state === 'master';
  const mark = (present: boolean): string => (present === holds ? '' : holds ? ' (missing)' : ' (here)');
  return addresses.map(({ address, present }) => address + mark(present)).join(', ') || 'none';
}

function masterOf(router: RouterStatus, master: RouterStatus['master']): string {
  if (router.state === 'master') return 'this director';
  if (master === null) return 'none known';
  const interval =
    router.masterInterval === router.interval ? '' : `, every ${formatDuration(milliseconds(router.masterInterval))}`;
  return `${master.address}, priority ${master.priority}${interval}`;
}

function renderService(service: ServiceStatus, view: View): string {
  const { paint } = view;
  const { quorum, servers } = service;
  const mode = `${service.protocol} ${service.address} ${service.forward} ${service.scheduler}`;
  const count = `${quorum.up} of ${servers.length} up, ${quorum.needed} needed`;
  const up = quorum.held ? count : paint('red', `quorum lost: ${count}`);
  const table = renderTable(
    [
      { title: 'SERVER' },
      { title: 'STATE' },
      { title: 'FOR' },
      { title: 'WEIGHT', align: 'right' },
      { title: 'ACT', align: 'right' },
      { title: 'INACT', align: 'right' },
      { title: 'LAST ANSWER' },
    ],
    servers.map((server) => serverRow(server, view)),
    { ...view, indent: 2 },
  );
  return `${paint('bold', service.name)}  ${mode}  ${up}\n${table}`;
}

function serverRow(server: ServerStatus, { now }: View): Cell[] {
  const { state, weight, configuredWeight, connections, check } = server;
  const style = state === 'up' ? 'green' : state === 'down' ? 'red' : 'yellow';
  const name = server.name === server.address ? server.address : `${server.name} ${server.address}`;
  const kernel = weight === null ? '-' : String(weight);
  const took = check?.took == null ? '' : ` in ${formatDuration(milliseconds(check.took))}`;
  const answered = server.reason === '' ? 'not probed yet' : printable(server.reason) + (state === 'up' ? took : '');
  return [
    name,
    { text: state === 'down' ? 'DOWN' : state, style },
    age(server.since, now),
    // `0/100`: the kernel has 0, the config gives 100.
    weight === configuredWeight ? kernel : { text: `${kernel}/${configuredWeight}`, style: 'yellow' },
    connections === null ? '-' : String(connections.active),
    connections === null ? '-' : String(connections.inactive),
    check === null ? { text: 'no check', style: 'dim' } : answered,
  ];
}

/** `text` behind `lead`, wrapped, the further lines under the first. */
function hanging(lead: string, text: string, { width, paint }: View, style?: Style): string[] {
  return wrap(printable(text), width - lead.length).map((line, i) => {
    const whole = (i === 0 ? lead : ' '.repeat(lead.length)) + line;
    return `${style === undefined ? whole : paint(style, whole)}\n`;
  });
}
