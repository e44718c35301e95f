/** Every sentence about what does not go together in [[vrrp]]. Each is seen once in `test/golden/config/`. */

import type { Family } from '../base/address.ts';
import { nearest } from '../base/nearest.ts';
import { quoted } from '../base/option-say.ts';
import { as } from './say.ts';

export const sayVrrp = {
  // Which router it is, and who wins
  routerTwice: (id: number, on: string, family: Family, line: number) =>
    `router_id is ${id} for IPv${family} on ${on}, ${as('[[vrrp]]', line)}, expected another router_id`,
  ownerYields: () => 'preempt is false with priority 255, expected true: the owner of the addresses always takes over',
  ownerWaits: () => 'preempt_delay with priority 255, expected none: the owner of the addresses takes over at once',
  delayUnused: () => 'preempt_delay has no effect with preempt = false',
  shortInterval: () =>
    'interval is below "100ms": a pause of the runtime (garbage collection) can then cost a master its role, expected "100ms" or more',
  interval2: (interval: string) =>
    `interval is ${quoted(interval)}, expected whole seconds with version = 2, from "1s" to "255s"`,
  interval3: (interval: string) =>
    `interval is ${quoted(interval)}, expected at most "40.95s" with version = 3 (RFC 9568, 5.2.7)`,
  syncAlone: (group: string) => `sync_group ${quoted(group)} has no other [[vrrp]] in it, so it has no effect`,
  syncPreempt: (group: string, line: number) =>
    `preempt is not ${as('[[vrrp]]', line)} of the same sync_group, ${quoted(group)}: one that takes over takes the others with it`,

  // Addresses
  virtualTwice: (address: string, line: number) =>
    `${address} is a virtual address at line ${line} already, expected it once`,
  version2: (address: string) => `${address} with version = 2, which has no IPv6, expected version = 3`,
  edge: (address: string, length: number, what: string) =>
    `${address} is the ${what} of its own prefix /${length}, expected an address of a host`,
  labelFamily: (address: string) => `label of ${address}, expected none: only IPv4 addresses have labels`,
  labelName: (label: string, on: string) =>
    `label is ${quoted(label)}, expected the interface with something behind it, ${quoted(`${on}:web`)} (ip-address(8))`,
  scopeFamily: (address: string) => `scope of ${address}, expected none: an IPv6 address bears its scope in itself`,
  peerFamily: (peer: string, family: Family) => `peer is ${quoted(peer)}, expected an IPv${family} address`,
  tooMany: (count: number, most: number, family: Family) =>
    `addresses has ${count} of IPv${family} to advertise, expected at most ${most}, as many as an advert has room for: with { address = "…", advertise = false } one fails over all the same`,

  // Adverts: how they are sent, and to whom
  checksumUnused: () => 'checksum has no effect: only version 3 in IPv4 has two forms of it',
  familyUnused: (key: string, address: string, family: Family) =>
    `${key} has ${address}, and there is no IPv${family} address in addresses, expected one there, or not this one`,
  sourceIsVirtual: (source: string) =>
    `source is ${quoted(source)}, a virtual address, expected a fixed address of the interface`,
  sourceNotLocal: (source: string) =>
    `source is ${quoted(source)}, expected a link-local address (fe80::/10), from which IPv6 adverts are multicast (RFC 9568, 5.1.2.1)`,
  portUnused: () => 'port has no effect with transport = "ip"',
  groupUnused: () => 'multicast_group has no effect with peers, to whom adverts are sent by unicast',
  peerTwice: (address: string, line: number) => `${address} is a peer at line ${line} already, expected it once`,
  peerIsSource: (address: string) => `${address} is a peer and our own source, expected the other directors alone`,
  peerIsVirtual: (address: string) =>
    `${address} is a peer and a virtual address, expected a fixed address of the other director`,
  peerNeeded: (family: Family) =>
    `peers has no IPv${family} address, and addresses has, expected a peer of each family, or none at all`,
  ttlOfUdp: (key: string) => `${key} has no effect with transport = "udp", which does not tell the TTL of an advert`,
  ttlOrder: (least: number, most: number) => `min_ttl is ${least}, expected at most max_ttl, ${most}`,
  passVersion: () =>
    'type is "pass", which version 3 does not have (RFC 9568, 9), expected "hmac", or version = 2 beside an old peer',
  keyTwice: (id: number, line: number) => `key ${id} is there at line ${line} already, expected another id`,
  keyUnknown: (active: number, ids: readonly number[]) =>
    `active is ${active}, expected the id of a key: ${ids.join(', ')}`,
  windowUnused: () => 'window has no effect with replay = "monotonic", which compares no clocks',
  udpUnsigned: () =>
    'transport is "udp", which any program on any host can send, expected [vrrp.auth] with type = "hmac" and mode = "enforce"',

  // What is tracked
  trackTwice: (what: string, line: number) => `${what} is tracked at line ${line} already, expected it once`,
  serviceUnknown: (service: string, names: readonly string[]) =>
    `service is ${quoted(service)}, expected the name of a [[service]]${hint(service, names)}`,
  ownInterface: (on: string) =>
    `interface is ${quoted(on)}, the router's own, which is tracked anyway: when it is down the addresses are given up`,
  weightNothing: () => 'weight is 0, which changes nothing; without weight a failure is a fault',
  weightOfOwner: () => 'weight has no effect with priority 255: the owner of the addresses has no other priority',
  weightLost: (weight: number, priority: number) =>
    `weight is ${weight}, which never changes anything: priority is ${priority}, and stays from 1 to 254`,
  slowTrack: () => 'timeout is longer than interval: a failure is then noticed later than interval and fall say',

  // Routes and rules
  routeFamily: (key: string, address: string, family: Family) =>
    `${key} is ${quoted(address)}, expected an IPv${family} address, as to is`,
  routeTwice: (to: string, table: number, line: number) =>
    `${to} is routed in table ${table} at line ${line} already, expected another metric or table`,
  ruleEmpty: () => 'a rule about every packet, expected one of from, to, fwmark and interface in it',
  ruleFamilies: () => 'from and to of different families, expected the same',
  ruleTwice: (line: number) => `the rule is there at line ${line} already, expected it once`,
} satisfies Record<string, (...details: never[]) => string>;

/** Behind "expected the name of …": the nearest of these names, or which there are. */
export function hint(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  if (near !== undefined) return `, did you mean ${quoted(near)}?`;
  if (names.length === 0) return ', and there is none in the file';
  return `: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
}
