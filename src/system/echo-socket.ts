/**
 * A raw ICMP or ICMPv6 socket (raw(7)) for echo requests to any number of hosts. It hears the answers to all of them, and
 * those to other programs of the machine too: only their types are sorted out, by the kernel.
 */

import { type Family, type IpAddress, ip } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import { attempt, constants as c, type Datagram, native, type SystemError } from './native.ts';
import { createReceiver } from './receiver.ts';
import { packSockaddr, packSource, readSockaddr } from './sockaddr.ts';

export type EchoSocket = {
  /** At once, or refused: ENETUNREACH, EINVAL (the source is not on this machine), EMSGSIZE, ENODEV. */
  send(message: Uint8Array, path: EchoPath): Result<void, SystemError>;
  /** Nothing is told any longer. */
  close(): void;
};

export type EchoPath = {
  readonly destination: IpAddress;
  /** Own address to send from, interface to send by, SO_MARK; `null`: as the kernel chooses, and no mark. */
  readonly source: IpAddress | null;
  readonly device: string | null;
  readonly mark: number | null;
};

/** The ICMP message, its sender, and when the kernel received it. Only the checksum of ICMPv6 has been verified. */
export type EchoListener = (message: Uint8Array, from: IpAddress, receivedAt: Instant) => void;

/** Room for the answers to a few thousand requests while the process is held up, and how many are read at once. */
const RECEIVE_BUFFER = 4 << 20;
const AT_ONCE = 1024;

/** `types` are those received. Refused: EPERM without CAP_NET_RAW. */
export function openEchoSocket(
  family: Family,
  types: readonly number[],
  listener: EchoListener,
): Result<EchoSocket, SystemError> {
  return attempt(() => {
    const fd = open(family, types);
    const receiver = createReceiver(
      fd,
      (datagram, receivedAt) => deliver(family, types, datagram, receivedAt, listener),
      // It is about no request in particular; each of them has its own deadline.
      () => undefined,
      AT_ONCE,
    );
    // Whoever waits for an answer has a deadline, which holds the process.
    receiver.unref();
    let marked = 0;
    return {
      send: (message, path) =>
        attempt(() => {
          const mark = path.mark ?? 0;
          if (mark !== marked) native.setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
          marked = mark;
          send(fd, family, message, path);
        }),
      close() {
        receiver.close();
        native.close(fd);
      },
    };
  });
}

function open(family: Family, types: readonly number[]): number {
  const [domain, protocol] = family === 4 ? [c.AF_INET, c.IPPROTO_ICMP] : [c.AF_INET6, c.IPPROTO_ICMPV6];
  const fd = native.socket(domain, c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, protocol);
  try {
    if (family === 4) native.setOption(fd, c.SOL_RAW, c.ICMP_FILTER, passing(types, 4));
    else native.setOption(fd, c.IPPROTO_ICMPV6, c.ICMPV6_FILTER, passing(types, 32));
    native.setOption(fd, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1);
    // Beyond net.core.rmem_max needs CAP_NET_ADMIN; without it the kernel gives what it may.
    const forced = attempt(() => native.setOption(fd, c.SOL_SOCKET, c.SO_RCVBUFFORCE, RECEIVE_BUFFER));
    if (!forced.ok) native.setOption(fd, c.SOL_SOCKET, c.SO_RCVBUF, RECEIVE_BUFFER);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}

function send(fd: number, family: Family, message: Uint8Array, { destination, source, device }: EchoPath): void {
  const index = device === null ? 0 : native.interfaceIndex(device);
  const to = packSockaddr({ address: destination, port: 0, scope: index });
  if (source === null && device === null) return native.send(fd, message, to);
  const [level, type] = family === 4 ? [c.IPPROTO_IP, c.IP_PKTINFO] : [c.IPPROTO_IPV6, c.IPV6_PKTINFO];
  // The unspecified address leaves the choice to the kernel.
  native.send(fd, message, to, level, type, packSource(source ?? ip(family === 4 ? '0.0.0.0' : '::'), index));
}

function deliver(
  family: Family,
  types: readonly number[],
  { payload, from }: Datagram,
  receivedAt: Instant,
  listener: EchoListener,
): void {
  // IPv4 comes with its header, of IHL words of 4 bytes (RFC 791, 3.1).
  const message = family === 4 ? payload.subarray(((payload[0] ?? 0) & 0x0f) * 4) : payload;
  // What came between the opening of the socket and its filter may be of any type.
  if (types.includes(message[0] ?? -1)) listener(message, readSockaddr(from).address, receivedAt);
}

/** struct icmp_filter (32 types) and struct icmp6_filter (256 types): a bit for each; set, it is blocked. */
function passing(types: readonly number[], bytes: number): Uint8Array {
  const filter = new Uint8Array(bytes).fill(0xff);
  for (const type of types) filter[type >> 3] = (filter[type >> 3] as number) & ~(1 << (type & 7));
  return filter;
}
