/**
 * TCP sockets with what `net.connect` cannot say: a firewall mark, a device, and a source address that costs no port.
 *
 * Node binds `localAddress` with bind(2), which takes a port before the destination is known, so all connections from
 * one address share its 28,000 ports. With IP_BIND_ADDRESS_NO_PORT the port is chosen at connect(2), per destination.
 *
 * A trap of `new net.Socket({ fd })`: it reads at once, and an unconnected socket answers a read with ENOTCONN. Calling
 * `connect` in the same turn is in time; later is not. `connectTcp` does both, so use it where a `net.Socket` is wanted.
 */

import { Socket } from 'node:net';
import { type Endpoint, type Family, familyOf, type IpAddress, ip } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { attempt, constants as c, native, type SystemError } from './native.ts';
import { packSockaddr } from './sockaddr.ts';

export type TcpOptions = {
  /** Own address to connect from; the kernel chooses the port, and the address too when there is none. */
  readonly source?: IpAddress | undefined;
  /** Own port to connect from, 1 to 65535; several connections share it, since it is bound with SO_REUSEADDR. */
  readonly sourcePort?: number | undefined;
  /** SO_MARK, 0 to 2^32 - 1: needs CAP_NET_ADMIN. */
  readonly mark?: number | undefined;
  /** Interface to send by: needs CAP_NET_RAW. */
  readonly device?: string | undefined;
};

/** An unconnected, non-blocking socket: a descriptor that is the caller's to close. */
export function openTcpSocket(options: BindOptions): Result<number, SystemError> {
  return attempt(() => {
    const domain = options.family === 4 ? c.AF_INET : c.AF_INET6;
    const fd = native.socket(domain, c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
    try {
      bindSocket(fd, options);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return fd;
  });
}

type BindOptions = TcpOptions & { readonly family: Family };

/** Gives an unconnected socket, of TCP or UDP, what the options say; `from` is its `ownName`, if known. Throws a `SystemError`; the descriptor stays the caller's. */
export function bindSocket(fd: number, options: BindOptions, from?: Uint8Array): void {
  const { source, sourcePort, mark, device } = options;
  if (mark !== undefined) native.setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
  if (device !== undefined) native.setOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, new TextEncoder().encode(device));
  if (source === undefined && sourcePort === undefined) return;
  // The port is chosen at connect(2), unless it is given. It is an option of the IP level for IPv6 sockets too.
  if (sourcePort === undefined) native.setOption(fd, c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1);
  else native.setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
  native.bind(fd, from ?? ownName(options));
}

/** The own end, as bind(2) takes it. */
export function ownName({ family, source, sourcePort, device }: BindOptions): Uint8Array {
  const scope = device === undefined ? 0 : native.interfaceIndex(device);
  return packSockaddr({ address: source ?? (family === 4 ? ip('0.0.0.0') : ip('::')), port: sourcePort ?? 0, scope });
}

/**
 * A `net.Socket` on its way to `to`: 'connect' or 'error' follows, and closing it closes the descriptor. The error value
 * is a refusal on this machine, before anything was sent: EADDRNOTAVAIL (no such source), EPERM (mark), ENODEV (device).
 */
export function connectTcp(to: Endpoint, options: TcpOptions = {}): Result<Socket, SystemError> {
  const opened = openTcpSocket({ ...options, family: familyOf(to.address) });
  if (!opened.ok) return opened;
  return attempt(() => {
    let socket: Socket;
    try {
      socket = new Socket({ fd: opened.value });
    } catch (error) {
      native.close(opened.value);
      throw error;
    }
    return socket.connect(to.port, to.address);
  });
}

/** Of a socket that `connectTcp` just gave: whether what it fails with is a refusal on this machine, and no word of the network. Ask when it fails. */
export function watchRefusal(socket: Socket): () => boolean {
  let sent = false;
  // Node calls connect(2) in the next tick, right before this.
  process.nextTick(() => {
    sent = !socket.destroyed;
  });
  return () => !sent;
}
