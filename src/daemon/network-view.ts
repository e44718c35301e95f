/**
 * The links and addresses of this machine as the kernel tells of them, kept up to date by its notifications, and read
 * anew when some were lost.
 */

import type { IpAddress } from '../base/address.ts';
import { type Duration, milliseconds } from '../base/time.ts';
import { later as laterOfNode } from '../system/later.ts';
import type { InterfaceAddress, Link, NetlinkError, NetworkEvent, Rtnetlink } from '../system/rtnetlink.ts';
import type { Segment } from './segment.ts';

export type NetworkViewPorts = {
  readonly rtnetlink: Pick<Rtnetlink, 'links' | 'addresses'>;
  readonly openSegment: (name: string) => Segment;
  /** An address is on an interface, or has gone from it. */
  readonly address: (address: IpAddress, device: string, present: boolean) => void;
  /** Everything was read anew: ask where each address is. */
  readonly reread: () => void;
  /**
   * Something has changed: ask what each interface allows now. `where`: the interfaces of which an own address came or
   * went; `null`: any. Told once for all that came in one turn of the event loop: a take-over of many routers is as many
   * events, and looking takes as long as there are routers.
   */
  readonly changed: (where: ReadonlySet<string> | null) => void;
  /** Whether no interface allows more or less for this address, since it only comes and goes with a role. Default: none is so. */
  readonly floats?: (address: IpAddress) => boolean;
  /** Does it at the end of this turn of the event loop. Default: `setImmediate`. */
  readonly soon?: (work: () => void) => void;
  /** Default: `system/later.ts`. */
  readonly later?: (after: Duration, work: () => void) => { cancel(): void };
  readonly trouble: (what: string, detail: string) => void;
};

export type NetworkView = {
  /** The interface of that name, which need not exist. It is followed from now on. */
  segment(name: string): Segment;
  link(name: string): Link | undefined;
  /** Whether an interface of this machine has that hardware address. */
  isOwnMac(mac: string): boolean;
  /** Follows an event. Of an overrun the answer is that everything is read anew. */
  note(event: NetworkEvent): void;
  /** Reads everything, for every interface that is followed. */
  read(): Promise<void>;
  /** Reads nothing again by itself. */
  close(): void;
  /** Interfaces that are followed and are not in `wanted` are not any more. */
  keep(wanted: ReadonlySet<string>): void;
};

/** How often it is read again when something changed meanwhile. */
const TRIES = 5;
/** How soon after that, or after a failure. */
const READ_AGAIN = milliseconds(500);

export function createNetworkView(ports: NetworkViewPorts): NetworkView {
  const { floats = () => false, soon = setImmediate, later = laterOfNode } = ports;
  let again: { cancel(): void } | undefined;
  let closed = false;
  const segments = new Map<string, Segment>();
  const links = new Map<number, Link>();
  /** Counts what was heard of links and addresses. */
  let heard = 0;
  /** What is to be told at the end of this turn; `undefined`: nothing. */
  let untold: Set<string> | null | undefined;

  const linkNamed = (name: string): Link | undefined => [...links.values()].find((link) => link.name === name);

  function segment(name: string): Segment {
    const known = segments.get(name);
    if (known !== undefined) return known;
    const made = ports.openSegment(name);
    segments.set(name, made);
    return made;
  }

  async function read(): Promise<void> {
    again?.cancel();
    for (let n = 0; n < TRIES; n++) {
      const before = heard;
      const [all, addresses] = await Promise.all([ports.rtnetlink.links(), ports.rtnetlink.addresses()]);
      const last = n === TRIES - 1;
      // What was read may be older than what was heard meanwhile.
      if (heard !== before && !last) continue;
      if (!all.ok) unread(all.error);
      else if (!addresses.ok) unread(addresses.error);
      else take(all.value, addresses.value);
      if (heard !== before || !all.ok || !addresses.ok) readAgain();
      return;
    }
  }

  const unread = (error: NetlinkError): void => ports.trouble('links and addresses could not be read', error.message);

  /** What is known may be wrong, or nothing is. */
  function readAgain(): void {
    again?.cancel();
    if (!closed) again = later(READ_AGAIN, () => void read());
  }

  function take(all: readonly Link[], addresses: readonly InterfaceAddress[]): void {
    links.clear();
    for (const link of all) links.set(link.index, link);
    for (const one of segments.values()) {
      const link = linkNamed(one.name);
      one.setLink(link);
      one.setAddresses(addresses.filter((a) => a.index === link?.index));
    }
    ports.reread();
    untold = undefined;
    ports.changed(null);
  }

  function tellSoon(where: string | null): void {
    if (untold === undefined) soon(tell);
    if (where === null || untold === null) untold = null;
    else untold = (untold ?? new Set()).add(where);
  }

  function tell(): void {
    if (untold === undefined) return;
    const where = untold;
    untold = undefined;
    ports.changed(where);
  }

  function note(event: NetworkEvent): void {
    if (event.kind === 'overrun') return void read();
    heard += 1;
    if (event.kind === 'link') noteLink(event.link, event.gone);
    if (event.kind === 'address') noteAddress(event);
  }

  function noteLink(link: Link, gone: boolean): void {
    const before = links.get(link.index);
    if (gone) links.delete(link.index);
    else links.set(link.index, link);
    for (const one of segments.values()) {
      if (one.name === link.name) one.setLink(gone ? undefined : link);
      // Renamed: what was known by this name is another one's now.
      else if (one.index === link.index) one.setLink(undefined);
    }
    tellSoon(null);
    // Before the addresses that go with a link: a router that has lost it misses none of them.
    if (before?.running === true && (gone || !link.up || !link.running)) tell();
  }

  function noteAddress(event: Extract<NetworkEvent, { kind: 'address' }>): void {
    const { address } = event.address.prefix;
    for (const one of segments.values()) {
      if (one.index !== event.address.index) continue;
      one.noteAddress(event);
      ports.address(address, one.name, one.has(address));
      if (!floats(address)) tellSoon(one.name);
    }
  }

  return {
    segment,
    link: linkNamed,
    isOwnMac: (mac) => [...links.values()].some((link) => link.mac === mac),
    note,
    read,
    close() {
      closed = true;
      again?.cancel();
    },
    keep(wanted) {
      for (const [name, one] of segments) {
        if (wanted.has(name) || one.size > 0) continue;
        one.close();
        segments.delete(name);
      }
    },
  };
}
