/**
 * One virtual router with everything it needs around it: its seat on the segment, its codec, what it holds in the kernel,
 * the macvlan with its virtual MAC, and the file that tells the next process of its role.
 */

import { type Family, formatPrefix, type IpAddress } from '../base/address.ts';
import { between, milliseconds, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf } from '../config/families.ts';
import type { Happening } from '../control/event.ts';
import type { RouterOrder, RouterStatus } from '../control/status.ts';
import { createTimer, dateOf, now } from '../system/clock.ts';
import { hmacSha256 } from '../system/hmac.ts';
import { readSecret } from '../system/key-file.ts';
import { later } from '../system/later.ts';
import type { RoutingEvent, Rtnetlink } from '../system/rtnetlink.ts';
import { parseMac } from '../wire/ethernet.ts';
import { type CodecMemory, createAdvertCodec } from './advert-codec.ts';
import { destinationsOf, pathOf } from './advert-transport.ts';
import type { Announcer, OnLink } from './announcer.ts';
import { groupKeyOf } from './carries-on.ts';
import type { ConflictProbe } from './conflict-probe.ts';
import { formatHeld, type Held, parseHeld } from './held.ts';
import { createHoldings } from './holdings.ts';
import type { NetworkView } from './network-view.ts';
import { keyOf } from './router-key.ts';
import type { Tracking } from './router-status.ts';
import { openRoleFile, type RoleFile } from './run-state.ts';
import type { PacketEnvelope, Seat, Usable } from './segment.ts';
import { openVirtualMac, type VirtualMac } from './virtual-mac.ts';
import { createVirtualRouter, type VirtualRouter } from './virtual-router.ts';

/** What all routers of the process share. */
export type HostTools = {
  readonly rtnetlink: Rtnetlink;
  readonly network: NetworkView;
  readonly announcer: Announcer;
  readonly probe: ConflictProbe;
  /** Addresses that no director may take for its own, since they float. */
  readonly virtual: () => ReadonlySet<string>;
  readonly complain: (what: string, detail: string) => void;
  readonly report: (happening: Happening) => void;
  /** A master resigns: the take-over is nearer than it was. */
  readonly nearer: () => void;
  /** A router of a group has made a step. */
  readonly stepped: (host: RouterHost) => void;
};

export type RouterHost = {
  readonly key: string;
  readonly router: VirtualRouter;
  /** Routers with the same word here change state together; `null`: alone. */
  readonly group: string | null;
  /** Starts the router, which resumes its role where no peer can have noticed that it was gone. */
  start(tracks: readonly Tracking[], order: RouterOrder | null): Promise<void>;
  /** Reads passwords and keys again: their files may have been mended, or have new ones. */
  readSecrets(): void;
  /** Takes new settings over that `carriesOn` allows. */
  reconfigure(config: VrrpConfig): Promise<void>;
  /** Makes ahead whatever a take-over needs that can be: it may be near. */
  foresee(): void;
  /** Links or addresses have changed. */
  look(): void;
  /** A route or a rule has gone, which may be one of this router's. */
  noteRouting(event: RoutingEvent): void;
  /** The macvlan with its virtual MAC, where it has one. */
  readonly macIndex: number | undefined;
  /** Every interface that it must hear of: that of the config, those of its addresses and tracks, its macvlan. */
  readonly interfaces: readonly string[];
  /** The device that an address of this router is on, as the config says. */
  deviceOf(address: IpAddress): string | undefined;
  status(): RouterStatus;
  /** Ends without handing over, for a process that comes in a moment. */
  leave(): void;
  /** Hands over and lets go of everything. */
  end(): Promise<void>;
};

/** Of the config: the router's own, and those of its addresses and tracks. */
export function interfacesOf(config: VrrpConfig): readonly string[] {
  const others = config.addresses.flatMap((a) => a.interface ?? []);
  const tracks = config.track.flatMap((t) => (t.type === 'interface' ? [t.interface] : []));
  return [config.interface, ...others, ...tracks];
}

