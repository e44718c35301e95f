/**
 * From what a discovery lists to servers of a service. Whatever cannot be one is skipped, and why is said; the rest is
 * taken: no bad entry stands in the way of a good one. What the file says of an address comes first.
 */

import { type Endpoint, familyOf, formatEndpoint } from '../base/address.ts';
import { inFile } from '../base/option.ts';
import { name as nameKind } from '../base/option-net.ts';
import type { SdTarget } from '../wire/prometheus-sd.ts';
import type { ServerConfig, ServiceConfig } from './config.ts';
import type { DiscoveryConfig, LabelConfig } from './discovery-config.ts';
import { SERVERS_OF_A_SERVICE } from './options.ts';
import { parseServerAddress, writeServerAddress } from './options-service.ts';
import { type Reach, reachOf, unreachable } from './rules-service.ts';
import { saySkipped } from './say-discovery.ts';
import { commonPort, describeServer } from './service-words.ts';

/** A server as it was found. `null`: it was not said. */
export type Target = {
  readonly name: string | null;
  /** Port 0: none was said. */
  readonly address: Endpoint;
  readonly weight: number | null;
};

/** `skipped`: what was wrong with entries, one sentence each, which begins with the entry. */
export type Targets = { readonly targets: readonly Target[]; readonly skipped: readonly string[] };

/** The targets of a list with labels. */
export function readTargets(
  listed: readonly SdTarget[],
  config: Pick<DiscoveryConfig, 'weight'> & LabelConfig,
): Targets {
  const skipped: string[] = [];
  const targets = listed.flatMap(({ target, labels }): Target[] => {
    const address = parseServerAddress(target);
    if (!address.ok) {
      skipped.push(`${target} ${saySkipped.noAddress(address.error)}`);
      return [];
    }
    const weight = labels[config.weightLabel];
    const name = config.nameLabel === null ? undefined : labels[config.nameLabel];
    const [goodWeight, goodName] = [weightIn(weight), isName(name)];
    if (weight !== undefined && goodWeight === null)
      skipped.push(`${target} ${saySkipped.badWeight(config.weightLabel, weight, config.weight)}`);
    if (name !== undefined && !goodName) skipped.push(`${target} ${saySkipped.badName(config.nameLabel ?? '', name)}`);
    return [{ address: address.value, weight: goodWeight, name: goodName ? (name ?? null) : null }];
  });
  return { targets, skipped };
}

const weightIn = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : null;

function isName(text: string | undefined): boolean {
  let good = true;
  const fault = (): void => {
    good = false;
  };
  if (text === undefined) return false;
  nameKind.read(inFile(text, 0), 'name', { error: fault, warn: fault, facts: {}, places: new Map() });
  return good;
}

/** Those that can be servers of the service, each once, with the port that the discovery gives. */
export function usable(service: ServiceConfig, discovery: DiscoveryConfig, found: readonly Target[]): Targets {
  const judge = judgeOf(service, discovery);
  const seen = new Set<string>();
  const skipped: string[] = [];
  const targets: Target[] = [];
  for (const target of found) {
    const { address, port } = target.address;
    const at = { address, port: port === 0 ? (discovery.port ?? 0) : port };
    const key = describeServer(service, at);
    const why = seen.has(key) ? saySkipped.twice() : seen.size >= MOST ? saySkipped.tooMany(MOST) : judge(at);
    seen.add(key);
    if (why === undefined) targets.push({ ...target, address: at });
    else skipped.push(`${writeServerAddress(target.address)} ${why}`);
  }
  return { targets, skipped };
}

const MOST = SERVERS_OF_A_SERVICE.most;

/** What says why an address can be no server of the service, by the rules that a [[service.server]] obeys. */
function judgeOf(service: ServiceConfig, discovery: DiscoveryConfig): (at: Endpoint) => string | undefined {
  const { masquerade, checks, sorryServers } = service;
  const sorry = new Set(sorryServers.map((address) => describeServer(service, address)));
  const reach: Reach = reachOf(service);
  const forward = discovery.forward ?? service.forward;
  const probed = checks.some(({ port }) => port === null) && commonPort(service) === undefined;
  const source = checks.map((check) => check.source).find((address) => address !== null);
  return (at) => {
    const why = unreachable(reach, forward, at);
    if (why !== undefined) return `cannot be reached: ${why}`;
    const strange = (address: Endpoint['address']): boolean => familyOf(address) !== familyOf(at.address);
    if (sorry.has(describeServer(service, at))) return saySkipped.isSorry();
    if (source != null && strange(source)) return saySkipped.sourceFamily(source);
    if (typeof masquerade === 'string' && strange(masquerade)) return saySkipped.masqueradeFamily(masquerade);
    return at.port === 0 && probed ? saySkipped.noPort() : undefined;
  };
}

/** What has been found for a service, by the name of the discovery. */
export type Found = ReadonlyMap<string, readonly Target[]>;
export type WithDiscovered = {
  /** The very same where nothing was found. */
  readonly service: ServiceConfig;
  /** The discovery that each server is of which the file does not have, by `describeServer`. */
  readonly of: ReadonlyMap<string, string>;
  /** What has no place, one sentence each. */
  readonly skipped: readonly string[];
};

/** The service with the servers that were found for it, behind those of the file; an earlier discovery comes first. */
export function withDiscovered(service: ServiceConfig, found: Found): WithDiscovered {
  const of = new Map<string, string>();
  const skipped: string[] = [];
  const there = new Set(service.servers.map(({ address }) => describeServer(service, address)));
  const names = new Set(service.servers.map(({ name }) => name));
  const added: ServerConfig[] = [];
  for (const discovery of service.discovery)
    for (const target of usable(service, discovery, found.get(discovery.name) ?? []).targets) {
      const key = describeServer(service, target.address);
      if (there.has(key)) continue;
      const own = writeServerAddress(target.address);
      const name = target.name !== null && !names.has(target.name) ? target.name : own;
      const why = names.has(name)
        ? saySkipped.nameTaken(name)
        : there.size < MOST
          ? undefined
          : saySkipped.tooMany(MOST);
      if (why !== undefined) {
        skipped.push(`${formatEndpoint(target.address)} ${why}`);
        continue;
      }
      there.add(key);
      names.add(name);
      of.set(key, discovery.name);
      added.push(serverOf(discovery, target, name));
    }
  return {
    service: added.length === 0 ? service : { ...service, servers: [...service.servers, ...added] },
    of,
    skipped,
  };
}

const serverOf = (discovery: DiscoveryConfig, { address, weight }: Target, name: string): ServerConfig => ({
  ...{ name, address, weight: weight ?? discovery.weight },
  ...{ forward: discovery.forward, tunnel: discovery.tunnel },
  ...{ upperThreshold: discovery.upperThreshold, lowerThreshold: discovery.lowerThreshold },
});
