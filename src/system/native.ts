/**
 * The N-API addon of `native/`, typed: system calls that Node has no name for. Only `src/system/` may use it.
 *
 * A refused call throws a `SystemError`; wrong argument types throw a `TypeError` and are defects of ours.
 */

import { createRequire } from 'node:module';
import { err, ok, type Result } from '../base/result.ts';

/** What a refused system call throws, in the shape of Node's own: `code` is `'EPERM'`, `errno` is negative. */
export type SystemError = Error & { readonly code: string; readonly errno: number; readonly syscall: string };

declare const pollBrand: unique symbol;
/** A descriptor that is being polled. */
export type Poll = { readonly [pollBrand]: true };

/** One received message. What the socket was not asked for with an option is absent. */
export type Datagram = {
  readonly payload: Uint8Array;
  /** The sender: a `struct sockaddr` of the socket's family. */
  readonly from: Uint8Array;
  /** Where it was sent to: 4 or 16 bytes. */
  readonly destination?: Uint8Array;
  readonly interfaceIndex?: number;
  readonly ttl?: number;
  /**
   * When the kernel received it, in milliseconds of the monotonic clock: its stamp is on the wall clock, and is moved by
   * the difference of the two clocks at the time of reading. After a step of the wall clock it may lie anywhere.
   */
  readonly at?: number;
};

/** Every number of the kernel that is used here, under the kernel's name. */
export const CONSTANT_NAMES = [
  ...(['AF_INET', 'AF_INET6', 'AF_PACKET', 'AF_UNIX'] as const),
  ...(['SOCK_RAW', 'SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_NONBLOCK', 'SOCK_CLOEXEC'] as const),
  ...(['IPPROTO_IP', 'IPPROTO_ICMP', 'IPPROTO_IPV6', 'IPPROTO_ICMPV6', 'SOL_RAW'] as const),
  ...([
    'SOL_SOCKET',
    'SO_BINDTODEVICE',
    'SO_MARK',
    'SO_REUSEADDR',
    'SO_RCVBUF',
    'SO_RCVBUFFORCE',
    'SO_SNDTIMEO',
  ] as const),
  ...([
    'SO_TIMESTAMPNS',
    'IP_TOS',
    'IP_TTL',
    'IP_RECVTTL',
    'IP_PKTINFO',
    'IP_BIND_ADDRESS_NO_PORT',
    'IP_RECVERR',
  ] as const),
  ...(['IP_MULTICAST_IF', 'IP_MULTICAST_TTL', 'IP_MULTICAST_LOOP', 'IP_MULTICAST_ALL'] as const),
  ...(['IP_ADD_MEMBERSHIP', 'IP_DROP_MEMBERSHIP'] as const),
  ...(['IPV6_TCLASS', 'IPV6_UNICAST_HOPS', 'IPV6_RECVHOPLIMIT', 'IPV6_PKTINFO', 'IPV6_RECVPKTINFO'] as const),
  ...(['IPV6_MULTICAST_IF', 'IPV6_MULTICAST_HOPS', 'IPV6_MULTICAST_LOOP', 'IPV6_MULTICAST_ALL'] as const),
  ...(['IPV6_ADD_MEMBERSHIP', 'IPV6_DROP_MEMBERSHIP', 'IPV6_FREEBIND', 'IPV6_RECVERR'] as const),
  ...(['ICMP_FILTER', 'ICMPV6_FILTER'] as const),
  ...(['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RESET_ON_FORK'] as const),
  ...(['MCL_CURRENT', 'MCL_FUTURE', 'MCL_ONFAULT'] as const),
] as const;

type Native = {
  readonly constants: Readonly<Record<(typeof CONSTANT_NAMES)[number], number>>;

  /** socket(2): a descriptor. */
  socket(domain: number, type: number, protocol: number): number;
  /** close(2). Not while the descriptor is polled. */
  close(fd: number): void;
  /** setsockopt(2): a number goes as an `int` (unsigned 32 bits too), bytes as they are. */
  setOption(fd: number, level: number, name: number, value: number | Uint8Array): void;
  bind(fd: number, address: Uint8Array): void;
  /** connect(2) of a datagram socket: its peer from then on, and errors that come back from there are its own. */
  connect(fd: number, address: Uint8Array): void;
  /** getsockname(2) */
  socketName(fd: number): Uint8Array;
  /** sendmsg(2), with at most one control message. */
  send(
    fd: number,
    payload: Uint8Array,
    address: Uint8Array | undefined,
    level?: number,
    type?: number,
    data?: Uint8Array,
  ): void;
  /** recvmsg(2) without waiting; `undefined` when there is nothing. */
  receive(fd: number): Datagram | undefined;
  /** if_nametoindex(3): 1 and up. */
  interfaceIndex(name: string): number;

  /** epoll_create1(2): a descriptor. */
  openEpoll(): number;
  /** connect(2) of a non-blocking stream socket: it is under way afterwards. */
  startConnect(fd: number, address: Uint8Array): void;
  /** epoll_ctl(2): `readyConnects` tells `id`, a whole number from 1, once, when the connection is there or has failed. */
  watchConnect(epoll: number, fd: number, id: number): void;
  /** epoll_wait(2) without waiting: how many `ids` it has written, those that have an error as negative numbers. */
  readyConnects(epoll: number, ids: Float64Array): number;
  /** Throws why the connection has failed, unless it is there. */
  endConnect(fd: number): void;
  /** close(2) of a TCP socket, with a reset where it is connected, so that nothing of it stays in TIME_WAIT. */
  reset(fd: number): void;

  /** epoll_ctl(2): `readyConnects` tells `id`, which was given to `watchConnect`, whenever there is something to receive. */
  watchInput(epoll: number, fd: number, id: number): void;
  /** send(2) on a stream without waiting: how many bytes were taken. */
  sendBytes(fd: number, bytes: Uint8Array): number;
  /** recv(2) without waiting: how many bytes of `room` were written, 0 at the end of the stream; `undefined` when there is nothing. */
  receiveBytes(fd: number, room: Uint8Array): number | undefined;

  /** Calls back in each turn of the event loop in which the descriptor is readable, or has an error to be read. */
  poll(fd: number, callback: () => void): Poll;
  /** No call comes after it. May be called from within the callback, and twice. */
  closePoll(poll: Poll): void;
  refPoll(poll: Poll): void;
  unrefPoll(poll: Poll): void;

  /** timerfd_create(2) on CLOCK_MONOTONIC: a descriptor. */
  openTimer(): number;
  /** timerfd_settime(2), one-shot and absolute, in milliseconds; without a time it is disarmed. */
  armTimer(fd: number, at?: number): void;
  /** Whether it has fired since it was last armed or asked. */
  expired(fd: number): boolean;

  setScheduler(policy: number, priority: number): void;
  getScheduler(): number;
  lockMemory(flags: number): void;
  setParentDeathSignal(signal: number): void;
};

export const native: Native = load();
export const constants = native.constants;

function load(): Native {
  const file = './native/lvskeeper.node';
  try {
    return createRequire(import.meta.url)(file) as Native;
  } catch (error) {
    const where = new URL(file, import.meta.url).pathname;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `cannot load ${where}; in a checkout, "npm ci" or "make -C src/system/native" builds it: ${reason}`,
    );
  }
}

/** A refused system call as a value. What else is thrown goes on. */
export function attempt<T>(call: () => T): Result<T, SystemError> {
  try {
    return ok(call());
  } catch (error) {
    if (isSystemError(error)) return err(error);
    throw error;
  }
}

export const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'syscall' in error && 'code' in error && 'errno' in error;
