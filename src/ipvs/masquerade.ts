/**
 * Full NAT: connections that IPVS has sent to a server leave with an address of the director as their source, so that the
 * server answers to the director without a route through it. Which connections, with which source, to which servers.
 *
 * IPVS alone rewrites the destination. With `net.ipv4.vs.conntrack` = 1 its connections are in netfilter's connection
 * tracking too (ip_vs_nfct.c), each known by what the client asked for, and there source NAT applies to them.
 */

import { type Family, formatEndpoint, type IpAddress } from '../base/address.ts';
import { familyOfMarks, idsOf, type PortRange, type ServerDefinition, type ServiceDefinition } from './desired.ts';
import type { SettingsDefinition, Wanted } from './settings.ts';
import { type Protocol, serviceKey, type Table } from './table.ts';

/** Of a service: not at all, with the address of the outgoing interface, or with this one. */
export type Masquerade = boolean | IpAddress;

export type MasqueradedService = ServiceDefinition & {
  readonly masquerade: Masquerade;
  readonly sorryServers: readonly ServerDefinition['address'][];
};

/** What clients use, by which their connections are known. Port 0: every port that no other one has. */
export type Listener =
  | { readonly protocol: Protocol; readonly range: PortRange; readonly fwmark?: undefined }
  | { readonly fwmark: number; readonly family: Family };

/** The source that servers see: an address of the outgoing interface, this address, or still the client's. */
export type Source = 'interface' | 'client' | IpAddress;

export type Rule = { readonly listener: Listener; readonly source: Source };

/** `rules` by `listenerKey`. Only what goes to one of `servers` is masqueraded. */
export type Masquerading = { readonly rules: ReadonlyMap<string, Rule>; readonly servers: ReadonlySet<IpAddress> };

export const NO_MASQUERADING: Masquerading = { rules: new Map(), servers: new Set() };

/** `tcp 192.0.2.10:8000-8010`, `fwmark 7 IPv6` */
export function listenerKey(listener: Listener): string {
  if (listener.fwmark !== undefined) return serviceKey(listener);
  const { protocol, range } = listener;
  return `${protocol} ${formatEndpoint(range)}${range.lastPort === range.port ? '' : `-${range.lastPort}`}`;
}

export const masqueradingOf = (rules: Iterable<Rule>, servers: Iterable<IpAddress>): Masquerading => ({
  rules: new Map([...rules].map((rule) => [listenerKey(rule.listener), rule])),
  servers: new Set(servers),
});

/** `kernel`: its IPVS table. Servers that are leaving are there and no longer in the config, and clients may still have them. */
export function wantedMasquerading(services: readonly MasqueradedService[], kernel: Table): Masquerading {
  const ours = services.filter(isMasqueraded);
  if (ours.length === 0) return NO_MASQUERADING;
  const others = services.filter((service) => !isMasqueraded(service));
  return masqueradingOf(
    [...exceptions(others, ours), ...ours.flatMap(rulesOf)],
    ours.flatMap((service) => serversOf(service, kernel)),
  );
}

export const isMasqueraded = ({ masquerade }: Pick<MasqueradedService, 'masquerade'>): boolean => masquerade !== false;

const listenersOf = (service: MasqueradedService): readonly Listener[] => [
  ...service.addresses.map((range) => ({ protocol: service.protocol, range })),
  ...service.fwmarks.map((fwmark) => ({ fwmark, family: familyOfMarks(service) })),
];

const rulesOf = (service: MasqueradedService): readonly Rule[] =>
  listenersOf(service).map((listener) => ({ listener, source: sourceOf(service) }));

function sourceOf({ masquerade }: MasqueradedService): Source {
  if (masquerade === false) return 'client';
  return masquerade === true ? 'interface' : masquerade;
}

/** What is not to be masqueraded though its packets may look like those of another service, as the kernel chooses: marks come first, every port comes last. */
function exceptions(others: readonly MasqueradedService[], ours: readonly MasqueradedService[]): readonly Rule[] {
  const wide = new Set(
    ours.flatMap(({ protocol, addresses }) =>
      addresses.filter(({ port }) => port === 0).map(({ address }) => `${protocol} ${address}`),
    ),
  );
  return others
    .flatMap(rulesOf)
    .filter(
      ({ listener }) => listener.fwmark !== undefined || wide.has(`${listener.protocol} ${listener.range.address}`),
    );
}

const serversOf = (service: MasqueradedService, kernel: Table): readonly IpAddress[] => [
  ...service.servers.map(({ address }) => address.address),
  ...service.sorryServers.map(({ address }) => address),
  ...idsOf(service).flatMap((id) => {
    const there = kernel.get(serviceKey(id))?.destinations ?? [];
    return there.filter(({ forward }) => forward === 'nat').map(({ address }) => address.address);
  }),
];

/** The settings of IPVS with what masquerading needs of them. */
export function withConntrack<S extends SettingsDefinition>(
  settings: S,
  services: readonly Pick<MasqueradedService, 'masquerade'>[],
): S {
  return services.some(isMasqueraded) ? { ...settings, sysctl: { ...settings.sysctl, conntrack: true } } : settings;
}

/** What a director that ends and leaves its services leaves for them. */
export const CONNTRACK_ALONE: Wanted = { values: new Map([['net.ipv4.vs.conntrack', '1']]), daemon: null };

/** One difference, as `plan` has it. */
export type MasqueradingChange = { readonly sign: '+' | '~' | '-'; readonly what: string };

/** In words, one line each; empty when the two are the same. */
export function differences(before: Masquerading, after: Masquerading): readonly MasqueradingChange[] {
  const changes: MasqueradingChange[] = [];
  for (const [key, { source }] of after.rules) {
    const was = before.rules.get(key)?.source;
    if (was === undefined) changes.push({ sign: '+', what: `source of ${key}: ${say(source)}` });
    else if (was !== source) changes.push({ sign: '~', what: `source of ${key}: ${say(was)} → ${say(source)}` });
  }
  for (const [key, { source }] of before.rules)
    if (!after.rules.has(key)) changes.push({ sign: '-', what: `source of ${key}: ${say(source)}` });
  const server = (sign: '+' | '-', address: IpAddress) => ({ sign, what: `source NAT towards server ${address}` });
  for (const address of after.servers) if (!before.servers.has(address)) changes.push(server('+', address));
  for (const address of before.servers) if (!after.servers.has(address)) changes.push(server('-', address));
  return changes;
}

function say(source: Source): string {
  if (source === 'client') return "the client's own address";
  return source === 'interface' ? 'the address of the interface' : source;
}

export const isNoMasquerading = ({ rules, servers }: Masquerading): boolean => rules.size + servers.size === 0;
