/** Rules of [[service]]: what IPVS can do (ip_vs_ctl.c), and what would never work though it can be written down. */

import { BITS, type Endpoint, type Family, familyOf } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import { familyOfMarks, type PortRange } from '../ipvs/desired.ts';
import { type Forward, flagBits, serviceKey, type Tunnel } from '../ipvs/table.ts';
import type { ServerConfig, ServiceConfig } from './config.ts';
import { writePortRange, writeServerAddress } from './options-service.ts';
import { checkNames, type Rules, type ServiceDraft, unique, type Virtual } from './rules.ts';
import { checkChecks } from './rules-check.ts';
import { checkDiscovery } from './rules-discovery.ts';
import { checkMasquerade } from './rules-masquerade.ts';
import { checkPool, sorryPlaces } from './rules-pool.ts';
import { say } from './say.ts';

/** What one [[service]] may be to the kernel; more is the work of a firewall mark. */
const MOST_KERNEL_SERVICES = 10_000;
/** Of all that are more than one to the kernel, with their servers: what a short file can ask for has an end. */
const MOST_KERNEL_ENTRIES = 1_000_000;

/** `floats`: whether the file has any [[vrrp]]; without, somebody else sees to the addresses. */
export function checkServices(
  services: readonly ServiceDraft[],
  floats: boolean,
  virtual: Virtual,
  rules: Rules,
): void {
  checkNames(services, '[[service]]', rules);
  const first = new Map<string, ServiceDraft>();
  let entries = 0;
  for (const service of services) {
    const many = kernelServices(service);
    if (many > 1) entries += many * (1 + (service.servers?.length ?? 0));
    if (entries > MOST_KERNEL_ENTRIES)
      return rules.error(placeOf(rules, service, 'addresses'), say.tooManyEntries(MOST_KERNEL_ENTRIES));
    checkListeners(service, floats, virtual, rules);
    checkUnique(service, first, rules);
    checkScheduling(service, rules);
    checkServers(service, rules);
    checkDiscovery(service, rules);
    checkPool(service, rules);
    checkMasquerade(service, rules);
    checkChecks(service, virtual, rules);
  }
  checkUnchecked(services, rules);
}

/** How many services without a check are told one by one; of more there is one warning, lest it hide the others. */
const TOLD_ALONE = 3;

function checkUnchecked(services: readonly ServiceDraft[], rules: Rules): void {
  const unchecked = services.filter(({ checks }) => checks?.length === 0);
  const [first] = unchecked;
  if (first !== undefined && unchecked.length > TOLD_ALONE) {
    const names = unchecked.slice(0, TOLD_ALONE).map(({ name = '' }) => name);
    return rules.warn(placeOf(rules, first), say.noChecks(names, unchecked.length));
  }
  for (const service of unchecked) rules.warn(placeOf(rules, service), say.noCheck(service.name ?? ''));
}

/** Where one of the addresses of a service is written. */
const atAddress = (rules: Rules, service: ServiceDraft, i: number): number =>
  service.addresses ? placeOf(rules, service.addresses, String(i)) : placeOf(rules, service, 'addresses');

function checkListeners(service: ServiceDraft, floats: boolean, virtual: Virtual, rules: Rules): void {
  const { addresses, fwmarks, persistence } = service;
  if (addresses === undefined || fwmarks === undefined) return;
  // Where one is there that could not be read, that has been told.
  const given = isGiven(rules, service, 'addresses') || isGiven(rules, service, 'fwmarks');
  if (addresses.length + fwmarks.length === 0 && (rules.sound || !given))
    rules.error(placeOf(rules, service), say.noListener());
  for (const [i, { address, port }] of addresses.entries()) {
    if (floats && rules.sound && !virtual.has(address))
      rules.warn(atAddress(rules, service, i), say.notFloated(address));
    if (port === 0 && persistence === null) rules.error(atAddress(rules, service, i), say.everyPort());
  }
  if (fwmarks.length === 0 && service.fwmarkFamily) rules.warn(placeOf(rules, service, 'fwmarkFamily'), say.noMarks());
}

/** How many services the kernel has for it. */
const kernelServices = ({ addresses = [], fwmarks = [] }: ServiceDraft): number =>
  addresses.reduce((sum, { port, lastPort }) => sum + lastPort - port + 1, fwmarks.length);

/** No two services may be one to the kernel, and no service too many. */
function checkUnique(service: ServiceDraft, first: Map<string, ServiceDraft>, rules: Rules): void {
  const { addresses = [], protocol, fwmarks = [] } = service;
  const many = kernelServices(service);
  if (many > MOST_KERNEL_SERVICES)
    return rules.error(placeOf(rules, service, 'addresses'), say.tooManyPorts(many, MOST_KERNEL_SERVICES));
  const claim = (key: string, at: number): boolean => {
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, service);
    else rules.error(at, say.serviceTwice(key, rules.line(placeOf(rules, earlier))));
    return earlier === undefined;
  };
  for (const [i, { address, port, lastPort }] of distinct(addresses, writePortRange))
    for (let p = port; protocol !== undefined && p <= lastPort; p++)
      if (!claim(serviceKey({ protocol, address: { address, port: p } }), atAddress(rules, service, i))) break;
  const family = familyOfMarks({ fwmarkFamily: service.fwmarkFamily ?? null, servers: wholeServers(service) });
  for (const [i, fwmark] of distinct(fwmarks, String))
    claim(serviceKey({ fwmark, family }), placeOf(rules, fwmarks, String(i)));
}

