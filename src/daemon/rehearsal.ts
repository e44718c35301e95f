/**
 * A take-over played through before it is needed. V8 compiles a function when it is first called, and what has not run
 * for a second is in no cache of the processor: such a take-over takes several milliseconds, the same one again a tenth
 * of that. So a throw-away router goes up and down through the very code of the real ones: when the process starts, and
 * shortly before a silent master counts as dead (`eve.ts`).
 *
 * Nothing of it leaves the process. The kernel is asked, and refuses: adverts have a source that no packet may have
 * (EINVAL), announcements and addresses are for interface 0, which no machine has (ENXIO, ENODEV).
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type Family, ip } from '../base/address.ts';
import { ok, type Result } from '../base/result.ts';
import { after, type Instant, milliseconds } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { groupOf } from '../config/families.ts';
import { createTimer, now } from '../system/clock.ts';
import { attempt } from '../system/native.ts';
import type { InterfaceAddress, Link, Rtnetlink } from '../system/rtnetlink.ts';
import { encode, TTL } from '../wire/vrrp.ts';
import { type AdvertTransport, openAdvertTransport, type TransportHandlers } from './advert-transport.ts';
import { openAnnouncementSockets } from './announcement-sockets.ts';
import { createAnnouncer } from './announcer.ts';
import { createRouterHost } from './router-host.ts';
import { createSegment } from './segment.ts';

/** Enough that V8 compiles what is called to its baseline code. */
const ROUNDS = 20;
/** It is a kindness to later, and must not keep the process from its work for longer. */
const AT_MOST = milliseconds(500);

const NOWHERE: Link = {
  ...{ index: 0, name: 'nowhere', mac: '02:00:00:00:00:00', mtu: 1500 },
  ...{ up: true, running: true, lowerUp: true, loopback: false, multicast: true },
};

/** Documentation addresses (RFC 5737, RFC 3849). */
const FAMILY = {
  4: {
    address: { address: ip('192.0.2.1'), length: 32 },
    own: { address: ip('192.0.2.2'), length: 24 },
    peer: ip('192.0.2.3'),
  },
  6: {
    address: { address: ip('2001:db8::1'), length: 128 },
    own: { address: ip('fe80::2'), length: 64 },
    peer: ip('fe80::3'),
  },
} as const;

const configOf = (family: Family): VrrpConfig => ({
  ...{ name: 'rehearsal', interface: NOWHERE.name, routerId: 1, version: 3, priority: 253, downCount: 3 },
  interval: milliseconds(10),
  addresses: [
    {
      ...{ address: FAMILY[family].address, interface: null, scope: 'global', label: null, peer: null },
      advertise: true,
    },
  ],
  ...{ preempt: true, preemptDelay: milliseconds(0), checksum: 'pseudo-header', source: [], transport: 'ip', port: 0 },
  ...{ multicastGroup: [], peers: [], auth: null, syncGroup: null, track: [], probe: false, virtualMac: false },
  ...{ announceCount: 2, announceDelay: milliseconds(5000), announceRefresh: milliseconds(0), announceRate: 1000 },
  ...{ routes: [], rules: [], linger: false },
});

export type Rehearsal = {
  /** Plays a take-over and a resignation, again and again until then, but `rounds` times at most. */
  play(until: Instant, rounds: number): Promise<void>;
  close(): void;
};

/** Plays at the start of a process. Whatever keeps it from that, the first take-over is slower, and nothing else. */
export async function rehearse(rtnetlink: Rtnetlink): Promise<void> {
  const made = attempt(() => mkdtempSync(join(tmpdir(), 'lvskeeper-')));
  if (!made.ok) return;
  const deadline = after(now(), AT_MOST);
  for (const family of [4, 6] as const) {
    const rehearsal = createRehearsal(family, rtnetlink, made.value);
    await rehearsal.play(deadline, ROUNDS);
    rehearsal.close();
  }
  attempt(() => rmSync(made.value, { recursive: true, force: true }));
}

export type Rehearsals = {
  /** Has one for each of these families, whose role files are below `runDir`. */
  prepare(families: ReadonlySet<Family>, runDir: string): void;
  /** Plays all until then. */
  play(until: Instant): Promise<void>;
  close(): void;
};

