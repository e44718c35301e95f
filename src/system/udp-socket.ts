/**
 * A socket of `node:dgram` that is bound as routing protocols need it, which `node:dgram` alone cannot: to an interface by
 * its index, to a group on that interface alone, with TTL 255 and network control's traffic class. It is opened and set up
 * by system calls and then given to `node:dgram` as a descriptor.
 */

import { createSocket, type Socket } from 'node:dgram';
import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import { isLinkLocal, isMulticast } from '../base/prefix.ts';
import type { Result } from '../base/result.ts';
import { attempt, constants as c, native, type SystemError } from './native.ts';
import { packMembership, packMulticastInterface, packSockaddr } from './sockaddr.ts';

export type UdpSocketOptions = {
  readonly device: { readonly name: string; readonly index: number };
  /** Where it hears: an own address, or a multicast group, which it joins. What is sent comes from the own address. */
  readonly address: IpAddress;
  readonly port: number;
};

const HOPS = 255;
/** TOS, or traffic class: network control (RFC 4594, 3.2), as of protocol 112. */
const NETWORK_CONTROL = 0xc0;
const RECEIVE_BUFFER = 1 << 20;

/** The same options have other names in each family. */
const FAMILY = {
  4: {
    ...{ domain: c.AF_INET, level: c.IPPROTO_IP, trafficClass: c.IP_TOS, hops: [c.IP_TTL, c.IP_MULTICAST_TTL] },
    ...{ loopback: c.IP_MULTICAST_LOOP, everyGroup: c.IP_MULTICAST_ALL, multicastInterface: c.IP_MULTICAST_IF },
    ...{ join: c.IP_ADD_MEMBERSHIP },
  },
  6: {
    ...{ domain: c.AF_INET6, level: c.IPPROTO_IPV6, trafficClass: c.IPV6_TCLASS },
    ...{ hops: [c.IPV6_UNICAST_HOPS, c.IPV6_MULTICAST_HOPS], loopback: c.IPV6_MULTICAST_LOOP },
    ...{ everyGroup: c.IPV6_MULTICAST_ALL, multicastInterface: c.IPV6_MULTICAST_IF, join: c.IPV6_ADD_MEMBERSHIP },
  },
} as const;

/**
 * Opens and binds it. Nobody else can have the same address and port: EADDRINUSE; EADDRNOTAVAIL: the address is not ours.
 * Before Linux 5.7, and without CAP_NET_RAW, it is not bound to the device, and a unicast datagram may come in by any.
 */
export function openUdpSocket({ device, address, port }: UdpSocketOptions): Result<Socket, SystemError> {
  const family = familyOf(address);
  const f = FAMILY[family];
  return attempt(() => {
    const fd = native.socket(f.domain, c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
    const set = (name: number, value: number | Uint8Array): void => native.setOption(fd, f.level, name, value);
    try {
      set(f.trafficClass, NETWORK_CONTROL);
      for (const name of f.hops) set(name, HOPS);
      set(f.loopback, 0);
      // Without it a socket hears every group that any socket of the machine has joined, on any interface.
      set(f.everyGroup, 0);
      set(f.multicastInterface, packMulticastInterface(family, device.index));
      // The link-local address of the interface is not on the macvlan above it.
      if (family === 6) set(c.IPV6_FREEBIND, 1);
      native.setOption(fd, c.SOL_SOCKET, c.SO_RCVBUF, RECEIVE_BUFFER);
      const name = new TextEncoder().encode(device.name);
      const bound = attempt(() => native.setOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, name));
      if (!bound.ok && bound.error.code !== 'EPERM') throw bound.error;
      native.bind(fd, packSockaddr({ address, port, scope: isScoped(address) ? device.index : 0 }));
      if (isMulticast(address)) set(f.join, packMembership(address, device.index));
      return adopt(fd, family);
    } catch (error) {
      native.close(fd);
      throw error;
    }
  });
}

/** `node:dgram` owns the descriptor from here on. Addresses are never names, so each send leaves within its call. */
function adopt(fd: number, family: Family): Socket {
  const socket = createSocket({
    type: `udp${family}`,
    lookup: (address, _options, done) => done(null, address, family),
  });
  socket.bind({ fd, exclusive: true });
  return socket;
}

/** Whether the address means nothing without its interface: fe80::/10, ff02::/16 (RFC 4007, 4 and 6; RFC 4291, 2.7). */
export const isScoped = (address: IpAddress): boolean => isLinkLocal(address) || /^ff[0-9a-f]2:/.test(address);
