/**
 * The kernel's structures that sockets take and give, as bytes. Host byte order is little-endian on both architectures
 * that lvskeeper runs on (the addon does not compile on another one); ports, protocols and addresses are in network order.
 */

import { type Family, familyOf, type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { viewOf } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { constants } from './native.ts';

const LITTLE = true;

/** An IPv4 or IPv6 socket's address. `scope`: the interface, for link-local IPv6; else 0. */
export type SocketName = { readonly address: IpAddress; readonly port: number; readonly scope: number };

/** struct sockaddr_in (netinet/in.h: 16 bytes), struct sockaddr_in6 (28 bytes) */
export function packSockaddr({ address, port, scope }: SocketName): Uint8Array {
  const four = familyOf(address) === 4;
  const bytes = new Uint8Array(four ? 16 : 28);
  const view = viewOf(bytes);
  view.setUint16(0, four ? constants.AF_INET : constants.AF_INET6, LITTLE);
  view.setUint16(2, port);
  bytes.set(ipBytes(address), four ? 4 : 8);
  if (!four) view.setUint32(24, scope, LITTLE);
  return bytes;
}

/** What `packSockaddr` packs, as the kernel gives it. */
export function readSockaddr(bytes: Uint8Array): SocketName {
  const view = viewOf(bytes);
  const domain = view.getUint16(0, LITTLE);
  const port = view.getUint16(2);
  if (domain === constants.AF_INET) return { address: ipFromBytes(bytes.subarray(4, 8)), port, scope: 0 };
  invariant(domain === constants.AF_INET6, `an address of family ${domain} where IPv4 or IPv6 is`);
  return { address: ipFromBytes(bytes.subarray(8, 24)), port, scope: view.getUint32(24, LITTLE) };
}

/** struct sockaddr_ll (linux/if_packet.h: 20 bytes) of an interface and an EtherType; type 0 receives nothing. */
export function packLinkAddress(interfaceIndex: number, etherType: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = viewOf(bytes);
  view.setUint16(0, constants.AF_PACKET, LITTLE);
  view.setUint16(2, etherType);
  view.setInt32(4, interfaceIndex, LITTLE);
  return bytes;
}

/** struct sockaddr_un (sys/un.h): a path, or with a leading `@` a name in the abstract namespace. */
export function packUnixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const bytes = new Uint8Array(2 + name.length);
  viewOf(bytes).setUint16(0, constants.AF_UNIX, LITTLE);
  bytes.set(name, 2);
  return bytes;
}

/** struct ip_mreqn (netinet/in.h: group, local address, index) and struct ipv6_mreq (group, index) */
export function packMembership(group: IpAddress, interfaceIndex: number): Uint8Array {
  const four = familyOf(group) === 4;
  const bytes = new Uint8Array(four ? 12 : 20);
  bytes.set(ipBytes(group));
  viewOf(bytes).setInt32(four ? 8 : 16, interfaceIndex, LITTLE);
  return bytes;
}

/** The value of IP_MULTICAST_IF (struct ip_mreqn) and of IPV6_MULTICAST_IF (int). */
export function packMulticastInterface(family: Family, interfaceIndex: number): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 12 : 4);
  viewOf(bytes).setInt32(family === 4 ? 8 : 0, interfaceIndex, LITTLE);
  return bytes;
}

/** struct in_pktinfo (index, source, unused) and struct in6_pktinfo (source, index): the source of one message. */
export function packSource(source: IpAddress, interfaceIndex: number): Uint8Array {
  const four = familyOf(source) === 4;
  const bytes = new Uint8Array(four ? 12 : 20);
  viewOf(bytes).setInt32(four ? 0 : 16, interfaceIndex, LITTLE);
  bytes.set(ipBytes(source), four ? 4 : 0);
  return bytes;
}
