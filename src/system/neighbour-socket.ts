/**
 * Sends ICMPv6 messages of neighbour discovery: hop limit 255, or no receiver accepts them (RFC 4861, 7.1.2), from an
 * address of the caller's choice, on the link of the caller's choice. The kernel fills in the checksum (RFC 3542, 3.1).
 */

import type { IpAddress } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { attempt, constants as c, native, type SystemError } from './native.ts';
import { packSockaddr, packSource } from './sockaddr.ts';

export type NeighbourSocket = {
  /** Refused: ENETDOWN, ENODEV, EADDRNOTAVAIL, ENOBUFS. */
  send(message: Uint8Array, path: NeighbourPath): Result<void, SystemError>;
  close(): void;
};

export type NeighbourPath = {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly interfaceIndex: number;
};

/** struct icmp6_filter: every one of the 256 types is blocked, as nothing is received here. */
const BLOCK_ALL = new Uint8Array(32).fill(0xff);
const HOP_LIMIT = 255;

/** Needs CAP_NET_RAW. */
export function openNeighbourSocket(): Result<NeighbourSocket, SystemError> {
  return attempt(() => {
    const fd = native.socket(c.AF_INET6, c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, c.IPPROTO_ICMPV6);
    try {
      native.setOption(fd, c.IPPROTO_ICMPV6, c.ICMPV6_FILTER, BLOCK_ALL);
      for (const name of [c.IPV6_MULTICAST_HOPS, c.IPV6_UNICAST_HOPS])
        native.setOption(fd, c.IPPROTO_IPV6, name, HOP_LIMIT);
      native.setOption(fd, c.IPPROTO_IPV6, c.IPV6_MULTICAST_LOOP, 0);
      // The source may be an address that was added just now and is not yet past duplicate detection.
      native.setOption(fd, c.IPPROTO_IPV6, c.IPV6_FREEBIND, 1);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    let closed = false;
    return {
      send(message, { source, destination, interfaceIndex }) {
        const to = packSockaddr({ address: destination, port: 0, scope: interfaceIndex });
        const from = packSource(source, interfaceIndex);
        return attempt(() => native.send(fd, message, to, c.IPPROTO_IPV6, c.IPV6_PKTINFO, from));
      },
      close() {
        if (!closed) native.close(fd);
        closed = true;
      },
    };
  });
}
