/**
 * The far end of `transport.test.ts`: carries adverts, announces addresses and asks who has them inside a namespace, as it
 * is told over IPC, and tells what it hears.
 */

import { type IpAddress, ip } from '../../src/base/address.ts';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import {
  type AdvertTransport,
  type Arrival,
  openAdvertTransport,
  type TransportOptions,
} from '../../src/daemon/advert-transport.ts';
import { openAnnouncementSockets } from '../../src/daemon/announcement-sockets.ts';
import type { OnLink } from '../../src/daemon/announcer.ts';
import { openAsker } from '../../src/daemon/asker.ts';
import { type Conflict, createConflictProbe } from '../../src/daemon/conflict-probe.ts';
import { createTimer, now } from '../../src/system/clock.ts';
import { native } from '../../src/system/native.ts';

export type Heard =
  | { readonly on: number; readonly packet: string; readonly arrival: Arrival }
  | { readonly on: number; readonly refused: string }
  | { readonly conflict: Conflict }
  | { readonly trouble: string };

const transports: AdvertTransport[] = [];
const hear = (heard: Heard): void => void process.send?.({ heard });
const trouble = (what: string, detail: string): void => hear({ trouble: `${what}: ${detail}` });
const sockets = openAnnouncementSockets(trouble);

/** What can be asked. Transports are numbered in the order in which they were opened. */
const verbs = {
  /** `how` without the index, which is told; hears what is sent to `destinations`. */
  async open(
    device: string,
    how: Omit<TransportOptions, 'device'>,
    destinations: readonly string[],
  ): Promise<number | string> {
    const on = transports.length;
    const opened = openAdvertTransport(
      { ...how, device: { name: device, index: native.interfaceIndex(device) } },
      {
        packet: (bytes, arrival) => hear({ on, packet: toHex(bytes), arrival }),
        refused: (error) => hear({ on, refused: error.message }),
      },
    );
    if (!opened.ok) return opened.error.message;
    transports.push(opened.value);
    for (const destination of destinations) {
      const heard = opened.value.listen(ip(destination));
      if (!heard.ok) return `${destination}: ${heard.error.message}`;
    }
    return on;
  },
  async send(on: number, hex: string, source: string, destination: string): Promise<void> {
    transports[on]?.send(fromHex(hex), { source: ip(source), destination: ip(destination) });
  },
  async close(on: number): Promise<void> {
    transports[on]?.close();
  },
  /** `ok`, or the code of the refusal. */
  async announce(at: OnLink): Promise<string> {
    sockets.prepare(at);
    const sent = sockets.send(at);
    return sent.ok ? 'ok' : sent.error.code;
  },
  /** Asks, and tells what was heard while an answer could come. */
  async probe(
    at: readonly OnLink[],
    linkLocal: IpAddress | null,
    own: readonly string[],
  ): Promise<readonly Conflict[]> {
    const found: Conflict[] = [];
    const probe = createConflictProbe({
      ...{ now, timer: createTimer, open: openAsker, isOwn: (mac: string) => own.includes(mac), trouble },
      found: (conflict) => found.push(conflict),
    });
    probe.probe(at, linkLocal);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    probe.close();
    return found;
  },
  async interfaceIndex(device: string): Promise<number> {
    return native.interfaceIndex(device);
  },
  /** From here on it is nobody, without any capability. */
  async becomeNobody(): Promise<void> {
    process.setgroups?.([]);
    process.setgid?.(65534);
    process.setuid?.(65534);
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
