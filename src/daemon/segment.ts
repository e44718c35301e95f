/**
 * One interface with the virtual routers on it: the socket for adverts, the socket for ARP, and what is known of the
 * link. Interfaces may come late, go, and come back as another one of the same name.
 */

import { familyOf, formatPrefix, type IpAddress, type Prefix } from '../base/address.ts';
import type { Duration } from '../base/time.ts';
import type { Happening } from '../control/event.ts';
import { openPacketSocket, type PacketSocket } from '../system/packet-socket.ts';
import { createRawSocket, type RawInfo, type RawSocket } from '../system/raw-socket.ts';
import type { Link, NetworkEvent, Rtnetlink } from '../system/rtnetlink.ts';
import { announcement, encode as encodeArp } from '../wire/arp.ts';
import { parseMac } from '../wire/ethernet.ts';
import { decode, GROUP, PROTOCOL, TTL } from '../wire/vrrp.ts';
import type { VirtualRouter } from './virtual-router.ts';

/** What the link allows a router to do. `source`: the first own address; `why` in words when it can do nothing. */
export type Usable = { readonly up: boolean; readonly source: IpAddress | null; readonly what: string };

export type Segment = {
  readonly name: string;
  /** Routers by VRID: each advert goes to the one it is for. */
  readonly routers: Map<number, VirtualRouter>;
  /** Takes the link as it is now; `undefined`: there is none of this name. */
  setLink(link: Link | undefined): void;
  noteAddress(event: Extract<NetworkEvent, { kind: 'address' }>): void;
  /** All addresses, read anew. */
  setAddresses(addresses: readonly Prefix[]): void;
  /** Own addresses are those that are not `virtual`. `wanted`: the source that the config names. */
  usable(virtual: ReadonlySet<string>, wanted: IpAddress | null): Usable;
  has(address: IpAddress): boolean;
  readonly index: number | undefined;
  send(bytes: Uint8Array, source: IpAddress): void;
  announce(addresses: readonly IpAddress[]): void;
  claim(addresses: readonly Prefix[], lease: Duration | null): Promise<readonly Prefix[]>;
  renew(addresses: readonly Prefix[], lease: Duration | null): Promise<void>;
  release(addresses: readonly Prefix[]): Promise<readonly Prefix[]>;
  close(): void;
};

