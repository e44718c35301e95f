/**
 * The macvlan with a virtual router's MAC (RFC 9568, 7.3), on which its addresses are and from which its adverts go. It
 * is there as long as the router runs, whatever its state.
 *
 * A macvlan is found again by what it is: its parent and its MAC. That it is ours stands in its alias (`ip link` shows
 * it), with the parent's settings as they were: `lvskeeper arp_ignore=0`. So nothing need be remembered elsewhere, and
 * whoever finds it after a crash can adopt it, or delete it and put the parent right.
 *
 * In private mode a frame from the virtual MAC, a peer's advert as well, reaches the macvlan and not the parent: a
 * router with a virtual MAC hears its multicast there.
 */

import type { Family } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { takingTurns } from '../base/turns.ts';
import type { Link, Rtnetlink } from '../system/rtnetlink.ts';
import { openSysctl, type Sysctl } from '../system/sysctl.ts';
import { type MacAddress, mac } from '../wire/ethernet.ts';

export type VirtualMacPorts = {
  readonly rtnetlink: Rtnetlink;
  /** Default: this network namespace's. */
  readonly sysctl?: Sysctl;
  /** A setting that the kernel refused: the router works all the same, but perhaps not for everybody. */
  readonly trouble: (what: string, detail: string) => void;
};

export type VirtualMacOptions = VirtualMacPorts & {
  /** The parent: the router's interface. */
  readonly interface: string;
  readonly routerId: number;
  readonly family: Family;
};

export type VirtualMac = {
  readonly name: string;
  readonly index: number;
  /** The parent's index. When its name has another one, the macvlan went with its parent: open it anew. */
  readonly parent: number;
  readonly mac: MacAddress;
  /**
   * Whether packets that come to the virtual MAC are routed on, as the parent would: a master's are, a backup must discard
   * them (RFC 9568, 6.4.2), for a switch may flood them to it. Not until it is asked for.
   */
  forward(on: boolean): void;
  /** Deletes it, and gives the parent its settings back when it was the last of ours there. */
  close(): Promise<void>;
};

type Ports = Required<VirtualMacPorts>;
type Options = VirtualMacOptions & Ports;

/** 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6 (RFC 9568, 7.3). */
export const virtualMacOf = (routerId: number, family: Family): MacAddress =>
  mac(`00:00:5e:00:0${family === 4 ? 1 : 2}:${routerId.toString(16).padStart(2, '0')}`);

/** What the macvlan must be set to, before it comes up. */
const OWN: Readonly<Record<Family, readonly (readonly [family: string, setting: string, value: string])[]>> = {
  4: [
    // It has no business with IPv6, and its MAC would give it the same link-local address on every director.
    ['ipv6', 'disable_ipv6', '1'],
    // Answers for its own addresses alone, not for those of the parent.
    ['ipv4', 'arp_ignore', '1'],
    // Takes what comes from an address of this machine: a peer may be given one of ours.
    ['ipv4', 'accept_local', '1'],
    // An address that goes takes no other with it.
    ['ipv4', 'promote_secondaries', '1'],
  ],
  6: [
    // It has no business with IPv4, and would answer ARP for every address of this machine, on the backup too.
    ['ipv4', 'arp_ignore', '8'],
    ['ipv6', 'disable_ipv6', '0'],
    // No link-local address from the MAC (IN6_ADDR_GEN_MODE_NONE), and none that a router on the segment suggests.
    ['ipv6', 'addr_gen_mode', '1'],
    ['ipv6', 'autoconf', '0'],
    ['ipv6', 'accept_ra', '0'],
  ],
};

/**
 * What the parent must be set to at least, for IPv4: not to answer for the macvlan's addresses with its own MAC
 * (arp_ignore), and not to ask for a neighbour in their name (arp_announce), from which neighbours would learn it too.
 */
const PARENT = { arp_ignore: 1, arp_announce: 2 } as const;
type ParentSetting = keyof typeof PARENT;
const PARENT_SETTINGS = Object.keys(PARENT) as readonly ParentSetting[];

/** One after the other, since they look at what is there before they decide. */
const inTurn = takingTurns();

/** Makes it, or adopts the one that is there. The error says what, where and the kernel's words. */
export const openVirtualMac = (options: VirtualMacOptions): Promise<Result<VirtualMac, string>> =>
  inTurn(() => open({ sysctl: openSysctl(), ...options }));

