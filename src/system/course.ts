/**
 * Where connections go and how, worked out once for all of them: a server that is probed every second is connected to a
 * million times in two weeks. They are started without waiting, on a descriptor of epoll(7) that many of them share.
 */

import { type Endpoint, type Family, familyOf } from '../base/address.ts';
import { constants as c, native } from './native.ts';
import { packSockaddr } from './sockaddr.ts';
import { bindSocket, ownName, type TcpOptions } from './tcp-socket.ts';

export type Course = {
  readonly options: TcpOptions & { readonly family: Family };
  /** As connect(2) and bind(2) take them. `from` is looked up each time where it depends on an interface. */
  readonly to: Uint8Array;
  readonly from: Uint8Array | undefined;
};

export function courseTo({ address, port }: Endpoint, options: TcpOptions = {}): Course {
  const all = { ...options, family: familyOf(address) };
  const bound = options.source !== undefined || options.sourcePort !== undefined;
  const from = bound && options.device === undefined ? ownName(all) : undefined;
  return { options: all, to: packSockaddr({ address, port, scope: 0 }), from };
}

/** Taken out of epoll in one turn of the event loop at most: all that can be ready after this process was held up. */
export const MOST_READY = 4096;

/**
 * A descriptor that is the caller's to close; `native.readyConnects(epoll)` tells `id` when the connection is there, or has
 * failed. Throws a `SystemError`, and leaves nothing behind, where this machine refuses it before anything was sent.
 */
export function startConnecting({ options, to, from }: Course, epoll: number, id: number): number {
  const domain = options.family === 4 ? c.AF_INET : c.AF_INET6;
  const fd = native.socket(domain, c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
  try {
    bindSocket(fd, options, from);
    native.startConnect(fd, to);
    native.watchConnect(epoll, fd, id);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}
