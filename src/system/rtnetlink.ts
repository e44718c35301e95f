/** Links, addresses and routes of the network namespace in which it was opened, as ip(8) shows and sets them. */

import type { IpAddress, Prefix } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Message, NLM_F, type WireError } from '../wire/netlink.ts';
import {
  decodeAddress,
  decodeLink,
  decodeRoute,
  IFA_F,
  type InterfaceAddress,
  type Lifetime,
  type Link,
  type Route,
  RT_SCOPE,
  RTM,
  RTNLGRP,
  type Scope,
  writeAddress,
  writeGetAddresses,
  writeGetLink,
  writeGetRoute,
} from '../wire/netlink-route.ts';
import { NETLINK, type Netlink, type NetlinkError, openNetlink, type Request } from './netlink.ts';
import { type Watch, watchNetlink } from './netlink-watch.ts';

export type { InterfaceAddress, Link, Route } from '../wire/netlink-route.ts';
export type { NetlinkError } from './netlink.ts';

/** An address on an interface, as it is asked for. */
export type OwnAddress = {
  /** The interface's index. */
  readonly index: number;
  readonly prefix: Prefix;
  /** Default: `global`. */
  readonly scope?: Scope;
  /** IPv6: usable at once, without duplicate address detection, which a virtual address just taken over would fail. */
  readonly noDad?: boolean;
  /** Whole seconds until the kernel removes it by itself, unless it is renewed before. Default: never. */
  readonly lifetime?: Lifetime;
};

export type Rtnetlink = {
  links(): Promise<Result<readonly Link[], NetlinkError>>;
  /** The link of that name; ENODEV when there is none. */
  link(name: string): Promise<Result<Link, NetlinkError>>;
  /** Of both families; of one interface where `index` is given. */
  addresses(index?: number): Promise<Result<readonly InterfaceAddress[], NetlinkError>>;
  /** In one go. One answer for each, in the same order. */
  addAddresses(addresses: readonly OwnAddress[]): Promise<readonly Result<'added' | 'already-there', NetlinkError>[]>;
  /** As `addAddresses`, and gives those that are there already the lifetime asked for. */
  renewAddresses(addresses: readonly OwnAddress[]): Promise<readonly Result<'renewed', NetlinkError>[]>;
  /**
   * In one go. Deleting the primary address of an IPv4 network deletes its secondaries too, unless the interface's
   * sysctl promote_secondaries is set.
   */
  deleteAddresses(addresses: readonly OwnAddress[]): Promise<readonly Result<'deleted' | 'absent', NetlinkError>[]>;
  /** Which way a packet to `destination` would go, and from which address. ENETUNREACH when none. */
  route(destination: IpAddress): Promise<Result<Route, NetlinkError>>;
  /** Messages sent so far: those that change something, and those that only read. */
  readonly sent: { readonly reads: number; readonly writes: number };
  close(): void;
};

export function openRtnetlink(): Result<Rtnetlink, NetlinkError> {
  const opened = openNetlink(NETLINK.ROUTE);
  if (!opened.ok) return opened;
  const netlink = opened.value;
  return ok({
    links: async () => each(await netlink.dump(request(RTM.GETLINK, (sink) => writeGetLink(sink))), decodeLink),
    link: async (name) =>
      one(await netlink.request(request(RTM.GETLINK, (sink) => writeGetLink(sink, name))), decodeLink),
    addresses: async (index) => {
      const all = each(await netlink.dump(request(RTM.GETADDR, (sink) => writeGetAddresses(sink))), decodeAddress);
      if (!all.ok) return all;
      return ok(all.value.filter((a) => a !== undefined).filter((a) => index === undefined || a.index === index));
    },
    addAddresses: (addresses) => change(netlink, RTM.NEWADDR, addresses, ADD),
    renewAddresses: (addresses) => change(netlink, RTM.NEWADDR, addresses, RENEW),
    deleteAddresses: (addresses) => change(netlink, RTM.DELADDR, addresses, DELETE),
    route: async (destination) =>
      one(await netlink.request(request(RTM.GETROUTE, (sink) => writeGetRoute(sink, destination))), decodeRoute),
    sent: netlink.sent,
    close: netlink.close,
  });
}