/** Deletes those of ours whose index is not in `used`: a process that died left them. */
export const clearVirtualMacs = (options: VirtualMacPorts, used: ReadonlySet<number>): Promise<void> =>
  inTurn(async () => {
    const ports = { sysctl: openSysctl(), ...options };
    const links = await ports.rtnetlink.links();
    if (!links.ok) return ports.trouble('links could not be read', links.error.message);
    for (const link of links.value) if (isOurs(link) && !used.has(link.index)) await remove(ports, link);
  });

async function open(options: Options): Promise<Result<VirtualMac, string>> {
  const { rtnetlink, routerId, family } = options;
  const wanted = virtualMacOf(routerId, family);
  const links = await rtnetlink.links();
  if (!links.ok) return err(`links could not be read: ${links.error.message}`);
  const parent = links.value.find(({ name }) => name === options.interface);
  if (parent === undefined)
    return err(`no macvlan with the MAC ${wanted}: interface ${options.interface} does not exist`);
  const there = links.value.find((link) => isOn(parent, link) && link.mac === wanted);
  if (there !== undefined && !isOurs(there))
    return err(
      `${there.name} on ${parent.name} has the MAC ${wanted} and is not ours: is another VRRP daemon running?`,
    );
  const made = there === undefined ? await make(options, parent, wanted, links.value) : ok(there);
  if (!made.ok) return made;
  const { index, name } = made.value;
  // One that was there may be a master's, whose process has just been replaced.
  if (there === undefined) forward(options, name, false);
  const marked = await setUp(options, parent, made.value, links.value);
  if (!marked.ok) return marked;
  return ok({
    name,
    index,
    parent: parent.index,
    mac: wanted,
    forward: (on) => forward(options, name, on),
    close: () => inTurn(() => close(options, index, wanted)),
  });
}

function forward(options: Options, name: string, on: boolean): void {
  const at = (device: string): readonly string[] => [`ipv${options.family}`, 'conf', device, 'forwarding'];
  const parent = on ? options.sysctl.read(at(options.interface)) : ok('0');
  set(options, at(name), parent.ok ? parent.value : '0');
}

async function make(
  { rtnetlink, routerId, family }: Options,
  parent: Link,
  wanted: MacAddress,
  links: readonly Link[],
): Promise<Result<Link, string>> {
  const short = `vrrp${family}-${routerId}`;
  // At most 15 characters (IFNAMSIZ): an index of five digits of base 36 is more than any kernel counts up to in its life.
  const taken = links.some(({ name }) => name === short);
  const name = taken ? `${short}-${parent.index.toString(36)}` : short;
  const added = await rtnetlink.addMacvlan({ name, parent: parent.index, mac: wanted });
  const refused = (why: string): string => `no macvlan ${name} with the MAC ${wanted} on ${parent.name}: ${why}`;
  if (!added.ok) return err(refused(added.error.message));
  const link = await rtnetlink.link(name);
  return link.ok ? link : err(refused(link.error.message));
}

async function setUp(
  options: Options,
  parent: Link,
  link: Link,
  links: readonly Link[],
): Promise<Result<null, string>> {
  const { rtnetlink, family } = options;
  const alias = aliasOf(family === 4 ? before(options, parent, link, links) : {});
  // The mark comes first: what has no mark would not be put right by whoever finds it.
  const marked = await rtnetlink.setLink(link.index, { alias });
  for (const [protocol, setting, value] of OWN[family]) set(options, [protocol, 'conf', link.name, setting], value);
  if (family === 4) {
    set(options, ['ipv4', 'conf', link.name, 'rp_filter'], lenient(options.sysctl));
    for (const setting of PARENT_SETTINGS)
      if (!(numberAt(options, parent, setting) >= PARENT[setting]))
        set(options, ['ipv4', 'conf', parent.name, setting], String(PARENT[setting]));
  }
  const up = marked.ok ? await rtnetlink.setLink(link.index, { up: true }) : marked;
  return up.ok ? ok(null) : err(`macvlan ${link.name} on ${parent.name} could not be set up: ${up.error.message}`);
}

