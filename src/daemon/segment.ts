/**
 * One interface with the virtual routers on it: what is known of the link and its addresses, and the sockets that carry
 * the adverts of its routers. Interfaces may come late, go, and come back as another one of the same name.
 */

import { formatPrefix, type IpAddress } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { Happening } from '../control/event.ts';
import type { InterfaceAddress, Link, NetworkEvent } from '../system/rtnetlink.ts';
import { type MacAddress, parseMac } from '../wire/ethernet.ts';
import { chooseSource, type Usable } from './advert-source.ts';
import type {
  AdvertPath,
  AdvertTransport,
  Arrival,
  Device,
  TransportHandlers,
  TransportOptions,
} from './advert-transport.ts';
import { createCopyFilter } from './copy-filter.ts';

export type { Usable } from './advert-source.ts';

/** Where a packet came from and went to; `ttl`: `null` where it is not known (UDP). */
export type PacketEnvelope = Pick<Arrival, 'source' | 'destination' | 'ttl'>;

/** What a virtual router gives to its segment: every packet of its VRID comes here, good or bad. */
export type Receive = (bytes: Uint8Array, envelope: PacketEnvelope, receivedAt: Instant) => void;

/** One virtual router's place on a segment. */
export type Seat = {
  readonly path: AdvertPath;
  /**
   * What the interface allows it to do; own addresses are those that are not `virtual`. Where it can serve, it hears from
   * now on. To be asked again after each change of a link, an address or the macvlan.
   */
  usable(virtual: ReadonlySet<string>): Usable;
  /** Sends at once. A refusal is told as trouble and counts as a lost packet. */
  send(bytes: Uint8Array, path: { readonly source: IpAddress; readonly destination: IpAddress }): void;
  /** The macvlan that multicast adverts leave by, and are heard on besides the interface itself; `null`: none. Unicast never takes it. */
  through(macvlan: Device | null): void;
  /** No packet comes any more. */
  leave(): void;
};

export type Segment = {
  readonly name: string;
  /** Of the link that is there now; `undefined`: none is. */
  readonly index: number | undefined;
  /** Of the link that was there last: renamed, it still has our addresses. */
  readonly lastIndex: number | undefined;
  /** The link's hardware address, where it has one. */
  readonly mac: MacAddress | undefined;
  /** An own link-local address that can be used; `null`: there is none. */
  linkLocal(virtual: ReadonlySet<string>): IpAddress | null;
  /** Takes the link as it is now; `undefined`: there is none of this name. */
  setLink(link: Link | undefined): void;
  noteAddress(event: Extract<NetworkEvent, { kind: 'address' }>): void;
  /** All addresses of the link, read anew. */
  setAddresses(addresses: readonly InterfaceAddress[]): void;
  has(address: IpAddress): boolean;
  join(path: AdvertPath, receive: Receive): Seat;
  /** How many routers are on it. */
  readonly size: number;
  /** Packets of VRIDs that no router here has. */
  readonly unclaimed: number;
  close(): void;
};

export type SegmentPorts = {
  readonly trouble: (what: string, detail: string) => void;
  /** `openAdvertTransport` */
  readonly openTransport: (options: TransportOptions, handlers: TransportHandlers) => Result<AdvertTransport, Error>;
};

/** A transport, shared by the routers whose adverts take the same way. */
type Shared = { readonly transport: AdvertTransport; readonly key: string; users: number };
/** One address that is listened to on a shared transport. */
type Ear = { readonly shared: Shared; readonly destination: IpAddress };

type Member = {
  readonly path: AdvertPath;
  readonly receive: Receive;
  readonly isCopy: ReturnType<typeof createCopyFilter>;
  macvlan: Device | null;
  /** What its sockets were opened for, and which they are; `undefined`: none are. */
  open: { readonly wanted: string; readonly ears: readonly Ear[]; readonly out: AdvertTransport } | undefined;
};

