/**
 * A UDP socket that speaks to one address. It is connected, so that it hears that address alone, and so that what ICMP
 * says of its datagrams comes back to it as an error: ECONNREFUSED, nobody has the port; EHOSTUNREACH, nobody has the
 * address.
 */

import { type Endpoint, familyOf } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { attempt, constants as c, native, type SystemError } from './native.ts';
import { createReceiver } from './receiver.ts';
import { packSockaddr } from './sockaddr.ts';
import { bindSocket, type TcpOptions } from './tcp-socket.ts';

export type UdpClient = {
  /** At once, or refused: by this machine, or by an error of an earlier datagram that was not told yet. */
  send(datagram: Uint8Array): Result<void, SystemError>;
  /** Nothing is told any longer. May be called again. */
  close(): void;
};

export type UdpListener = {
  message(datagram: Uint8Array): void;
  /** After one the socket is of no use: it must be closed in the same turn, or the error is told again and again. */
  error(error: SystemError): void;
};

/** Refused on this machine, before anything was sent: EADDRNOTAVAIL (no such source), EPERM (mark), ENETUNREACH. */
export function connectUdp(to: Endpoint, options: TcpOptions, listener: UdpListener): Result<UdpClient, SystemError> {
  const family = familyOf(to.address);
  return attempt(() => {
    const domain = family === 4 ? c.AF_INET : c.AF_INET6;
    const fd = native.socket(domain, c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
    try {
      bindSocket(fd, { ...options, family });
      // Without it only an ICMP message that ends a connection is an error, and "host unreachable" is none of these.
      if (family === 4) native.setOption(fd, c.IPPROTO_IP, c.IP_RECVERR, 1);
      else native.setOption(fd, c.IPPROTO_IPV6, c.IPV6_RECVERR, 1);
      const scope = options.device === undefined ? 0 : native.interfaceIndex(options.device);
      native.connect(fd, packSockaddr({ ...to, scope }));
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return listen(fd, listener);
  });
}

function listen(fd: number, listener: UdpListener): UdpClient {
  const receiver = createReceiver(fd, ({ payload }) => listener.message(payload), listener.error);
  let closed = false;
  return {
    send: (datagram) => attempt(() => native.send(fd, datagram, undefined)),
    close() {
      if (closed) return;
      closed = true;
      receiver.close();
      native.close(fd);
    },
  };
}
