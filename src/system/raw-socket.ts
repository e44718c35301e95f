/**
 * Raw IP sockets (raw(7)) with the interface of `dgram.Socket`.
 *
 * The differences: there are no ports (0 where one is given or told); `bind` names a device; an interface is meant by its
 * name or index, never by its address; `send` can choose the source of each message. As in `node:dgram`, what a call
 * asks for wrongly or what setting an option refuses is thrown, a refused `bind` is an 'error' event, and a refused
 * `send` goes to its callback, or is an 'error' event when it has none.
 *
 * The kernel makes and strips nothing but the IP header: checksums inside are the caller's, both ways.
 */

import { EventEmitter } from 'node:events';
import { type Family, familyOf, type IpAddress, ipFromBytes, parseIp } from '../base/address.ts';
import { invariant } from '../base/invariant.ts';
import type { Instant } from '../base/time.ts';
import type { DatagramInfo, DatagramSocket, SendCallback } from './datagram-socket.ts';
import { attempt, constants as c, type Datagram, native } from './native.ts';
import { createReceiver, type Receiver } from './receiver.ts';
import { packMembership, packMulticastInterface, packSockaddr, packSource, readSockaddr } from './sockaddr.ts';

export type RawSocketOptions = {
  readonly family: Family;
  /** IP protocol number, 1 to 255. */
  readonly protocol: number;
  /** TOS or traffic class of what is sent, 0 to 255. Default 0xc0: network control (RFC 4594, 3.2), as routing protocols use. */
  readonly trafficClass?: number;
  /** Bytes the kernel may hold for us: enough for a burst while the process is held up. Default 1 MiB. */
  readonly receiveBuffer?: number;
  /**
   * IPv6: whether the source of a message may be an address that is not on the device bound to, as the link-local
   * address of the interface below a macvlan. IPv4 takes any address of the machine. Default false.
   */
  readonly anySource?: boolean;
};

export type RawInfo = Required<DatagramInfo> & { readonly address: IpAddress; readonly destination: IpAddress };

/** Where one message goes, and from which of our addresses; without `source` the kernel chooses it. */
export type RawDestination = { readonly address: string; readonly source?: string };

type Events = {
  readonly message: [message: Uint8Array, info: RawInfo];
  readonly error: [error: Error];
  readonly listening: [];
  readonly close: [];
};

/** The same options have other names in each family. The last of each row receive what `RawInfo` tells. */
const FAMILY = {
  4: {
    ...{ domain: c.AF_INET, level: c.IPPROTO_IP, trafficClass: c.IP_TOS, ttl: c.IP_TTL, source: c.IP_PKTINFO },
    ...{ multicastTtl: c.IP_MULTICAST_TTL, loopback: c.IP_MULTICAST_LOOP, multicastInterface: c.IP_MULTICAST_IF },
    ...{ join: c.IP_ADD_MEMBERSHIP, leave: c.IP_DROP_MEMBERSHIP, everyGroup: c.IP_MULTICAST_ALL },
    ...{ tell: [c.IP_PKTINFO, c.IP_RECVTTL] },
  },
  6: {
    ...{ domain: c.AF_INET6, level: c.IPPROTO_IPV6, trafficClass: c.IPV6_TCLASS, ttl: c.IPV6_UNICAST_HOPS },
    ...{ source: c.IPV6_PKTINFO, multicastTtl: c.IPV6_MULTICAST_HOPS, loopback: c.IPV6_MULTICAST_LOOP },
    ...{ multicastInterface: c.IPV6_MULTICAST_IF, join: c.IPV6_ADD_MEMBERSHIP, leave: c.IPV6_DROP_MEMBERSHIP },
    ...{ everyGroup: c.IPV6_MULTICAST_ALL, tell: [c.IPV6_RECVPKTINFO, c.IPV6_RECVHOPLIMIT] },
  },
} as const;

/** Read and thrown away at most when binding: 1 MiB of the smallest packets. */
const STALE_LIMIT = 4096;

