/** Rules of [[service]] about its servers taken together: a quorum that can be had and lost, and options that do something. */

import type { Endpoint } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import { needed, sum } from '../pool/quorum.ts';
import type { ServerConfig } from './config.ts';
import { writeServerAddress } from './options-service.ts';
import type { Draft, Rules, ServiceDraft } from './rules.ts';
import { sayPool } from './say-pool.ts';

export function checkPool(service: ServiceDraft, rules: Rules): void {
  const { servers = [], quorumUp, quorumDown } = service;
  const at = (name: string): number => placeOf(rules, service, name);
  // Of servers that are still to be found nobody knows how many there will be.
  if (servers.length > 0 && service.discovery?.length === 0) checkQuorum(service, servers, rules);
  checkSorry(service, servers, rules);
  if (quorumUp === null && quorumDown === null && isGiven(rules, service, 'quorumUser'))
    rules.warn(at('quorumUser'), sayPool.userUnused());
  if (service.checks?.length !== 0) return;
  for (const [name, key, off] of UNCHECKED)
    if (service[name] !== undefined && service[name] !== off) rules.warn(at(name), sayPool.unchecked(key));
}

/** What is of no use to a service whose servers never fail, and the value with which it does nothing anyway. */
const UNCHECKED = [
  ['maxEjected', 'max_ejected', 100],
  ['panicThreshold', 'panic_threshold', 0],
  ['slowStart', 'slow_start', 0],
] as const;

function checkQuorum(service: ServiceDraft, servers: readonly Draft<ServerConfig>[], rules: Rules): void {
  const { quorum, quorumBy: by, quorumHysteresis: band } = service;
  if (quorum === undefined || by === undefined) return;
  const weights = servers.flatMap(({ weight }) => (weight === undefined ? [] : [{ weight }]));
  if (by === 'weight' && weights.length < servers.length) return;
  const most = by === 'servers' ? servers.length : sum(by, weights);
  const least = needed(quorum, most);
  if (least > most) return rules.error(placeOf(rules, service, 'quorum'), sayPool.quorumTooHigh(quorum, most, by));
  if (band === undefined) return;
  const at = placeOf(rules, service, 'quorumHysteresis');
  if (least + band > most) return rules.error(at, sayPool.hysteresisTooHigh(band, least, most, by));
  if (band >= least) return rules.error(at, sayPool.neverLost(band, least));
  if (by === 'servers') checkPanic(service, least - band, servers.length, rules);
}

/** `least`: with fewer servers the quorum is lost. */
function checkPanic(service: ServiceDraft, least: number, all: number, rules: Rules): void {
  const { panicThreshold, sorryServers } = service;
  if (!panicThreshold || !sorryServers?.length) return;
  const mostInPanic = Math.ceil((all * panicThreshold) / 100) - 1;
  if (mostInPanic < least)
    rules.warn(placeOf(rules, service, 'panicThreshold'), sayPool.neverPanic(panicThreshold, least));
}

function checkSorry({ sorryServers = [] }: ServiceDraft, servers: readonly Draft<ServerConfig>[], rules: Rules): void {
  const real = new Map<string, Draft<ServerConfig>>();
  for (const server of servers) if (server.address) real.set(writeServerAddress(server.address), server);
  for (const [i, address] of sorryServers.entries()) {
    const written = writeServerAddress(address);
    const server = real.get(written);
    if (server === undefined) continue;
    rules.error(
      placeOf(rules, sorryServers, String(i)),
      sayPool.sorryIsServer(written, rules.line(placeOf(rules, server))),
    );
  }
}

/** The sorry servers with the place of each, for the rules about where packets can get to. */
export const sorryPlaces = ({ sorryServers = [] }: ServiceDraft, rules: Rules): readonly [Endpoint, number][] =>
  sorryServers.map((address, i) => [address, placeOf(rules, sorryServers, String(i))]);
