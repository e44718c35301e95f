/** What `status` says of the servers of a service taken together: the quorum, and servers that are in or out for a reason. */

import type { LeavingStatus, ServerStatus, ServiceStatus, SorryStatus } from '../control/status.ts';
import type { Cell } from './table.ts';
import { left } from './when.ts';

/** `1 of 3 up, 2 needed`, `weight 30 of 100 up, 60 needed` */
export function quorumWords({ quorum, servers }: ServiceStatus): string {
  const { by, up, needed } = quorum;
  const all = by === 'servers' ? servers.length : servers.reduce((sum, s) => sum + s.configuredWeight, 0);
  return `${by === 'servers' ? '' : 'weight '}${up} of ${all} up, ${needed} needed`;
}

/** What an operator should know before reading on, one sentence each. */
export function poolTroubles(service: ServiceStatus): string[] {
  const { name, quorum, panic, servers, sorryServers } = service;
  const found: string[] = [];
  if (!quorum.held) {
    const sorry = sorryServers.filter(({ weight }) => weight !== null && weight > 0);
    const took = sorry.length === 0 ? '' : `; the sorry server${sorry.length === 1 ? '' : 's'} took over`;
    const words = quorumWords(service).replace(' up,', quorum.by === 'servers' ? ' servers up,' : ' up,');
    found.push(`${name}: quorum lost: ${words}${took}`);
  }
  if (panic) {
    const up = servers.filter(({ state }) => state === 'up').length;
    found.push(`${name}: panic: ${up} of ${servers.length} servers up, so those that failed get traffic too`);
  }
  const kept = servers.filter(({ why }) => why === 'kept').map((server) => server.name);
  const out = servers.filter(({ why }) => why === 'failed').length;
  if (kept.length > 0)
    found.push(
      `${name}: ${listed(kept)} failed, but stay${kept.length === 1 ? 's' : ''} in: ${out} of ${servers.length} servers are out, as many as max_ejected allows`,
    );
  return found;
}

/** `a`, `a and b`, `a, b and 3 more` */
function listed(names: readonly string[]): string {
  const [first = '', second = '', ...more] = names;
  if (names.length < 2) return first;
  return more.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${more.length} more`;
}

/** What there is to add to a server's last answer. */
export function whyWords({ why, configuredWeight, advisedWeight }: ServerStatus): string {
  if (why === 'kept' || why === 'panic') return '; in all the same';
  const advised = why === 'up' && advisedWeight !== configuredWeight ? `; asks for weight ${advisedWeight}` : '';
  return why === 'slow-start' ? '; slow start' : advised;
}

/** A server that has left the config. */
export function leavingRow({ address, connections, until }: LeavingStatus, now: Date): Cell[] {
  return [
    address,
    { text: 'leaving', style: 'yellow' },
    '-',
    '0',
    String(connections.active),
    String(connections.inactive),
    `out of the config, gone within ${left(until, now)}`,
  ];
}

/** The row of a sorry server, under those of the servers. */
export function sorryRow({ address, weight, connections }: SorryStatus): Cell[] {
  const state = weight === null ? 'waits' : weight > 0 ? 'in' : 'ending';
  return [
    `sorry ${address}`,
    { text: state, style: weight === null ? 'dim' : 'yellow' },
    '-',
    weight === null ? '-' : String(weight),
    connections === null ? '-' : String(connections.active),
    connections === null ? '-' : String(connections.inactive),
    { text: 'never checked', style: 'dim' },
  ];
}
