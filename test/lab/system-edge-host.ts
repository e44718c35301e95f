/**
 * The far end of `system-edge.test.ts`: runs inside a namespace, does what it is told over IPC, and tells what it hears.
 * Every answer is plain data, so that the test can compare it.
 */

import { once } from 'node:events';
import { ip } from '../../src/base/address.ts';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { now } from '../../src/system/clock.ts';
import { isSystemError, native } from '../../src/system/native.ts';
import { type NeighbourPath, openNeighbourSocket } from '../../src/system/neighbour-socket.ts';
import { openPacketSocket, type PacketSocket } from '../../src/system/packet-socket.ts';
import { lockMemory, scheduler, setScheduler } from '../../src/system/process.ts';
import { createRawSocket, type RawDestination, type RawInfo, type RawSocket } from '../../src/system/raw-socket.ts';
import { connectTcp, type TcpOptions } from '../../src/system/tcp-socket.ts';

export type Heard =
  | { readonly on: number; readonly message: string; readonly info: RawInfo; readonly heardAt: number }
  | { readonly on: number; readonly frame: string; readonly receivedAt: number; readonly heardAt: number }
  | { readonly on: number; readonly error: string };

const raw: RawSocket[] = [];
const packet: PacketSocket[] = [];
const codeOf = (error: unknown): string => (isSystemError(error) ? error.code : String(error));
const hear = (heard: Heard): void => void process.send?.({ heard });

/** What can be asked. Sockets are numbered in the order in which they were opened. */
const verbs = {
  /** A raw socket for protocol 112 as VRRP uses it. */
  async raw(family: 4 | 6, device: string, groups: readonly string[]): Promise<number> {
    const socket = createRawSocket({ family, protocol: 112 });
    const on = raw.push(socket) - 1;
    socket.on('message', (message, info) => hear({ on, message: toHex(message), info, heardAt: now() }));
    socket.on('error', (error) => hear({ on, error: codeOf(error) }));
    socket.setMulticastTTL(255);
    socket.setTTL(255);
    socket.setMulticastLoopback(false);
    socket.bind({ device });
    await once(socket, 'listening');
    socket.setMulticastInterface(device);
    for (const group of groups) socket.addMembership(group);
    return on;
  },
  async bindRefused(device: string): Promise<string> {
    const socket = createRawSocket({ family: 4, protocol: 112 });
    socket.bind({ device });
    const [error] = await once(socket, 'error');
    socket.close();
    return codeOf(error);
  },
  /** `ok` or the code of the refusal, and the instants around the call. */
  async send(on: number, hex: string, where: string | RawDestination) {
    const before = now();
    let after = 0;
    const refused = await new Promise<Error | null>((resolve) => {
      raw[on]?.send(fromHex(hex), where, resolve);
      after = now();
    });
    return { result: refused === null ? 'ok' : codeOf(refused), before, after };
  },
  /** Datagrams that say 0, 1, 2… in two bytes. */
  async burst(on: number, count: number, address: string): Promise<void> {
    for (let n = 0; n < count; n++) raw[on]?.send(Uint8Array.of(n >> 8, n & 0xff), 0, address);
  },
  /** As `send`, without a callback: a refusal comes back as an error event. */
  async sendUnasked(on: number, hex: string, address: string): Promise<void> {
    raw[on]?.send(fromHex(hex), 0, address);
  },
  async leave(on: number, group: string): Promise<void> {
    raw[on]?.dropMembership(group);
  },
  async address(on: number) {
    return raw[on]?.address();
  },
  async close(on: number): Promise<void> {
    const socket = raw[on];
    if (socket === undefined) return;
    socket.close();
    await once(socket, 'close');
  },
  async packet(device: string, etherType?: number): Promise<number> {
    const on = packet.length;
    const opened = openPacketSocket(
      native.interfaceIndex(device),
      etherType === undefined
        ? undefined
        : {
            etherType,
            frame: (frame, receivedAt) => hear({ on, frame: toHex(frame), receivedAt, heardAt: now() }),
            error: (error) => hear({ on, error: error.code }),
          },
    );
    if (!opened.ok) throw opened.error;
    packet.push(opened.value);
    return on;
  },
  async sendFrame(on: number, hex: string): Promise<string> {
    const sent = packet[on]?.send(fromHex(hex));
    return sent?.ok === false ? sent.error.code : 'ok';
  },
  async advertise(hex: string, path: NeighbourPath): Promise<string> {
    const opened = openNeighbourSocket();
    if (!opened.ok) return opened.error.code;
    const sent = opened.value.send(fromHex(hex), path);
    opened.value.close();
    return sent.ok ? 'ok' : sent.error.code;
  },
  async connect(address: string, port: number, options: TcpOptions): Promise<string> {
    const connected = connectTcp({ address: ip(address), port }, options);
    if (!connected.ok) return connected.error.code;
    const socket = connected.value;
    try {
      await once(socket, 'connect');
      return `from ${socket.localAddress}`;
    } catch (error) {
      return codeOf(error);
    } finally {
      socket.destroy();
    }
  },
  async interfaceIndex(device: string): Promise<number> {
    return native.interfaceIndex(device);
  },
  async realTime(priority: number): Promise<string> {
    const set = setScheduler('fifo', priority);
    return set.ok ? scheduler() : set.error.message;
  },
  async lock(): Promise<string> {
    const locked = lockMemory();
    return locked.ok ? 'ok' : locked.error.message;
  },
};
export type Verbs = typeof verbs;

process.on('message', async ({ id, verb, args }: { id: number; verb: keyof Verbs; args: unknown[] }) => {
  try {
    const call = verbs[verb] as (...args: unknown[]) => Promise<unknown>;
    process.send?.({ id, value: await call(...args) });
  } catch (error) {
    process.send?.({ id, failed: error instanceof Error ? error.message : String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