export function createRehearsals(rtnetlink: Rtnetlink): Rehearsals {
  const all = new Map<Family, Rehearsal>();
  return {
    prepare(families, runDir) {
      const directory = join(runDir, 'rehearsal');
      const made = attempt(() => mkdirSync(directory, { recursive: true, mode: 0o700 }));
      if (!made.ok) return;
      for (const family of families)
        if (!all.has(family)) all.set(family, createRehearsal(family, rtnetlink, directory));
    },
    async play(until) {
      while (now() < until && all.size > 0) for (const one of all.values()) await one.play(until, 2);
    },
    close() {
      for (const one of all.values()) one.close();
      all.clear();
    },
  };
}

/** `directory`: for the role file of the router, and nobody else's. */
export function createRehearsal(family: Family, rtnetlink: Rtnetlink, directory: string): Rehearsal {
  const config = configOf(family);
  const { address: virtual, own, peer } = FAMILY[family];
  let handlers: TransportHandlers | undefined;
  const segment = createSegment(NOWHERE.name, {
    trouble: () => {},
    openTransport(_, given) {
      handlers = given;
      return openNothing(family, given);
    },
  });
  segment.setLink(NOWHERE);
  const address: InterfaceAddress = { index: NOWHERE.index, prefix: own, scope: 0, flags: 0 };
  segment.setAddresses([address]);
  const sockets = openAnnouncementSockets(() => {}, {
    openNeighbours: () => ok({ send: () => ok(undefined), close() {} }),
  });
  const announcer = createAnnouncer({ now, timer: createTimer, send: sockets.send, trouble: () => {} });
  const host = createRouterHost(config, family, directory, {
    rtnetlink: willing(rtnetlink),
    network: {
      ...{ segment: () => segment, link: () => NOWHERE, isOwnMac: () => false },
      ...{ note() {}, read: async () => {}, keep() {}, close() {} },
    },
    announcer,
    probe: { probe() {}, close() {} },
    virtual: () => NONE,
    complain() {},
    report() {},
    nearer() {},
    stepped() {},
  });
  const { router } = host;
  const path = { source: peer, destination: groupOf(config, family) };

  function hear(priority: number): void {
    const { interval, checksum } = config;
    const advert = { version: 3, routerId: 1, priority, interval, addresses: [virtual.address] } as const;
    const arrival = { ...path, ttl: TTL, interfaceIndex: NOWHERE.index, receivedAt: now() };
    handlers?.packet(encode(advert, path, checksum), arrival);
  }

  /** The master resigns, and our own timer tells; or it is silent, and the timer need not be waited for. */
  async function round(resigns: boolean, until: Instant): Promise<void> {
    router.start({ source: own.address, lacks: null }, false);
    hear(254);
    if (resigns) {
      hear(0);
      while (router.state.state !== 'master' && now() < until) await turn();
    } else {
      await turn();
      router.feed({ type: 'timer' }, router.state.timers.masterDown);
    }
    await turn();
    router.feed({ type: 'stop' });
    await turn();
  }

  return {
    async play(until, rounds) {
      host.look();
      for (let n = 0; n < rounds && now() < until; n++) await round(n % 2 === 0, until);
    },
    close() {
      void host.end();
      announcer.close();
      sockets.close();
    },
  };
}

const NONE: ReadonlySet<string> = new Set();

/** What the kernel refuses for want of an interface counts as done. */
const willing = (real: Rtnetlink): Rtnetlink => ({
  ...real,
  addAddresses: async (addresses) => (await real.addAddresses(addresses)).map(() => ok('added')),
  renewAddresses: async (addresses) => (await real.renewAddresses(addresses)).map(() => ok('renewed')),
});

/** The loopback device: the first of every network namespace. */
const LOOPBACK = { name: 'lo', index: 1 } as const;

/** A multicast address is no source: the kernel refuses each packet. For IPv6 that is not certain, so none is given to it. */
function openNothing(family: Family, handlers: TransportHandlers): Result<AdvertTransport, Error> {
  const opened = openAdvertTransport(
    { device: LOOPBACK, family, transport: 'ip', port: 0 },
    { ...handlers, refused() {} },
  );
  if (!opened.ok) return opened;
  const { send, close } = opened.value;
  return ok({
    listen: () => ok(undefined),
    unlisten() {},
    send(bytes, { destination }) {
      if (family === 4) send(bytes, { source: destination, destination });
    },
    close,
  });
}
