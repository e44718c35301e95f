/** Rules of [ipvs], and of the router that a [[service]] follows: what the kernel refuses, and what certainly works against the rest of the file. */

import { type Family, familyOf } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import { familyOfMarks } from '../ipvs/desired.ts';
import type { ServerConfig } from './config.ts';
import { familiesIn, type IpvsDraft, type RouterDraft, type Rules, type ServiceDraft } from './rules.ts';
import { checkConntrack } from './rules-masquerade.ts';
import { sayIpvs } from './say-ipvs.ts';

type Routers = readonly RouterDraft[];
type Services = readonly ServiceDraft[];

const namesOf = (routers: Routers): readonly string[] => routers.flatMap(({ name }) => name ?? []);

export function checkActive(services: Services, routers: Routers, rules: Rules): void {
  if (!rules.sound) return;
  const names = namesOf(routers);
  const homes = new Map(
    routers.flatMap((router) =>
      (router.addresses ?? []).flatMap(({ address }) => (address ? [[address.address, router] as const] : [])),
    ),
  );
  const byName = new Map(routers.map((router) => [router.name, router]));
  for (const service of services) {
    const { active, vrrp } = service;
    const at = placeOf(rules, service, vrrp ? 'vrrp' : 'active');
    if (vrrp && !byName.has(vrrp)) rules.error(at, sayIpvs.routerUnknown(vrrp, names));
    else if (active === 'master') followed(service, (address) => (vrrp ? byName.get(vrrp) : homes.get(address)), rules);
    else if (vrrp) rules.warn(at, sayIpvs.routerUnused());
  }
}

type Address = NonNullable<ServiceDraft['addresses']>[number]['address'];

/** Each of its services to the kernel must have a router to follow, and of its own family. */
function followed(service: ServiceDraft, routerAt: (address: Address) => RouterDraft | undefined, rules: Rules): void {
  const { addresses = [], fwmarks = [], vrrp } = service;
  const at = placeOf(rules, service, vrrp ? 'vrrp' : 'active');
  const needed = new Map<RouterDraft, Set<Family>>();
  const need = (address: Address, family: Family, what: string): void => {
    const router = routerAt(address);
    if (router === undefined) return rules.error(at, sayIpvs.noHome(what));
    needed.set(router, (needed.get(router) ?? new Set()).add(family));
  };
  for (const { address } of addresses) need(address, familyOf(address), address);
  const [mark] = fwmarks;
  if (mark !== undefined) {
    need(addresses[0]?.address ?? ('' as Address), familyOfItsMarks(service), `fwmark ${mark}`);
  }
  for (const [router, families] of needed)
    for (const family of families)
      if (!familiesIn(router).includes(family)) rules.error(at, sayIpvs.noFamily(router.name ?? '', family));
}

function familyOfItsMarks({ fwmarkFamily = null, servers = [] }: ServiceDraft): Family {
  const whole = servers.filter((s) => s.address !== undefined) as readonly ServerConfig[];
  return familyOfMarks({ fwmarkFamily, servers: whole });
}

export function checkIpvs(ipvs: IpvsDraft, services: Services, routers: Routers, rules: Rules): void {
  checkSync(ipvs, services, routers, rules);
  const { sysctl = {} } = ipvs;
  checkPairs(sysctl, rules);
  checkAgainst(sysctl, services, rules);
  checkConntrack(ipvs, services, rules);
}

function checkSync({ sync, sysctl }: IpvsDraft, services: Services, routers: Routers, rules: Rules): void {
  if (!sync) return;
  const names = namesOf(routers);
  if (rules.sound && sync.vrrp !== undefined && !names.includes(sync.vrrp))
    rules.error(placeOf(rules, sync, 'vrrp'), sayIpvs.routerUnknown(sync.vrrp, names));
  const ports = sysctl?.syncPorts ?? 1;
  if (sync.port !== undefined && sync.port + ports > 65536)
    rules.error(placeOf(rules, sync, 'port'), sayIpvs.portsAbove(sync.port, ports));
  for (const service of services) checkFamilies(service, rules);
}

/** The protocol of the synchronization has one family in a connection (ip_vs_add_dest, start_sync_thread). */
function checkFamilies(service: ServiceDraft, rules: Rules): void {
  const { addresses = [], fwmarks = [], servers = [] } = service;
  const families = new Set(addresses.map(({ address }) => familyOf(address)));
  if (fwmarks.length > 0) families.add(familyOfItsMarks(service));
  for (const server of servers) {
    if (server.address === undefined) continue;
    const own = familyOf(server.address.address);
    const other = [...families].find((family) => family !== own);
    if (other !== undefined) rules.error(placeOf(rules, server, 'address'), sayIpvs.mixedFamilies(own, other));
  }
}

type SysctlDraft = NonNullable<IpvsDraft['sysctl']>;

function checkPairs(sysctl: SysctlDraft, rules: Rules): void {
  const at = (name: keyof SysctlDraft): number => placeOf(rules, sysctl, name);
  const { syncThreshold, syncRetries, syncRefreshPeriod, amDroprate, dropPacket } = sysctl;
  if (syncThreshold) {
    const { threshold, period } = syncThreshold;
    if (period !== undefined && period > 0 && threshold >= period)
      rules.error(at('syncThreshold'), sayIpvs.thresholdOrder(threshold, period));
  }
  if (syncRetries && syncRefreshPeriod === 0) rules.warn(at('syncRetries'), sayIpvs.retriesUnused());
  if (amDroprate && isGiven(rules, sysctl, 'dropPacket') && dropPacket && dropPacket !== 'always')
    rules.warn(at('amDroprate'), sayIpvs.droprateUnused());
}

/** Only of what the file itself turns off: how the machine has the rest is not known here. Once each, with the first service. */
function checkAgainst(sysctl: SysctlDraft, services: Services, rules: Rules): void {
  const first = (
    name: keyof SysctlDraft,
    such: (service: ServiceDraft) => unknown,
    text: (s: string) => string,
  ): void => {
    const found = services.find(such);
    if (found !== undefined) rules.warn(placeOf(rules, sysctl, name), text(found.name ?? ''));
  };
  const { expireNodestConn, expireQuiescentTemplate, syncPersistMode, sloppyTcp } = sysctl;
  if (expireNodestConn === false)
    first('expireNodestConn', ({ onFailure }) => onFailure === 'remove', sayIpvs.connectionsHang);
  if (expireQuiescentTemplate === false)
    first(
      'expireQuiescentTemplate',
      ({ onFailure, persistence, checks = [] }) => onFailure === 'quiesce' && persistence && checks.length > 0,
      sayIpvs.clientsStay,
    );
  if (syncPersistMode === 1 && sloppyTcp === false)
    first('syncPersistMode', ({ persistence, protocol }) => persistence && protocol === 'tcp', sayIpvs.templatesAlone);
}
