/** Rules of [[service.discovery]]: what would hold for every server that it can find. */

import { type Family, ip } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import type { DiscoveryConfig, DnsDiscoveryConfig, HttpDiscoveryConfig } from './discovery-config.ts';
import { checkNames, type DiscoveryDraft, type Draft, type Rules, type ServiceDraft } from './rules.ts';
import { checkTunnel, type Reach, reachOf, unreachable } from './rules-service.ts';
import { say } from './say.ts';
import { sayDiscovery } from './say-discovery.ts';

export function checkDiscovery(service: ServiceDraft, rules: Rules): void {
  const { discovery, servers } = service;
  if (discovery === undefined || servers === undefined) return;
  checkAnyServer(service, rules);
  checkNames(discovery, '[[service.discovery]]', rules);
  const reach = reachOf(service);
  for (const one of discovery) {
    checkTemplate(service, one, reach, rules);
    if (one.type === 'dns') checkDns(service, one, reach, rules);
    if (one.type === 'http') checkHttp(one, rules);
  }
}

function checkAnyServer(service: ServiceDraft, rules: Rules): void {
  const { discovery = [], servers = [], fwmarks = [], fwmarkFamily } = service;
  if (servers.length > 0) return;
  // Where one is there that could not be read, that has been told.
  const given = isGiven(rules, service, 'servers') || isGiven(rules, service, 'discovery');
  if (discovery.length === 0 && (rules.sound || !given))
    rules.error(placeOf(rules, service, 'servers'), sayDiscovery.noServer());
  if (discovery.length > 0 && fwmarks.length > 0 && fwmarkFamily === null)
    rules.error(placeOf(rules, service), sayDiscovery.familyNeeded());
}

/** What every server that is found gets. */
function checkTemplate(service: ServiceDraft, one: DiscoveryDraft, reach: Reach, rules: Rules): void {
  const at = (name: keyof DiscoveryConfig): number => placeOf(rules, one, name);
  const by = one.forward === null ? service.forward : one.forward;
  const { lowerThreshold: lower, upperThreshold: upper } = one;
  checkTunnel(one, one.tunnel, by !== undefined && by !== 'tun', rules);
  if (lower && upper !== undefined && lower > upper) rules.error(at('lowerThreshold'), say.thresholds(lower, upper));
  if (service.masquerade && one.forward && one.forward !== 'nat')
    rules.error(at('forward'), sayDiscovery.masqueradeForward(one.forward));
  const [family] = reach.families;
  if (!one.port || by === undefined || family === undefined) return;
  const why = unreachable(reach, by, { address: family === 4 ? SOME_IPV4 : SOME_IPV6, port: one.port });
  if (why !== undefined) rules.error(at('port'), why);
}

const SOME_IPV4 = ip('192.0.2.1');
const SOME_IPV6 = ip('2001:db8::1');

function checkDns(service: ServiceDraft, one: Draft<DnsDiscoveryConfig>, reach: Reach, rules: Rules): void {
  const at = (name: keyof DnsDiscoveryConfig): number => placeOf(rules, one, name);
  const { ttlMin, ttlMax, record } = one;
  if (ttlMin !== undefined && ttlMax !== undefined && ttlMin > ttlMax)
    rules.error(at('ttlMin'), sayDiscovery.ttlOrder());
  if (record === 'SRV' && one.port) rules.warn(at('port'), sayDiscovery.portUnused());
  const by = one.forward === null ? service.forward : one.forward;
  if (by === undefined || (record !== 'A' && record !== 'AAAA')) return;
  const why = unreachable(reach, by, { address: record === 'A' ? SOME_IPV4 : SOME_IPV6, port: 0 });
  if (why !== undefined) rules.error(at('record'), why);
}

function checkHttp(one: Draft<HttpDiscoveryConfig>, rules: Rules): void {
  if (!one.url?.startsWith('http:')) return;
  if (one.ca) rules.error(placeOf(rules, one, 'ca'), sayDiscovery.caUnused());
  if (one.bearerTokenFile) rules.warn(placeOf(rules, one, 'bearerTokenFile'), sayDiscovery.tokenInClear());
}

/** The families that servers found by it can be of. */
export const familiesFound = (service: ServiceDraft, { forward }: DiscoveryDraft): readonly Family[] =>
  (forward ?? service.forward) === 'tun' ? [4, 6] : [...reachOf(service).families].slice(0, 1);
