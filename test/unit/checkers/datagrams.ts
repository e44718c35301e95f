/** UDP servers on 127.0.0.1 for the tests of checks. */

import dgram from 'node:dgram';
import { readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';

export type Arrived = { readonly datagram: Buffer; readonly from: dgram.RemoteInfo };
export type Answerer = {
  readonly port: number;
  readonly arrived: readonly Arrived[];
};

/** Listens until the test ends; `behave` is given each datagram and what answers it. */
export async function answering(
  t: TestContext,
  behave: (datagram: Buffer, reply: (answer: Uint8Array | string) => void, from: dgram.RemoteInfo) => void,
): Promise<Answerer> {
  const socket = dgram.createSocket('udp4');
  const arrived: Arrived[] = [];
  socket.on('message', (datagram, from) => {
    arrived.push({ datagram, from });
    behave(datagram, (answer) => socket.send(answer, from.port, from.address, () => undefined), from);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.after(() => socket.close());
  return { port: socket.address().port, arrived };
}

/** A port on which nobody listens, so that the kernel answers with ICMP. */
export async function closedUdpPort(): Promise<number> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

export const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Whether timers are left that would hold the process. */
export const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
