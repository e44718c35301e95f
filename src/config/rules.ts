/**
 * Rules between options and between sections. Each runs on what could be read: a value that is missing here has been
 * reported already, and a rule that needs it says nothing. All of them are linear in the size of the file.
 */

import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import { placeOf, type Reading } from '../base/option.ts';
import type { Sysctls } from '../ipvs/sysctls.ts';
import type {
  AlertConfig,
  AuthConfig,
  CheckConfig,
  Config,
  HmacKeyConfig,
  IpvsConfig,
  PeerConfig,
  RouteConfig,
  RuleConfig,
  ServerConfig,
  ServiceConfig,
  SyncConfig,
  TrackConfig,
  VirtualAddress,
  VrrpConfig,
} from './config.ts';
import type { DiscoveryConfig } from './discovery-config.ts';
import { checkPeers } from './rules-director.ts';
import { checkActive, checkIpvs } from './rules-ipvs.ts';
import { checkPaths } from './rules-path.ts';
import { checkServices } from './rules-service.ts';
import { checkTracks } from './rules-track.ts';
import { checkRouters } from './rules-vrrp.ts';
import { say } from './say.ts';

/** One section, of which some values may be missing; of a union, each. */
export type Draft<T> = T extends unknown ? { readonly [K in keyof T]?: T[K] } : never;
/** One with lists of tables in it, of whose values some may be missing too. */
type With<T, Inner> = Draft<Omit<T, keyof Inner>> & { readonly [K in keyof Inner]?: Inner[K] };
type Drafts<T> = readonly Draft<T>[];
type Hmac = Extract<AuthConfig, { type: 'hmac' }>;
export type AuthDraft = Draft<Exclude<AuthConfig, Hmac>> | With<Hmac, { keys: Drafts<HmacKeyConfig> }>;
export type RouterDraft = With<
  VrrpConfig,
  {
    addresses: Drafts<VirtualAddress>;
    peers: Drafts<PeerConfig>;
    auth: AuthDraft | null;
    track: Drafts<TrackConfig>;
    routes: Drafts<RouteConfig>;
    rules: Drafts<RuleConfig>;
  }
>;
export type CheckDraft = Draft<CheckConfig>;
export type DiscoveryDraft = Draft<DiscoveryConfig>;
export type ServiceDraft = With<
  ServiceConfig,
  { checks: readonly CheckDraft[]; discovery: readonly DiscoveryDraft[]; servers: Drafts<ServerConfig> }
>;
export type IpvsDraft = With<IpvsConfig, { sysctl: Draft<Sysctls>; sync: Draft<SyncConfig> | null }>;
export type ConfigDraft = {
  readonly [K in keyof Omit<Config, 'ipvs'>]?: Config[K] extends readonly unknown[] ? unknown : Draft<Config[K]>;
} & {
  readonly ipvs?: IpvsDraft;
  readonly vrrp?: readonly RouterDraft[];
  readonly services?: readonly ServiceDraft[];
  readonly alerts?: readonly Draft<AlertConfig>[];
};

export type Rules = Reading & {
  /** The line of a place in the file. */
  line(at: number): number;
  /** Whether all of the file could be read: a rule about what is missing must not speak of what could not be read. */
  readonly sound: boolean;
};

export function checkConfig(config: ConfigDraft, rules: Rules): void {
  const { vrrp = [], ipvs = {}, services = [], alerts = [] } = config;
  if (rules.sound && vrrp.length === 0 && services.length === 0) rules.warn(-1, say.nothing());
  const virtual = checkRouters(vrrp, rules);
  checkTracks(vrrp, services, rules);
  checkServices(services, vrrp.length > 0, virtual, rules);
  checkActive(services, vrrp, rules);
  checkIpvs(ipvs, services, vrrp, rules);
  checkPaths(services, ipvs, rules);
  checkPeers(config.director ?? {}, config.metrics ?? {}, rules);
  checkNames(alerts, '[[alert]]', rules);
  for (const alert of alerts) {
    const command =
      alert.type === 'exec' ? (alert as Draft<Extract<AlertConfig, { type: 'exec' }>>).command : undefined;
    const program = command?.[0];
    if (command && program !== undefined && !program.startsWith('/'))
      rules.error(placeOf(rules, command, '0'), say.programPath(program));
  }
}

export function checkNames(sections: readonly { readonly name?: string }[], title: string, rules: Rules): void {
  unique(
    sections,
    ({ name }) => name,
    rules,
    (section, name, line) => {
      rules.error(placeOf(rules, section, 'name'), say.nameTwice(name, title, line));
    },
  );
}

/** Calls `again` for each item whose key an earlier one has, with the line where that one begins. */
export function unique<T extends object>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
  rules: Rules,
  again: (item: T, key: string, line: number) => void,
): void {
  const first = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, item);
    else again(item, key, rules.line(placeOf(rules, earlier)));
  }
}

/** The families that have virtual addresses, as far as could be read. */
export const familiesIn = ({ addresses = [] }: RouterDraft): readonly Family[] =>
  ([4, 6] as const).filter((family) =>
    addresses.some(({ address }) => address && familyOf(address.address) === family),
  );

export type Virtual = ReadonlySet<IpAddress>;