export type NetworkEvent =
  | { readonly kind: 'link'; readonly link: Link; readonly gone: boolean }
  | { readonly kind: 'address'; readonly address: InterfaceAddress; readonly gone: boolean }
  /** Events were lost: read links and addresses anew. */
  | { readonly kind: 'overrun' };

/** Tells of every change to a link or an address, of what was ours as of what was not, from when it returns. */
export function watchNetwork(handle: (event: NetworkEvent) => void): Result<Watch, NetlinkError> {
  return watchNetlink(
    NETLINK.ROUTE,
    [RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR],
    (message) => {
      const event = networkEvent(message);
      if (event !== undefined) handle(event);
    },
    () => handle({ kind: 'overrun' }),
  );
}

function networkEvent({ type, payload }: Message): NetworkEvent | undefined {
  if (type === RTM.NEWLINK || type === RTM.DELLINK) {
    // ifi_family other than AF_UNSPEC (AF_BRIDGE) tells of the port of a bridge, not of the link.
    if (payload[0] !== 0) return undefined;
    const link = decodeLink(payload);
    return link.ok ? { kind: 'link', link: link.value, gone: type === RTM.DELLINK } : undefined;
  }
  if (type !== RTM.NEWADDR && type !== RTM.DELADDR) return undefined;
  const address = decodeAddress(payload);
  if (!address.ok || address.value === undefined) return undefined;
  return { kind: 'address', address: address.value, gone: type === RTM.DELADDR };
}

/** How a change is asked for, and which refusals mean that there was nothing to do. */
type Change<Done extends string, Needless extends string> = {
  readonly flags: number;
  readonly done: Done;
  readonly needless: Needless;
  readonly codes: readonly string[];
};
const ADD = { flags: NLM_F.CREATE | NLM_F.EXCL, done: 'added', needless: 'already-there', codes: ['EEXIST'] } as const;
const RENEW = { flags: NLM_F.CREATE | NLM_F.REPLACE, done: 'renewed', needless: 'renewed', codes: [] } as const;
/** An interface that is gone took its addresses with it. */
const DELETE = { flags: 0, done: 'deleted', needless: 'absent', codes: ['EADDRNOTAVAIL', 'ENODEV'] } as const;

async function change<Done extends string, Needless extends string>(
  netlink: Netlink,
  type: number,
  addresses: readonly OwnAddress[],
  { flags, done, needless, codes }: Change<Done, Needless>,
): Promise<readonly Result<Done | Needless, NetlinkError>[]> {
  const answers = await netlink.batch(
    addresses.map(({ index, prefix, scope = 'global', noDad = false, lifetime = null }) =>
      request(
        type,
        (sink) =>
          writeAddress(sink, { index, prefix, scope: RT_SCOPE[scope], flags: noDad ? IFA_F.NODAD : 0 }, lifetime),
        flags,
      ),
    ),
  );
  return answers.map((answer) => {
    if (answer.ok) return ok(done);
    return codes.includes(answer.error.code) ? ok(needless) : answer;
  });
}

const request = (type: number, payload: Request['payload'], flags = 0): Request => ({ type, payload, flags });

const EBADMSG = 74;

function each<T>(
  answer: Result<readonly Message[], NetlinkError>,
  decode: (payload: Uint8Array) => Result<T, WireError>,
): Result<readonly T[], NetlinkError> {
  if (!answer.ok) return answer;
  const values: T[] = [];
  for (const { payload } of answer.value) {
    const value = decode(payload);
    if (!value.ok) return err(unreadable(value.error));
    values.push(value.value);
  }
  return ok(values);
}

function one<T>(
  answer: Result<readonly Message[], NetlinkError>,
  decode: (payload: Uint8Array) => Result<T, WireError>,
): Result<T, NetlinkError> {
  const all = each(answer, decode);
  if (!all.ok) return all;
  const [first] = all.value;
  return first === undefined ? err(unreadable('missing')) : ok(first);
}

const unreadable = (why: WireError): NetlinkError => ({
  errno: EBADMSG,
  code: 'EBADMSG',
  message: `the kernel gave an answer that cannot be read (${why})`,
});
