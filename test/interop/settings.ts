/**
 * What a virtual router is told, in the protocol's own words, and how each of the three says it in its configuration. One
 * description serves both sides of a pair, so that what a case does not name is the same on both.
 */

import { linkLocal, network } from './segment.ts';
import type { Family } from './tape.ts';

export type RouterSettings = {
  readonly name: string;
  readonly interface: string;
  readonly routerId: number;
  readonly version: 2 | 3;
  readonly priority: number;
  /** In milliseconds: version 2, whole seconds. */
  readonly interval: number;
  /** With prefix length; of both families: two virtual routers, that fail over together where the product can do that. */
  readonly addresses: readonly string[];
  readonly preempt: boolean;
  /** Adverts go to the other side's address alone. */
  readonly unicast: boolean;
  /** Version 2's simple text password; `null`: none. */
  readonly password: string | null;
  // What only lvskeeper has.
  readonly checksum: 'pseudo-header' | 'message';
  readonly downCount: number;
  readonly virtualMac: boolean;
  /** Of a unicast peer's adverts: those with a lower TTL or hop limit are refused. */
  readonly minTtl: number;
};

/** All virtual routers of one side; more than one are a sync group. */
export type Settings = readonly RouterSettings[];

/**
 * Short, so that the suite is; the guest, whose one CPU is slow, needs longer ones to be on time. Version 2 knows only
 * whole seconds.
 */
export const INTERVAL = process.env.LAB_KERNEL === 'guest' ? 600 : 200;

export const VIP4 = '10.77.0.100/24';
export const VIP6 = ['fe80::100/64', 'fd77::100/64'] as const;

export const DEFAULTS: RouterSettings = {
  name: 'edge',
  interface: 'eth0',
  routerId: 51,
  version: 3,
  priority: 100,
  interval: INTERVAL,
  addresses: [VIP4],
  preempt: true,
  unicast: false,
  password: null,
  checksum: 'pseudo-header',
  downCount: 3,
  virtualMac: false,
  minTtl: 255,
};

/** The last parts of the addresses of who is told this and of who is on the other side, and where secrets may lie. */
export type Place = { readonly own: number; readonly other: number; readonly secret: (text: string) => string };

/** Without its prefix length. */
export const bare = (address: string): string => address.split('/')[0] ?? address;
export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
export const addressesOf = ({ addresses }: RouterSettings, family: Family): string[] =>
  addresses.filter((one) => familyOf(one) === family);
export const familiesOf = (router: RouterSettings): Family[] =>
  ([4, 6] as const).filter((family) => addressesOf(router, family).length > 0);
/** The number N of the interface `ethN`, which is that of its wire. */
export const wireOf = ({ interface: name }: RouterSettings): number => Number(name.slice(3));
export const bareAddresses = ({ addresses }: RouterSettings): string[] => addresses.map(bare);

const quoted = (texts: readonly string[]): string => `[${texts.map((one) => `"${one}"`).join(', ')}]`;

/**
 * A new master announces itself a second time after so many seconds: when no story goes on any more. At the default of 5 s
 * that may fall on the very moment that it is displaced, and the client then believes whoever spoke last.
 */
const LATER = 60;

/** lvskeeper.toml: says what differs from the defaults of the product. */
export function lvskeeperToml(settings: Settings, { own, other, secret }: Place): string {
  return settings
    .map((router) => {
      const at = (number: number): string[] =>
        familiesOf(router).map((family) => `${network(family, wireOf(router))}${number}`);
      const peers = at(other).map((one) =>
        router.minTtl === 255 ? `"${one}"` : `{ address = "${one}", min_ttl = ${router.minTtl} }`,
      );
      const unicast = router.unicast ? [`source = ${quoted(at(own))}`, `peers = [${peers.join(', ')}]`] : [];
      const { password } = router;
      return [
        '[[vrrp]]',
        `name = "${router.name}"`,
        `interface = "${router.interface}"`,
        `router_id = ${router.routerId}`,
        `priority = ${router.priority}`,
        `interval = "${router.interval}ms"`,
        `announce_delay = "${LATER}s"`,
        `addresses = ${quoted(router.addresses)}`,
        ...(router.version === 2 ? ['version = 2'] : []),
        ...(router.preempt ? [] : ['preempt = false']),
        ...(router.checksum === 'message' ? ['checksum = "message"'] : []),
        ...(router.downCount === 3 ? [] : [`down_count = ${router.downCount}`]),
        ...(router.virtualMac ? ['virtual_mac = true'] : []),
        ...(settings.length > 1 ? ['sync_group = "together"'] : []),
        ...unicast,
        ...(password === null ? [] : [`auth = { type = "pass", file = "${secret(password)}" }`]),
        '',
      ].join('\n');
    })
    .join('\n');
}