/**
 * The macvlan must take packets from hosts to which the route is by its parent. Of the values for it and for `all` the
 * greater counts: beside a strict `all` (1) only loose (2) helps.
 */
function lenient(sysctl: Sysctl): string {
  const all = sysctl.read(['ipv4', 'conf', 'all', 'rp_filter']);
  return all.ok && all.value === '0' ? '0' : '2';
}

/** The parent's settings as they were before the first of our macvlans: what stands in an alias, else what is there now. */
function before(options: Options, parent: Link, own: Link, links: readonly Link[]): ParentSettings {
  const siblings = links.filter((link) => isOn(parent, link) && isMarked(link));
  const told = [own, ...siblings].map(settingsIn).find((settings) => Object.keys(settings).length > 0);
  if (told !== undefined) return told;
  const low = PARENT_SETTINGS.filter((setting) => numberAt(options, parent, setting) < PARENT[setting]);
  return Object.fromEntries(low.map((setting) => [setting, numberAt(options, parent, setting)]));
}

async function close(options: Options, index: number, wanted: MacAddress): Promise<void> {
  const links = await options.rtnetlink.links();
  if (!links.ok) return options.trouble('links could not be read', links.error.message);
  const link = links.value.find((one) => one.index === index && one.mac === wanted && isOurs(one));
  if (link !== undefined) await remove(options, link);
}

async function remove(ports: Ports, link: Link): Promise<void> {
  const deleted = await ports.rtnetlink.deleteLink(link.index);
  if (!deleted.ok) return ports.trouble(`macvlan ${link.name} could not be deleted`, deleted.error.message);
  const links = await ports.rtnetlink.links();
  if (!links.ok) return ports.trouble('links could not be read', links.error.message);
  const parent = links.value.find(({ index }) => index === link.parent);
  const settings = settingsIn(link);
  if (parent === undefined || links.value.some((one) => isOn(parent, one) && Object.keys(settingsIn(one)).length > 0))
    return;
  // One that somebody has changed meanwhile is his.
  for (const setting of PARENT_SETTINGS)
    if (settings[setting] !== undefined && numberAt(ports, parent, setting) === PARENT[setting])
      set(ports, ['ipv4', 'conf', parent.name, setting], String(settings[setting]));
}

const MARK = 'lvskeeper';
type ParentSettings = Readonly<Partial<Record<ParentSetting, number>>>;

const aliasOf = (settings: ParentSettings): string =>
  [MARK, ...Object.entries(settings).map(([setting, value]) => `${setting}=${value}`)].join(' ');

function settingsIn(link: Link): ParentSettings {
  if (!isMarked(link)) return {};
  const text = link.alias ?? '';
  return Object.fromEntries(
    PARENT_SETTINGS.flatMap((setting) => {
      const [, value] = new RegExp(`\\b${setting}=(\\d+)`).exec(text) ?? [];
      return value === undefined ? [] : [[setting, Number(value)]];
    }),
  );
}

const isOn = (parent: Link, link: Link): boolean => link.kind === 'macvlan' && link.parent === parent.index;
const isMarked = ({ kind, alias }: Link): boolean => kind === 'macvlan' && /^lvskeeper( |$)/.test(alias ?? '');
/** One without any alias that has our kind of name and MAC is of a process that died before it could mark it. */
const isOurs = (link: Link): boolean =>
  isMarked(link) ||
  (link.kind === 'macvlan' &&
    link.alias === undefined &&
    /^vrrp[46]-\d+(-[0-9a-z]+)?$/.test(link.name) &&
    /^00:00:5e:00:0[12]:/.test(link.mac));

/** NaN where it cannot be read: it is neither enough nor worth remembering, and the write will tell why. */
function numberAt({ sysctl }: Ports, parent: Link, setting: ParentSetting): number {
  const value = sysctl.read(['ipv4', 'conf', parent.name, setting]);
  return value.ok ? Number(value.value) : Number.NaN;
}

function set({ sysctl, trouble }: Ports, setting: readonly string[], value: string): void {
  const written = sysctl.write(setting, value);
  // A kernel without IPv6 has none of its settings, and needs none.
  if (!written.ok && !(setting[0] === 'ipv6' && written.error.code === 'ENOENT'))
    trouble('a setting for the virtual MAC is refused', written.error.message);
}
