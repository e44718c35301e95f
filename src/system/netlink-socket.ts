/**
 * The netlink socket of the npm package `netlink`, opened and set up.
 *
 * An overrun (ENOBUFS) of such a socket would abort the process: libuv reports a socket with a pending error as a broken
 * handle, and the package throws where nothing can catch. So overruns are turned off (NETLINK_NO_ENOBUFS), and `drops`
 * says how many messages the kernel had no room for.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { RawNetlinkSocket } from 'netlink/dist/raw.js';
import { err, ok, type Result } from '../base/result.ts';
import { native } from './native.ts';

/** Netlink protocols (linux/netlink.h). */
export const NETLINK = { ROUTE: 0, GENERIC: 16 } as const;

/** A refused call or request. `errno` is positive; ETIMEDOUT: no answer came; ECANCELED: the socket was closed. */
export type NetlinkError = { readonly errno: number; readonly code: string; readonly message: string };

/** The kernel's message where it has one, else the C library's. */
export function systemError(errno: number, message?: string): NetlinkError {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, `unknown error ${errno}`];
  return { errno, code, message: message ?? text };
}

/** What a system call threw. Anything else is a defect, and is thrown on. */
export function failure(thrown: unknown): NetlinkError {
  if (thrown instanceof Error && 'errno' in thrown && typeof thrown.errno === 'number')
    return systemError(Math.abs(thrown.errno));
  throw thrown;
}

const AF_NETLINK = 16;
const SOL_NETLINK = 270;
const NETLINK_NO_ENOBUFS = 5;
/** A refusal does not quote the request: its sequence number tells which it was. */
const NETLINK_CAP_ACK = 10;
/** A refusal may say in words why, from Linux 4.12. */
const NETLINK_EXT_ACK = 11;

/** Wanted size of the receive buffer. Where it may not be forced the kernel gives less (net.core.rmem_max). */
const BUFFER = 4 << 20;

/** The package delivers what comes in. `descriptor`: for who sends and receives without its event loop. */
export type NetlinkSocket = { readonly socket: RawNetlinkSocket; readonly descriptor: number };

export function openSocket(protocol: number): Result<NetlinkSocket, NetlinkError> {
  let socket: RawNetlinkSocket;
  try {
    socket = new RawNetlinkSocket(protocol, { recvBufferSize: BUFFER, sendBufferSize: BUFFER });
  } catch (thrown) {
    return err(failure(thrown));
  }
  try {
    const descriptor = descriptorOf(socket.address().port);
    native.setOption(descriptor, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
    for (const [level, option, value] of [
      [SOL_NETLINK, NETLINK_CAP_ACK, 1],
      [SOL_NETLINK, NETLINK_EXT_ACK, 1],
      [native.constants.SOL_SOCKET, native.constants.SO_RCVBUFFORCE, BUFFER],
    ] as const)
      optional(() => native.setOption(descriptor, level, option, value));
    return ok({ socket, descriptor });
  } catch (thrown) {
    socket.close();
    return err(failure(thrown));
  }
}

/** struct sockaddr_nl of the kernel: its port is 0. */
const KERNEL = new Uint8Array(12);
new DataView(KERNEL.buffer).setUint16(0, AF_NETLINK, true);

/** Sends to the kernel, which has worked through all of it when this returns. Throws what `failure` reads. */
export const sendNow = (descriptor: number, bytes: Uint8Array): void => native.send(descriptor, bytes, KERNEL);

/** What has come in and the port that it is from; `undefined`: nothing has. Throws what `failure` reads. */
export function receiveNow(descriptor: number): { readonly bytes: Uint8Array; readonly port: number } | undefined {
  const datagram = native.receive(descriptor);
  if (datagram === undefined) return undefined;
  const { payload: bytes, from } = datagram;
  return { bytes, port: new DataView(from.buffer, from.byteOffset, from.length).getUint32(4, true) };
}

/** For what an old kernel or missing privilege may refuse, and that can be done without. */
function optional(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    failure(thrown);
  }
}

/** The package keeps its descriptor to itself; a netlink address is unique in the process, so it is found by that. */
function descriptorOf(port: number): number {
  for (const name of readdirSync('/proc/self/fd')) {
    const address = socketName(Number(name));
    if (address?.getUint16(0, true) === AF_NETLINK && address.getUint32(4, true) === port >>> 0) return Number(name);
  }
  throw new Error(`invariant broken: no descriptor has netlink port ${port}`);
}

/** struct sockaddr_nl, or another; `undefined`: not a socket. */
function socketName(fd: number): DataView | undefined {
  try {
    const bytes = native.socketName(fd);
    return bytes.length >= 12 ? new DataView(bytes.buffer, bytes.byteOffset, bytes.length) : undefined;
  } catch (thrown) {
    failure(thrown);
    return undefined;
  }
}

/** How many messages the kernel has dropped for want of room in the buffer of this process's socket (proc_netlink). */
export function drops(protocol: number, port: number): number {
  const [head = '', ...lines] = readFileSync('/proc/self/net/netlink', 'utf8').trim().split('\n');
  const names = head.trim().split(/\s+/);
  const [eth, pid, dropped] = ['Eth', 'Pid', 'Drops'].map((name) => names.indexOf(name)) as [number, number, number];
  for (const line of lines) {
    const cells = line.trim().split(/\s+/);
    if (Number(cells[eth]) === protocol && Number(cells[pid]) === port >>> 0) return Number(cells[dropped]);
  }
  return 0;
}