/** keepalived.conf: an instance has addresses of one family, so a router of both is two, in a sync group. */
export function keepalivedConf(settings: Settings, { own, other }: Place): string {
  const instances = settings.flatMap((router) =>
    familiesOf(router).map((family) => ({ ...router, family, name: `${router.name}${family}` })),
  );
  const texts = instances.map((router) => {
    const at = (number: number): string => `${network(router.family, wireOf(router))}${number}`;
    const { password } = router;
    return block(`vrrp_instance ${router.name}`, [
      'state BACKUP',
      `interface ${router.interface}`,
      `virtual_router_id ${router.routerId}`,
      `version ${router.version}`,
      `priority ${router.priority}`,
      `advert_int ${router.interval / 1000}`,
      `garp_master_delay ${LATER}`,
      ...(router.preempt ? [] : ['nopreempt']),
      ...(router.unicast ? [`unicast_src_ip ${at(own)}`, ...block('unicast_peer', [at(other)])] : []),
      ...(password === null ? [] : block('authentication', ['auth_type PASS', `auth_pass ${password}`])),
      ...block('virtual_ipaddress', addressesOf(router, router.family)),
    ]);
  });
  const names = instances.map(({ name }) => name);
  const group = names.length > 1 ? block('vrrp_sync_group together', block('group', names)) : [];
  return [...texts.flat(), ...group, ''].join('\n');
}

const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
];

/** vrrpd.conf: a router of both families is one there, whose two halves are elected each by itself. */
export function frrConf(settings: Settings): string {
  const lines = settings.flatMap((router) => {
    const vrrp = `vrrp ${router.routerId}`;
    return [
      `interface ${router.interface}`,
      `  ${vrrp} version ${router.version}`,
      `  ${vrrp} priority ${router.priority}`,
      `  ${vrrp} advertisement-interval ${router.interval}`,
      ...(router.preempt ? [] : [`  no ${vrrp} preempt`]),
      ...router.addresses.map((one) => `  ${vrrp} ${familyOf(one) === 4 ? 'ip' : 'ipv6'} ${bare(one)}`),
      'exit',
    ];
  });
  return ['debug vrrp protocol', ...lines, ''].join('\n');
}

export const frrInterface = ({ routerId }: RouterSettings, family: Family): string => `vrrp${family}-${routerId}`;

/** What FRR wants its administrator to make: an interface a family with the virtual MAC and the addresses. */
export function frrInterfaces(settings: Settings, own: number): string[] {
  return settings.flatMap((router) =>
    familiesOf(router).flatMap((family) => {
      const name = frrInterface(router, family);
      const mac = virtualMac(family, router.routerId);
      const address = (one: string): string => `address add ${one} dev ${name} ${family === 6 ? 'nodad' : ''}`;
      return [
        `link add ${name} link ${router.interface} address ${mac} type macvlan mode bridge`,
        `link set ${name} addrgenmode none`,
        ...addressesOf(router, family).map(address),
        // The last link-local one comes first in the kernel's list, and is the source of its adverts.
        ...(family === 6 ? [address(`${linkLocal(own)}:1/64`)] : []),
        `link set ${name} up`,
      ];
    }),
  );
}

/** 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6 (RFC 9568, 7.3). */
export const virtualMac = (family: Family, routerId: number): string =>
  `00:00:5e:00:0${family === 4 ? 1 : 2}:${routerId.toString(16).padStart(2, '0')}`;