export function createSegment(
  name: string,
  rtnetlink: Rtnetlink,
  trouble: (what: string, detail: string) => void,
): Segment {
  const routers = new Map<number, VirtualRouter>();
  let link: Link | undefined;
  let addresses: readonly Prefix[] = [];
  /** Of the link that was there last: renamed, it still has our addresses. */
  let lastIndex: number | undefined;
  let sockets:
    | { readonly index: number; readonly raw: RawSocket; readonly packet: PacketSocket | undefined }
    | undefined;

  function setLink(next: Link | undefined): void {
    link = next;
    lastIndex = next?.index ?? lastIndex;
    if (sockets !== undefined && sockets.index !== next?.index) closeSockets();
    if (sockets === undefined && next !== undefined) openSockets(next.index);
    if (next === undefined) addresses = [];
  }

  function openSockets(index: number): void {
    try {
      const raw = createRawSocket({ family: 4, protocol: PROTOCOL });
      raw.on('message', receive);
      // ENETDOWN when the link goes down: rtnetlink tells that too.
      raw.on('error', () => {});
      raw.setMulticastTTL(TTL);
      raw.setMulticastLoopback(false);
      raw.setMulticastInterface(index);
      raw.addMembership(GROUP[4], index);
      raw.bind({ device: name });
      const packet = openPacketSocket(index);
      if (!packet.ok) trouble(`no gratuitous ARP on ${name}`, packet.error.message);
      sockets = { index, raw, packet: packet.ok ? packet.value : undefined };
    } catch (error) {
      trouble(`no adverts on ${name}`, error instanceof Error ? error.message : String(error));
    }
  }

  function closeSockets(): void {
    sockets?.raw.close();
    sockets?.packet?.close();
    sockets = undefined;
  }

  function receive(message: Uint8Array, { address, destination, ttl, receivedAt }: RawInfo): void {
    // The VRID is read before the packet is known to be good, so that a bad one is counted where it was meant to go.
    const router = routers.get(message[1] ?? 0);
    if (router === undefined) return;
    const decoded = decode(message, { source: address, destination, ttl });
    if (decoded.ok) router.hear(decoded.value, address, receivedAt);
    else router.refuse(decoded.error, address);
  }

  function usable(virtual: ReadonlySet<string>, wanted: IpAddress | null): Usable {
    const no = (what: string, up = false): Usable => ({ up, source: null, what });
    if (link === undefined) return no(`interface ${name} does not exist`);
    if (!link.up) return no(`interface ${name} is down`);
    if (!link.running) return no(`interface ${name} has no carrier`);
    if (sockets === undefined) return no(`no socket for adverts on ${name}`);
    const own = addresses.map((a) => a.address).filter((a) => familyOf(a) === 4 && !virtual.has(a));
    const source = wanted === null ? own[0] : own.find((a) => a === wanted);
    if (source !== undefined) return { up: true, source, what: `interface ${name} is up` };
    return no(`interface ${name} has no address ${wanted ?? 'of its own'}`, true);
  }

  function send(bytes: Uint8Array, source: IpAddress): void {
    sockets?.raw.send(bytes, { address: GROUP[4], source }, (error) => {
      // With the link down nothing can leave, and the fault says so already.
      if (error !== null && link?.running) trouble(`an advert could not be sent on ${name}`, error.message);
    });
  }

  function announce(own: readonly IpAddress[]): void {
    const mac = parseMac(link?.mac ?? '');
    if (mac === undefined) return;
    for (const address of own) {
      const sent = sockets?.packet?.send(encodeArp(announcement(mac, address)));
      if (sent?.ok === false && link?.running) trouble(`no gratuitous ARP on ${name}`, sent.error.message);
    }
  }

  async function claim(wanted: readonly Prefix[], lease: Duration | null): Promise<readonly Prefix[]> {
    const index = link?.index;
    if (index === undefined) throw new Error(`cannot add addresses: interface ${name} does not exist`);
    const lifetime = wholeSeconds(lease);
    const answers = await rtnetlink.addAddresses(wanted.map((prefix) => ({ index, prefix, lifetime })));
    refusals('add', wanted, answers);
    return wanted.filter((_, i) => answers[i]?.ok && answers[i].value === 'added');
  }

  async function renew(held: readonly Prefix[], lease: Duration | null): Promise<void> {
    const index = link?.index;
    if (index === undefined) return;
    const lifetime = wholeSeconds(lease);
    refusals('renew', held, await rtnetlink.renewAddresses(held.map((prefix) => ({ index, prefix, lifetime }))));
  }

  async function release(unwanted: readonly Prefix[]): Promise<readonly Prefix[]> {
    const index = lastIndex;
    if (index === undefined) return [];
    const answers = await rtnetlink.deleteAddresses(unwanted.map((prefix) => ({ index, prefix })));
    refusals('remove', unwanted, answers);
    return unwanted.filter((_, i) => answers[i]?.ok && answers[i].value === 'deleted');
  }

  function refusals(
    verb: string,
    prefixes: readonly Prefix[],
    answers: readonly { readonly ok: boolean; readonly error?: { readonly message: string } }[],
  ): void {
    const refused = prefixes.flatMap((prefix, i) => {
      const error = answers[i]?.error;
      return error === undefined ? [] : [`${formatPrefix(prefix)}: ${error.message}`];
    });
    if (refused.length > 0) throw new Error(`the kernel refused to ${verb} on ${name}: ${refused.join('; ')}`);
  }

  return {
    name,
    routers,
    setLink,
    noteAddress({ address, gone }) {
      const same = (a: Prefix): boolean => formatPrefix(a) === formatPrefix(address.prefix);
      // One that is told of again keeps its place: the first own address is the source of adverts.
      if (gone) addresses = addresses.filter((a) => !same(a));
      else if (!addresses.some(same)) addresses = [...addresses, address.prefix];
    },
    setAddresses(all) {
      addresses = all;
    },
    usable,
    has: (address) => addresses.some((a) => a.address === address),
    get index() {
      return link?.index;
    },
    send,
    announce,
    claim,
    renew,
    release,
    close: closeSockets,
  };
}

const wholeSeconds = (lease: Duration | null): number | null => lease && Math.round(lease / 1000);

/** A complaint about the machine rather than about a peer. */
export const troubleOf = (what: string, detail: string): Happening => ({
  kind: 'trouble',
  severity: 'error',
  what,
  detail,
});