export function createRouterHost(first: VrrpConfig, family: Family, runDir: string, tools: HostTools): RouterHost {
  const { rtnetlink, network, announcer, probe, virtual, complain } = tools;
  const segment = network.segment(first.interface);
  const key = keyOf(first, family);
  const role = openRoleFile(runDir, key);
  const last = role.read();
  let config = first;
  let master = last?.role.master ?? false;
  let ours: readonly Held[] = (last?.role.held ?? []).flatMap((text) => parseHeld(text) ?? []);
  let codec = codecOf(first);
  let path = pathOf(first, family);
  let seat: Seat = segment.join(path, receive);
  let mac: VirtualMac | undefined;
  let opening: Promise<void> | undefined;
  let told: Usable | undefined;
  let lookAgain: { cancel(): void } | undefined;
  let tryingAgain: { cancel(): void } | undefined;
  /** That it is master is still to be written down. */
  let writing: { cancel(): void } | undefined;
  let ended = false;

  const holdings = createHoldings({
    config: first,
    family,
    rtnetlink,
    indexOf: (name) => network.link(name)?.index ?? network.segment(name).lastIndex,
    device,
    before: ours,
    remember(held) {
      ours = held;
      writeRole();
    },
  });

  const router: VirtualRouter = createVirtualRouter(first, family, {
    now,
    date: dateOf,
    timer: createTimer,
    send(advert, source) {
      if (!codec.ok) return;
      for (const destination of destinationsOf(path))
        seat.send(codec.value.encode(advert, { source, destination }), { source, destination });
    },
    async claim(lease) {
      mac?.forward(true);
      await holdings.claim(lease);
    },
    renew: holdings.renew,
    async release() {
      mac?.forward(false);
      return (await holdings.release()).map(formatHeld);
    },
    announce(how) {
      const pace = { rounds: config.announceCount, rate: config.announceRate };
      if (how === 'burst') announcer.burst(places(true), pace);
      else announcer.refresh(places(true), pace);
    },
    hush: () => announcer.cancel(addressesOf(config, family).map((a) => a.address.address)),
    probe: () => probe.probe(places(false), segment.linkLocal(virtual())),
    remember(what) {
      master = what === 'master';
      // That it is not master must be known before the addresses go; that it is, for a restart, is soon enough later.
      writing?.cancel();
      writing = master ? later(WRITE_AFTER, writeRole) : undefined;
      if (!master) writeRole();
    },
    beat: (at) => unlessFull(() => role.beat(at)),
    report(happening) {
      tools.report(happening);
      // By now its addresses have been given up. What a take-over would write is written while nobody waits for it.
      if (happening.kind === 'vrrp' && happening.to === 'backup') setImmediate(() => ended || host.foresee());
    },
    stepped: () => tools.stepped(host),
  });

  function codecOf(settings: VrrpConfig, memory?: CodecMemory): ReturnType<typeof createAdvertCodec> {
    const secrets = { readSecret, mac: hmacSha256, wallClock: Date.now, steadyClock: now };
    return createAdvertCodec(settings, family, memory === undefined ? secrets : { ...secrets, memory });
  }

  /** What is in force stays where the new one cannot be read. */
  function readSecretsOf(settings: VrrpConfig): void {
    const next = codecOf(settings, codec.ok ? codec.value.memory() : undefined);
    if (next.ok || !codec.ok) codec = next;
    else complain(`${router.label}: the keys in force stay`, next.error);
  }

  function receive(bytes: Uint8Array, envelope: PacketEnvelope, receivedAt: ReturnType<typeof now>): void {
    if (!codec.ok) return;
    const { decode, explain, window } = codec.value;
    const received = decode(bytes, envelope);
    if (received.ok) {
      noteSkew(received.value.skew, window, envelope.source);
      router.hear(received.value, envelope.source, receivedAt);
      if (received.value.advert.priority === 0) tools.nearer();
      return;
    }
    const reason = received.error;
    router.refuse(reason, envelope.source, () => explain(reason, bytes, envelope));
  }

  /** Clocks that drift apart are told of before adverts are refused for it. */
  function noteSkew(skew: number | null, window: number | null, source: IpAddress): void {
    if (skew === null || window === null || 2 * Math.abs(skew) <= window) return;
    const apart = `the clock of ${source} is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} ours`;
    complain(`${router.label}: clocks differ`, `${apart}; beyond ${window} s its adverts are refused: set both by NTP`);
  }

  function device(): string {
    return mac?.name ?? config.interface;
  }

  /** Where the addresses are; `onDevice`: with a virtual MAC, on its macvlan rather than on the interface itself. */
  function places(onDevice: boolean): OnLink[] {
    return addressesOf(config, family).flatMap((a): OnLink[] => {
      const name = a.interface ?? (onDevice ? device() : config.interface);
      const link = network.link(name);
      const hardware = parseMac(link?.mac ?? '');
      if (link === undefined || hardware === undefined) return [];
      return [{ address: a.address.address, interface: name, interfaceIndex: link.index, mac: hardware }];
    });
  }

  function usable(): Usable {
    if (!codec.ok) return { source: null, lacks: codec.error };
    const now = seat.usable(virtual());
    if (now.lacks === null && config.virtualMac && mac === undefined)
      return { source: null, lacks: 'the interface with the virtual MAC is not there yet' };
    return now;
  }

  /** The macvlan comes and goes with its parent. */
  function haveMac(): void {
    if (!config.virtualMac || ended || opening !== undefined) return;
    const parent = network.link(config.interface)?.index;
    if (mac !== undefined && (mac.parent !== parent || network.link(mac.name)?.index !== mac.index)) {
      mac = undefined;
      seat.through(null);
    }
    if (mac !== undefined || parent === undefined) return;
    opening = openMac().finally(() => {
      opening = undefined;
      // The parent may have gone, or come back as another one, meanwhile; and what was refused is tried again.
      if (!ended) later(mac === undefined ? TRY_AGAIN : milliseconds(0), host.look);
    });
  }

  async function openMac(): Promise<void> {
    const { routerId } = config;
    const opened = await openVirtualMac({
      ...{ interface: config.interface, routerId, family, rtnetlink },
      trouble: complain,
    });
    if (!opened.ok) return complain(`no virtual MAC on ${config.interface}`, opened.error);
    if (ended) return opened.value.close();
    mac = opened.value;
    network.segment(mac.name);
    seat.through({ name: mac.name, index: mac.index });
    await network.read();
  }

  function claimAnew(): void {
    lookAgain = undefined;
    router.claimAnew();
  }

  function writeRole(): void {
    writing?.cancel();
    writing = undefined;
    const { interface: name, routerId } = config;
    unlessFull(() => role.write({ master, interface: name, routerId, held: ours.map(formatHeld) }));
  }

  /** What a successor would want to know is worth less than the role itself: a full disk must not end it. */
  function unlessFull(write: () => void): void {
    try {
      write();
    } catch (error) {
      complain('the role is not written down, so a restart could not resume it', String(error));
    }
  }

  const host: RouterHost = {
    key,
    router,
    get group() {
      return groupKeyOf(config);
    },
    async start(tracks, order) {
      for (const a of addressesOf(config, family)) if (a.interface !== null) network.segment(a.interface);
      haveMac();
      await opening;
      const left = `${router.label}: what the last process left`;
      await holdings.reconfigure(config).catch((error: unknown) => complain(left, String(error)));
      router.track(tracks);
      router.order(order);
      told = usable();
      // Read anew: others may have started meanwhile, for so long that the supervisor has handed this one over.
      router.start(told, canResume(config, role.read()));
    },
    readSecrets() {
      readSecretsOf(config);
      host.look();
    },
    async reconfigure(next) {
      readSecretsOf(next);
      config = next;
      const nextPath = pathOf(next, family);
      if (JSON.stringify(nextPath) !== JSON.stringify(path)) {
        path = nextPath;
        const left = seat;
        seat = segment.join(path, receive);
        if (mac !== undefined) seat.through({ name: mac.name, index: mac.index });
        // The new one opens its sockets before the old one lets go of what they share.
        seat.usable(virtual());
        left.leave();
      }
      for (const a of addressesOf(next, family)) if (a.interface !== null) network.segment(a.interface);
      router.reconfigure(next, async () => void (await holdings.reconfigure(next)));
      host.look();
    },
    foresee() {
      const { source } = router.state;
      if (source === null || !codec.ok) return;
      for (const destination of destinationsOf(path)) codec.value.encode(router.advert, { source, destination });
      holdings.foresee();
    },
    look() {
      haveMac();
      const allowed = usable();
      const same = allowed.source === told?.source && allowed.lacks === told?.lacks;
      const started = told !== undefined;
      told = allowed;
      // Nobody tells when a port is free again, or there is memory.
      tryingAgain?.cancel();
      if (allowed.again === true && !ended) tryingAgain = later(TRY_AGAIN, host.look);
      if (started && !same) router.link(allowed);
      // Routes may go with a link or an address, and nobody tells of it.
      if (started && config.routes.length > 0) lookAgain ??= later(LOOK_AGAIN, claimAnew);
    },
    noteRouting(event) {
      if (event.kind === 'overrun') {
        lookAgain ??= later(LOOK_AGAIN, claimAnew);
        return;
      }
      for (const held of holdings.wanted) if (isSame(held, event)) router.noteLoss(formatHeld(held));
    },
    deviceOf(address) {
      const own = addressesOf(config, family).find((a) => a.address.address === address);
      return own && (own.interface ?? device());
    },
    get macIndex() {
      return mac?.index;
    },
    get interfaces() {
      return mac === undefined ? interfacesOf(config) : [...interfacesOf(config), mac.name];
    },
    status: () => router.status({ destinations: destinationsOf(path), device: device() }),
    leave() {
      ended = true;
      // What would be written down a little later is written down now.
      master = router.state.state === 'master';
      writeRole();
      router.leave();
    },
    async end() {
      ended = true;
      lookAgain?.cancel();
      tryingAgain?.cancel();
      await router.stop();
      await opening;
      await mac?.close();
      seat.leave();
      role.remove();
    },
  };
  return host;
}

/** How long after a take-over it is written down: those of many routers come first. */
const WRITE_AFTER = milliseconds(100);
/** How long until a macvlan or a socket that was refused is asked for again. */
const TRY_AGAIN = milliseconds(1000);

/** How long after news of a link the routes are asked for again. */
const LOOK_AGAIN = milliseconds(200);

function isSame(held: Held, event: Exclude<RoutingEvent, { kind: 'overrun' }>): boolean {
  if (held.kind === 'route' && event.kind === 'route')
    return held.table === event.route.table && formatPrefix(held.to) === formatPrefix(event.route.to);
  if (held.kind === 'rule' && event.kind === 'rule')
    return held.table === event.rule.table && held.priority === event.rule.priority;
  return false;
}

/** The soonest that any peer gives us up is its down count of intervals after our last advert; its skew is our margin. */
function canResume(config: VrrpConfig, last: ReturnType<RoleFile['read']>): boolean {
  if (last === undefined || !last.role.master) return false;
  if (last.role.interface !== config.interface || last.role.routerId !== config.routerId) return false;
  const silent = between(last.beat, now());
  return silent >= 0 && silent < times(config.interval, config.downCount);
}