/** Opens a socket. Throws a `SystemError`: EPERM without CAP_NET_RAW. It receives from `bind` on; to send it need not be bound. */
export const createRawSocket = (options: RawSocketOptions): RawSocket => new RawSocket(options);

export class RawSocket extends EventEmitter<Events> implements DatagramSocket {
  readonly family: Family;
  readonly #fd: number;
  #state: 'open' | 'bound' | 'closed' = 'open';
  #receiver: Receiver | undefined;
  #referenced = true;
  #device = 0;

  constructor(options: RawSocketOptions) {
    const { family, protocol, trafficClass = 0xc0, receiveBuffer = 1 << 20, anySource = false } = options;
    super();
    this.family = family;
    const f = FAMILY[family];
    this.#fd = native.socket(f.domain, c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, protocol);
    try {
      this.#set(f.trafficClass, trafficClass);
      // Without it a socket hears every group that any socket of the machine has joined.
      this.#set(f.everyGroup, 0);
      for (const option of f.tell) this.#set(option, 1);
      if (anySource && family === 6) this.#set(c.IPV6_FREEBIND, 1);
      native.setOption(this.#fd, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1);
      // Beyond net.core.rmem_max needs CAP_NET_ADMIN; without it the kernel gives what it may.
      const forced = attempt(() => native.setOption(this.#fd, c.SOL_SOCKET, c.SO_RCVBUFFORCE, receiveBuffer));
      if (!forced.ok) native.setOption(this.#fd, c.SOL_SOCKET, c.SO_RCVBUF, receiveBuffer);
    } catch (error) {
      native.close(this.#fd);
      throw error;
    }
  }

  /** Receives what comes in by `device`, and sends by it. 'listening' or 'error' follows in a later turn. */
  bind(options: { readonly device: string }, callback?: () => void): this {
    if (this.#state !== 'open') throw new Error(`this raw socket is ${this.#state} already: bind a new one`);
    if (callback !== undefined) this.once('listening', callback);
    const bound = attempt(() => {
      const index = native.interfaceIndex(options.device);
      const name = new TextEncoder().encode(options.device);
      native.setOption(this.#fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, name);
      return index;
    });
    if (!bound.ok) {
      process.nextTick(() => this.#state === 'open' && this.emit('error', bound.error));
      return this;
    }
    this.#device = bound.value;
    this.#state = 'bound';
    // What came in by other devices since the socket was opened is not for it.
    for (let n = 0; n < STALE_LIMIT; n++) {
      const stale = attempt(() => native.receive(this.#fd));
      if (stale.ok && stale.value === undefined) break;
    }
    this.#receiver = createReceiver(
      this.#fd,
      (datagram, receivedAt) => this.#deliver(datagram, receivedAt),
      (error) => this.emit('error', error),
    );
    if (!this.#referenced) this.#receiver.unref();
    process.nextTick(() => this.#state === 'bound' && this.emit('listening'));
    return this;
  }

  /** Index of the device bound to; 0: none, as when it refused. */
  get device(): number {
    return this.#device;
  }

  /** Sends at once. The short form, `send(message, address)`, may say the source; the long one is `dgram`'s. */
  send(message: Uint8Array, port: number, address: string, callback?: SendCallback): void;
  send(message: Uint8Array, destination: string | RawDestination, callback?: SendCallback): void;
  send(
    message: Uint8Array,
    where: number | string | RawDestination,
    third?: string | SendCallback,
    fourth?: SendCallback,
  ) {
    const destination = typeof where === 'number' ? (third as string) : where;
    const callback = typeof third === 'function' ? third : fourth;
    const { address, source } =
      typeof destination === 'string' ? { address: destination, source: undefined } : destination;
    this.#running();
    const to = packSockaddr({ address: this.#own(address), port: 0, scope: this.#device });
    const sent = attempt(() => {
      if (source === undefined) return native.send(this.#fd, message, to);
      const f = FAMILY[this.family];
      native.send(this.#fd, message, to, f.level, f.source, packSource(this.#own(source), this.#device));
    });
    if (callback !== undefined) process.nextTick(callback, sent.ok ? null : sent.error);
    else if (!sent.ok) process.nextTick(() => this.#state !== 'closed' && this.emit('error', sent.error));
  }

  /** Without an interface it is the device bound to. */
  addMembership(group: string, multicastInterface?: string | number): void {
    this.#set(FAMILY[this.family].join, packMembership(this.#own(group), this.#index(multicastInterface)));
  }

  dropMembership(group: string, multicastInterface?: string | number): void {
    this.#set(FAMILY[this.family].leave, packMembership(this.#own(group), this.#index(multicastInterface)));
  }

  setMulticastInterface(multicastInterface: string | number): void {
    const value = packMulticastInterface(this.family, this.#index(multicastInterface));
    this.#set(FAMILY[this.family].multicastInterface, value);
  }

  /** Of multicast packets, 0 to 255; 1 unless set. */
  setMulticastTTL(ttl: number): number {
    this.#set(FAMILY[this.family].multicastTtl, ttl);
    return ttl;
  }

  /** Of unicast packets, 1 to 255; the machine's default unless set. */
  setTTL(ttl: number): number {
    this.#set(FAMILY[this.family].ttl, ttl);
    return ttl;
  }

  /** Whether this machine's own sockets hear what is sent to a group; they do unless set. */
  setMulticastLoopback(on: boolean): boolean {
    this.#set(FAMILY[this.family].loopback, on ? 1 : 0);
    return on;
  }

  address(): { address: IpAddress; family: 'IPv4' | 'IPv6'; port: number } {
    this.#running();
    const { address } = readSockaddr(native.socketName(this.#fd));
    return { address, family: `IPv${this.family}`, port: 0 };
  }

  /** No event but 'close' comes after it. May be called in a listener. */
  close(callback?: () => void): this {
    this.#running();
    if (callback !== undefined) this.once('close', callback);
    this.#state = 'closed';
    this.#receiver?.close();
    native.close(this.#fd);
    process.nextTick(() => this.emit('close'));
    return this;
  }

  ref(): this {
    this.#referenced = true;
    if (this.#state !== 'closed') this.#receiver?.ref();
    return this;
  }

  /** The process may end while it is open. */
  unref(): this {
    this.#referenced = false;
    if (this.#state !== 'closed') this.#receiver?.unref();
    return this;
  }

  #deliver(datagram: Datagram, receivedAt: Instant): void {
    const { payload: packet, destination, interfaceIndex, ttl } = datagram;
    invariant(
      destination && interfaceIndex !== undefined && ttl !== undefined,
      'the kernel tells what it was asked to',
    );
    const payload = this.family === 4 ? packet.subarray(headerLength(packet)) : packet;
    this.emit('message', payload, {
      address: readSockaddr(datagram.from).address,
      family: `IPv${this.family}`,
      port: 0,
      size: payload.length,
      destination: ipFromBytes(destination),
      ttl,
      interfaceIndex,
      receivedAt,
    });
  }

  #set(name: number, value: number | Uint8Array): void {
    this.#running();
    native.setOption(this.#fd, FAMILY[this.family].level, name, value);
  }

  #index(multicastInterface: string | number | undefined): number {
    if (multicastInterface === undefined) return this.#device;
    return typeof multicastInterface === 'number' ? multicastInterface : native.interfaceIndex(multicastInterface);
  }

  #own(text: string): IpAddress {
    const address = parseIp(text);
    if (address !== undefined && familyOf(address) === this.family) return address;
    throw new TypeError(`not an IPv${this.family} address: ${text}`);
  }

  #running(): void {
    if (this.#state === 'closed') throw new Error('this raw socket is closed');
  }
}

/** Of the IPv4 header that raw(7) leaves in front: IHL, in words of 4 bytes (RFC 791, 3.1). */
const headerLength = (packet: Uint8Array): number => ((packet[0] ?? 0) & 0x0f) * 4;
