/** Rules of [[service]]: what IPVS can do (ip_vs_ctl.c), and what would never work though it can be written down. */

import { familyOf, formatEndpoint } from '../base/address.ts';
import { placeOf } from '../base/option.ts';
import { serviceKey } from '../ipvs/table.ts';
import type { HttpCheckConfig } from './config.ts';
import {
  type CheckDraft,
  checkNames,
  type Draft,
  type Rules,
  type ServiceDraft,
  unique,
  type Virtual,
} from './rules.ts';
import { say } from './say.ts';

/** `floats`: whether the file has any [[vrrp]]; without, somebody else sees to the addresses. */
export function checkServices(
  services: readonly ServiceDraft[],
  floats: boolean,
  virtual: Virtual,
  rules: Rules,
): void {
  checkNames(services, '[[service]]', rules);
  const keyOf = ({ protocol, address }: ServiceDraft) => protocol && address && serviceKey({ protocol, address });
  unique(services, keyOf, rules, (service, key, line) => {
    rules.error(placeOf(rules, service, 'address'), say.serviceTwice(key, line));
  });
  for (const service of services) {
    const { address } = service;
    if (floats && rules.sound && address && !virtual.has(address.address))
      rules.warn(placeOf(rules, service, 'address'), say.notFloated(address.address));
    if (address?.port === 0 && service.persistence === null)
      rules.error(placeOf(rules, service, 'address'), say.everyPort());
    checkServers(service, rules);
    if (service.check) checkCheck(service, service.check, virtual, rules);
    else if (service.check === null) rules.warn(placeOf(rules, service), say.noCheck(service.name ?? ''));
  }
}

function checkServers(service: ServiceDraft, rules: Rules): void {
  const { servers, quorum, forward, address } = service;
  if (servers === undefined) return;
  checkNames(servers, '[[service.server]]', rules);
  unique(
    servers,
    (s) => s.address && formatEndpoint(s.address),
    rules,
    (server, key, line) => {
      rules.error(placeOf(rules, server, 'address'), say.serverTwice(key, line));
    },
  );
  if (quorum !== undefined && servers.length > 0 && quorum > servers.length)
    rules.error(placeOf(rules, service, 'quorum'), say.quorumTooHigh(quorum, servers.length));
  if (servers.length > 0 && servers.every((s) => s.weight === 0)) rules.warn(placeOf(rules, service), say.allZero());
  for (const server of servers) {
    if (address === undefined || server.address === undefined) continue;
    const at = placeOf(rules, server, 'address');
    const [ours, theirs] = [familyOf(address.address), familyOf(server.address.address)];
    if (forward !== undefined && forward !== 'tun' && ours !== theirs)
      rules.error(at, say.familiesMixed(forward, theirs, ours));
    if ((address.port === 0) !== (server.address.port === 0)) rules.error(at, say.everyPortServer());
    else if (forward !== undefined && forward !== 'nat' && server.address.port !== address.port)
      rules.error(at, say.portKept(forward, address.port));
  }
}

function checkCheck(service: ServiceDraft, check: CheckDraft, virtual: Virtual, rules: Rules): void {
  const at = (name: string) => placeOf(rules, check, name);
  if (check.timeout !== undefined && check.interval !== undefined && check.timeout > check.interval)
    rules.warn(at('timeout'), say.slowTimeout());
  if (service.protocol === 'udp' && check.port === null && check.type !== undefined)
    rules.warn(at('type'), say.udpProbed(check.type));
  if (service.address?.port === 0 && check.port === null) rules.error(placeOf(rules, check), say.portNeeded());
  const { source } = check;
  const stranger =
    source && service.servers?.find((s) => s.address && familyOf(s.address.address) !== familyOf(source));
  if (source && stranger?.address)
    rules.error(at('source'), say.sourceFamily(source, familyOf(stranger.address.address)));
  if (source && virtual.has(source)) rules.error(at('source'), say.probeFromVirtual(source));
  if (check.type === 'http' || check.type === 'https') checkHttp(check as Draft<HttpCheckConfig>, rules);
}

function checkHttp(check: Draft<HttpCheckConfig>, rules: Rules): void {
  const tls = (['sni', 'verify', 'ca'] as const).filter((key) =>
    key === 'verify' ? check[key] === false : check[key],
  );
  if (check.type === 'http') for (const key of tls) rules.error(placeOf(rules, check, key), say.tlsOnly(key));
  else if (check.ca && check.verify === false) rules.warn(placeOf(rules, check, 'ca'), say.caUnused());
  if (check.method === 'HEAD' && check.body) rules.error(placeOf(rules, check, 'body'), say.noBody());
}