/** The first of each with its place in the list: of the others it has been told that they are there twice. */
function distinct<T>(values: readonly T[], keyOf: (value: T) => string): readonly (readonly [number, T])[] {
  const seen = new Set<string>();
  return [...values.entries()].filter(([, value]) => {
    const key = keyOf(value);
    return seen.size < seen.add(key).size;
  });
}

/** Of the servers, those whose address could be read. */
const wholeServers = ({ servers = [] }: ServiceDraft): readonly ServerConfig[] =>
  servers.filter((server) => server.address !== undefined) as readonly ServerConfig[];

function checkScheduling(service: ServiceDraft, rules: Rules): void {
  const { scheduler, flags, ops, protocol, persistence, persistenceEngine: engine } = service;
  const at = (key: keyof ServiceConfig): number => placeOf(rules, service, key);
  for (const [i, flag] of (flags ?? []).entries())
    if (scheduler !== undefined && flagBits(scheduler, [flag], false) === undefined)
      rules.error(placeOf(rules, flags ?? [], String(i)), say.strangeFlag(flag, scheduler));
  const streams = protocol !== undefined && protocol !== 'udp' && (service.addresses?.length ?? 0) > 0;
  if (ops && streams) rules.error(at('ops'), say.opsOfStreams(protocol));
  if (engine && streams) rules.error(at('persistenceEngine'), say.engineOfStreams(engine, protocol));
  if (persistence !== null) return;
  if (engine) rules.error(at('persistenceEngine'), say.notPersistent('persistence_engine'));
  for (const [key, name, whole] of [
    ['persistenceGranularity', 'persistence_granularity', BITS[4]],
    ['persistenceGranularityIpv6', 'persistence_granularity_ipv6', BITS[6]],
  ] as const)
    if ((service[key] ?? whole) !== whole) rules.error(at(key), say.notPersistent(name));
}

function checkServers(service: ServiceDraft, rules: Rules): void {
  const { servers, forward } = service;
  checkTunnel(service, service.tunnel, forward !== undefined && !forwards(service, 'tun'), rules);
  if (servers === undefined) return;
  checkNames(servers, '[[service.server]]', rules);
  unique(
    servers,
    (s) => s.address && writeServerAddress(s.address),
    rules,
    (server, key, line) => {
      rules.error(placeOf(rules, server, 'address'), say.serverTwice(key, line));
    },
  );
  if (servers.length > 0 && servers.every((s) => s.weight === 0)) rules.warn(placeOf(rules, service), say.allZero());
  const reach = reachOf(service);
  for (const server of servers) {
    const by = server.forward === null ? forward : server.forward;
    checkTunnel(server, server.tunnel, by !== undefined && by !== 'tun', rules);
    if (server.lowerThreshold && server.upperThreshold !== undefined && server.lowerThreshold > server.upperThreshold)
      rules.error(
        placeOf(rules, server, 'lowerThreshold'),
        say.thresholds(server.lowerThreshold, server.upperThreshold),
      );
    const why = by && server.address && unreachable(reach, by, server.address);
    if (why !== undefined) rules.error(placeOf(rules, server, 'address'), why);
  }
  if (forward === undefined) return;
  for (const [to, at] of sorryPlaces(service, rules)) {
    const why = unreachable(reach, forward, to);
    if (why !== undefined) rules.error(at, why);
  }
}

/** Whether some server of the service is reached that way. */
const forwards = ({ forward, servers = [] }: ServiceDraft, by: Forward): boolean =>
  forward === by || servers.some((server) => server.forward === by);

/** `unused`: nobody forwards by it. */
export function checkTunnel(of: object, tunnel: Tunnel | null | undefined, unused: boolean, rules: Rules): void {
  if (!tunnel) return;
  const at = (key: string): number => placeOf(rules, tunnel, key);
  if (unused) rules.error(placeOf(rules, of, 'tunnel'), say.noTunnel());
  else if (tunnel.type === 'gue' && tunnel.port === 0) rules.error(at('port'), say.guePort());
  else if (tunnel.type !== 'gue' && tunnel.port !== 0) rules.error(at('port'), say.notOfTunnel('port', tunnel.type));
  else if (tunnel.type === 'ipip' && tunnel.checksum !== 'none')
    rules.error(at('checksum'), say.notOfTunnel('checksum', tunnel.type));
  else if (tunnel.type === 'gre' && tunnel.checksum === 'remcsum') rules.error(at('checksum'), say.remcsum());
}

/** What packets of a service come for: the families of its packets and its addresses, the same for all its servers. */
export type Reach = { readonly families: ReadonlySet<Family>; readonly addresses: readonly PortRange[] };
export function reachOf(service: ServiceDraft): Reach {
  const { addresses = [], fwmarks = [] } = service;
  const families = new Set(addresses.map(({ address }) => familyOf(address)));
  if (fwmarks.length > 0)
    families.add(familyOfMarks({ fwmarkFamily: service.fwmarkFamily ?? null, servers: wholeServers(service) }));
  return { families, addresses };
}

/** Why packets for some address cannot get to the server that way. */
export function unreachable({ families, addresses }: Reach, by: Forward, to: Endpoint): string | undefined {
  const theirs = familyOf(to.address);
  if (by !== 'tun') for (const ours of families) if (ours !== theirs) return say.familiesMixed(by, theirs, ours);
  if (to.port === 0) return undefined;
  for (const { port, lastPort } of addresses) {
    if (port === 0) return say.everyPortServer();
    if (by !== 'nat' && (port !== to.port || lastPort !== port))
      return say.portKept(by, lastPort === port ? port : null);
  }
  return undefined;
}