export function createSegment(name: string, ports: SegmentPorts): Segment {
  const members = new Map<string, Member[]>();
  const transports = new Map<string, Shared>();
  let link: Link | undefined;
  let lastIndex: number | undefined;
  /** By prefix, in the kernel's order. */
  let addresses = new Map<string, InterfaceAddress>();
  let unclaimed = 0;

  const everyone = (): Member[] => [...members.values()].flat();

  function setLink(next: Link | undefined): void {
    if (link?.index !== next?.index) closeSockets();
    link = next;
    lastIndex = next?.index ?? lastIndex;
    if (next === undefined) addresses.clear();
  }

  function closeSockets(): void {
    for (const member of everyone()) member.open = undefined;
    for (const { transport } of transports.values()) transport.close();
    transports.clear();
  }

  function usable(member: Member, virtual: ReadonlySet<string>): Usable {
    const lacks = (words: string): Usable => ({ source: null, lacks: words });
    if (link === undefined) return lacks(`interface ${name} does not exist`);
    if (!link.up) return lacks(`interface ${name} is down`);
    if (!link.running) return lacks(`interface ${name} has no carrier`);
    const chosen = chooseSource(name, [...addresses.values()], virtual, member.path);
    if (chosen.source === null) return chosen;
    const opened = openFor(member, { name, index: link.index }, chosen.source);
    if (opened.ok) return chosen;
    ports.trouble(`no adverts on ${name}`, opened.error.message);
    return { source: null, lacks: `no socket for adverts on ${name}`, again: true };
  }

  /** Opens what the router needs to hear and to send from `source`. The old sockets go after the new ones are there. */
  function openFor(member: Member, own: Device, source: IpAddress): Result<void, Error> {
    const { group } = member.path;
    const out = group === null ? own : (member.macvlan ?? own);
    const wanted = `${own.index} ${out.index} ${source}`;
    if (member.open?.wanted === wanted) return ok(undefined);
    const heard: [Device, IpAddress][] = [[out, source]];
    if (group !== null) for (const device of new Set([own, out])) heard.push([device, group]);
    const ears: Ear[] = [];
    for (const [device, destination] of heard) {
      const ear = listen(member.path, device, destination);
      if (!ear.ok) {
        ears.forEach(deafen);
        return ear;
      }
      ears.push(ear.value);
    }
    const before = member.open;
    member.open = { wanted, ears, out: (ears[0] as Ear).shared.transport };
    before?.ears.forEach(deafen);
    return ok(undefined);
  }

  function listen({ family, transport, port }: AdvertPath, device: Device, destination: IpAddress): Result<Ear, Error> {
    const key = `${device.index} ${family} ${transport} ${port}`;
    let shared = transports.get(key);
    if (shared === undefined) {
      const opened = ports.openTransport(
        { device, family, transport, port },
        { packet: (bytes, arrival) => receive({ family, transport, port }, bytes, arrival), refused },
      );
      if (!opened.ok) return opened;
      shared = { transport: opened.value, key, users: 0 };
      transports.set(key, shared);
    }
    shared.users += 1;
    const heard = shared.transport.listen(destination);
    if (heard.ok) return ok({ shared, destination });
    letGo(shared);
    return err(heard.error);
  }

  function deafen({ shared, destination }: Ear): void {
    shared.transport.unlisten(destination);
    letGo(shared);
  }

  function letGo(shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.transport.close();
    transports.delete(shared.key);
  }

  function refused(error: Error): void {
    // With the link down nothing can leave, and the fault says so already.
    if (link?.running) ports.trouble(`an advert could not be sent on ${name}`, error.message);
  }

  /** The VRID is read before the packet is known to be good, so that a bad one is counted where it was meant to go. */
  function receive(way: Pick<AdvertPath, 'family' | 'transport' | 'port'>, bytes: Uint8Array, arrival: Arrival): void {
    const { interfaceIndex, receivedAt } = arrival;
    const candidates = (members.get(seatKey(way.family, bytes[1] ?? 0)) ?? []).filter(
      ({ path, macvlan }) =>
        path.transport === way.transport &&
        path.port === way.port &&
        // What another router sends by its own macvlan, this one's may hear, and is ours.
        (interfaceIndex === link?.index || interfaceIndex === macvlan?.index),
    );
    if (candidates.length === 0) unclaimed += 1;
    for (const { isCopy, macvlan, receive } of addressees(candidates, arrival))
      if (macvlan === null || !isCopy(bytes, arrival)) receive(bytes, arrival, receivedAt);
  }

  function leave(member: Member): void {
    const key = seatKey(member.path.family, member.path.routerId);
    const others = (members.get(key) ?? []).filter((other) => other !== member);
    if (others.length > 0) members.set(key, others);
    else members.delete(key);
    member.open?.ears.forEach(deafen);
    member.open = undefined;
  }

  function join(path: AdvertPath, receive: Receive): Seat {
    const member: Member = { path, receive, isCopy: createCopyFilter(), macvlan: null, open: undefined };
    const key = seatKey(path.family, path.routerId);
    members.set(key, [...(members.get(key) ?? []), member]);
    return {
      path,
      usable: (virtual) => usable(member, virtual),
      send: (bytes, way) => member.open?.out.send(bytes, way),
      through(macvlan) {
        member.macvlan = macvlan;
      },
      leave: () => leave(member),
    };
  }

  return {
    name,
    get index() {
      return link?.index;
    },
    get lastIndex() {
      return lastIndex;
    },
    get mac() {
      return parseMac(link?.mac ?? '');
    },
    linkLocal: (virtual) => chooseSource(name, [...addresses.values()], virtual, LINK_LOCAL).source,
    setLink,
    noteAddress({ address, gone }) {
      // One that is told of again keeps its place: the first own address is the source of adverts.
      if (gone) addresses.delete(formatPrefix(address.prefix));
      else addresses.set(formatPrefix(address.prefix), address);
    },
    setAddresses(all) {
      addresses = new Map(all.map((one) => [formatPrefix(one.prefix), one]));
    },
    has: (address) => {
      for (const { prefix } of addresses.values()) if (prefix.address === address) return true;
      return false;
    },
    join,
    get size() {
      return everyone().length;
    },
    get unclaimed() {
      return unclaimed;
    },
    close: closeSockets,
  };
}

const seatKey = (family: number, routerId: number): string => `${family} ${routerId}`;

const LINK_LOCAL = { family: 6, group: null, peers: [], wanted: null } as const;

/**
 * Two routers may have one VRID on one interface when their groups or their peers differ: a packet is then for those whose
 * it is. When it is nobody's, all get it, and count it as refused.
 */
function addressees(candidates: readonly Member[], { source, destination }: Arrival): readonly Member[] {
  if (candidates.length < 2) return candidates;
  const meant = candidates.filter(({ path: { group, peers } }) =>
    group === null ? peers.includes(source) : group === destination,
  );
  return meant.length > 0 ? meant : candidates;
}

/** A complaint about the machine rather than about a peer. */
export const troubleOf = (what: string, detail: string): Happening => ({
  kind: 'trouble',
  severity: 'error',
  what,
  detail,
});
