/**
 * Sends ICMPv6 messages of neighbour discovery: hop limit 255, or no receiver accepts them (RFC 4861, 7.1.2), from an
 * address of the caller's choice, on the link of the caller's choice. The kernel fills in the checksum (RFC 3542, 3.1).
 * With a listener it receives some of their types too.
 */

import type { IpAddress } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { attempt, constants as c, type Datagram, native, type SystemError } from './native.ts';
import { createReceiver } from './receiver.ts';
import { packSockaddr, packSource, readSockaddr } from './sockaddr.ts';

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

export type NeighbourListener = {
  /** ICMPv6 types that are received. */
  readonly types: readonly number[];
  /**
   * A message of one of them, on whichever link, with a hop limit of 255: nobody beyond the link sent it. The kernel has
   * verified its checksum.
   */
  readonly message: (
    message: Uint8Array,
    from: { readonly source: IpAddress; readonly interfaceIndex: number },
  ) => void;
  readonly error: (error: SystemError) => void;
};

const HOP_LIMIT = 255;

/** Needs CAP_NET_RAW. Without a listener it only sends. */
export function openNeighbourSocket(listener?: NeighbourListener): Result<NeighbourSocket, SystemError> {
  return attempt(() => {
    const fd = native.socket(c.AF_INET6, c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, c.IPPROTO_ICMPV6);
    try {
      native.setOption(fd, c.IPPROTO_ICMPV6, c.ICMPV6_FILTER, passing(listener?.types ?? []));
      for (const name of [c.IPV6_MULTICAST_HOPS, c.IPV6_UNICAST_HOPS])
        native.setOption(fd, c.IPPROTO_IPV6, name, HOP_LIMIT);
      native.setOption(fd, c.IPPROTO_IPV6, c.IPV6_MULTICAST_LOOP, 0);
      // The source may be an address that was added just now and is not yet past duplicate detection.
      native.setOption(fd, c.IPPROTO_IPV6, c.IPV6_FREEBIND, 1);
      if (listener !== undefined)
        for (const name of [c.IPV6_RECVPKTINFO, c.IPV6_RECVHOPLIMIT]) native.setOption(fd, c.IPPROTO_IPV6, name, 1);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    const receiver = listener && createReceiver(fd, (datagram) => receive(datagram, listener), listener.error);
    let closed = false;
    return {
      send(message, { source, destination, interfaceIndex }) {
        const to = packSockaddr({ address: destination, port: 0, scope: interfaceIndex });
        const from = packSource(source, interfaceIndex);
        return attempt(() => native.send(fd, message, to, c.IPPROTO_IPV6, c.IPV6_PKTINFO, from));
      },
      close() {
        if (closed) return;
        closed = true;
        receiver?.close();
        native.close(fd);
      },
    };
  });
}

function receive({ payload, from, interfaceIndex, ttl }: Datagram, listener: NeighbourListener): void {
  // What came between the opening of the socket and its filter may be of any type.
  const wanted = listener.types.includes(payload[0] ?? -1);
  if (wanted && ttl === HOP_LIMIT && interfaceIndex !== undefined)
    listener.message(payload, { source: readSockaddr(from).address, interfaceIndex });
}

/** struct icmp6_filter: a bit for each of the 256 types; set, it is blocked. */
function passing(types: readonly number[]): Uint8Array {
  const filter = new Uint8Array(32).fill(0xff);
  for (const type of types) filter[type >> 3] = (filter[type >> 3] as number) & ~(1 << (type & 7));
  return filter;
}
