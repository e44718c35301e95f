/**
 * What VRRP's driver needs of a socket: a part of `dgram.Socket`, so that a raw socket, a socket of `node:dgram`, and one
 * in memory can each carry it. Binding differs between them and is left to whoever makes the socket.
 */

import type { Instant } from '../base/time.ts';

/** Where a message came from, as `dgram.RemoteInfo`; and, from a raw socket, what else the kernel tells of it. */
export type DatagramInfo = {
  /** The sender. */
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  /** 0 on a raw socket. */
  readonly port: number;
  /** Length of the message in bytes. */
  readonly size: number;
  /** The address it was sent to: ours, or a multicast group. */
  readonly destination?: string;
  /** TTL or hop limit on arrival. */
  readonly ttl?: number;
  /** The interface it came in by. */
  readonly interfaceIndex?: number;
  /** When the kernel received it: never in the future, and not moved by a step of the wall clock. */
  readonly receivedAt?: Instant;
};

export type SendCallback = (error: Error | null) => void;

export type DatagramSocket = {
  on(event: 'message', listener: (message: Uint8Array, info: DatagramInfo) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'listening' | 'close', listener: () => void): unknown;
  /** `port` is 0 on a raw socket. The callback comes in a later turn; without one, a refusal is an 'error' event. */
  send(message: Uint8Array, port: number, address: string, callback?: SendCallback): void;
  addMembership(group: string, multicastInterface?: string): void;
  dropMembership(group: string, multicastInterface?: string): void;
  setMulticastTTL(ttl: number): unknown;
  setMulticastInterface(multicastInterface: string): void;
  setMulticastLoopback(on: boolean): unknown;
  setTTL(ttl: number): unknown;
  close(callback?: () => void): unknown;
  address(): { readonly address: string; readonly family: string; readonly port: number };
  ref(): unknown;
  unref(): unknown;
};
