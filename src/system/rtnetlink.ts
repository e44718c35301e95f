/** Links, addresses, routes and rules of the network namespace in which it was opened, as ip(8) shows and sets them. */

import { constants } from 'node:os';
import { type Family, familyOf, formatPrefix, type IpAddress, type Prefix } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import {
  decodeAddress,
  IFA_F,
  type InterfaceAddress,
  type Lifetime,
  writeAddress,
  writeDeleteAddress,
  writeGetAddresses,
} from '../wire/netlink-address.ts';
import {
  decodeLink,
  type Link,
  type Macvlan,
  writeDeleteLink,
  writeGetLink,
  writeMacvlan,
  writeSetLink,
} from '../wire/netlink-link.ts';
import {
  DEFAULT_METRIC,
  decodeRoute,
  decodeTableRoute,
  type Route,
  type TableRoute,
  writeGetRoute,
  writeGetRoutes,
  writeRoute,
} from '../wire/netlink-route.ts';
import { RT_SCOPE, RTM, type Scope } from '../wire/netlink-rtnl.ts';
import { decodeRule, type Rule, writeGetRules, writeRule } from '../wire/netlink-rule.ts';
import type { Sink } from '../wire/netlink-sink.ts';
import { NETLINK, type NetlinkError, openNetlink } from './netlink.ts';
import { ADD, change, DELETE, each, one, RENEW, request } from './rtnetlink-change.ts';

export type { InterfaceAddress } from '../wire/netlink-address.ts';
export type { Link, Macvlan } from '../wire/netlink-link.ts';
export type { Route, TableRoute } from '../wire/netlink-route.ts';
export type { Rule } from '../wire/netlink-rule.ts';
export type { NetlinkError } from './netlink.ts';
export { type NetworkEvent, type RoutingEvent, watchNetwork, watchRouting } from './rtnetlink-watch.ts';

/** An address on an interface, as it is asked for. */
export type OwnAddress = {
  /** The interface's index. */
  readonly index: number;
  readonly prefix: Prefix;
  /** The other end of a point-to-point address; `prefix` then has the length of the other end's network. */
  readonly peer?: IpAddress;
  /** IPv4: `eth0:web`, at most 15 characters. */
  readonly label?: string;
  /** Default: `global`. */
  readonly scope?: Scope;
  /** IPv6: usable at once, without duplicate address detection, which a virtual address just taken over would fail. */
  readonly noDad?: boolean;
  /** Never chosen as the source of what this machine sends of its own (preferred lifetime 0). */
  readonly deprecated?: boolean;
  /** Of the route to its network. Default: the kernel's. */
  readonly routeMetric?: number;
  /** Whole seconds until the kernel removes it by itself, unless it is renewed before. Default: never. */
  readonly lifetime?: Lifetime;
};

export type Rtnetlink = {
  links(): Promise<Result<readonly Link[], NetlinkError>>;
  /** The link of that name; ENODEV when there is none. */
  link(name: string): Promise<Result<Link, NetlinkError>>;
  /** Makes a macvlan in private mode, which is down. EEXIST: the name is taken; EADDRINUSE: the parent has one of that MAC. */
  addMacvlan(macvlan: Macvlan): Promise<Result<null, NetlinkError>>;
  setLink(
    index: number,
    change: { readonly up?: boolean; readonly alias?: string },
  ): Promise<Result<null, NetlinkError>>;
  deleteLink(index: number): Promise<Result<'deleted' | 'absent', NetlinkError>>;
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
  /** Puts addresses back as they were read. One that is there meanwhile stays. */
  restoreAddresses(
    addresses: readonly InterfaceAddress[],
  ): Promise<readonly Result<'added' | 'already-there', NetlinkError>[]>;
  /** Which way a packet to `destination` would go, and from which address. ENETUNREACH when none. */
  route(destination: IpAddress): Promise<Result<Route, NetlinkError>>;
  /** In one go. One answer for each, in the same order. */
  routesTo(destinations: readonly IpAddress[]): Promise<readonly Result<Route, NetlinkError>[]>;
  /** All unicast routes of all tables. */
  routes(family: Family): Promise<Result<readonly TableRoute[], NetlinkError>>;
  /**
   * In one go. EEXIST: the table has another route to that network with the same metric. One that is already there may
   * be somebody else's.
   */
  addRoutes(routes: readonly TableRoute[]): Promise<readonly Result<'added' | 'already-there', NetlinkError>[]>;
  /** In one go. Only routes of the protocol that is given. */
  deleteRoutes(routes: readonly TableRoute[]): Promise<readonly Result<'deleted' | 'absent', NetlinkError>[]>;
  /** All rules that ask a table. */
  rules(family: Family): Promise<Result<readonly Rule[], NetlinkError>>;
  /** In one go. One that is already there may be somebody else's: the kernel has no two that differ in nothing else. */
  addRules(rules: readonly Rule[]): Promise<readonly Result<'added' | 'already-there', NetlinkError>[]>;
  /** In one go. Only rules of the protocol that is given. */
  deleteRules(rules: readonly Rule[]): Promise<readonly Result<'deleted' | 'absent', NetlinkError>[]>;
  /** Messages sent so far: those that change something, and those that only read. */
  readonly sent: { readonly reads: number; readonly writes: number };
  close(): void;
};

export function openRtnetlink(): Result<Rtnetlink, NetlinkError> {
  const opened = openNetlink(NETLINK.ROUTE);
  if (!opened.ok) return opened;
  const netlink = opened.value;
  const oneChange = async (type: number, write: (sink: Sink) => void, flags = 0): Promise<Result<null, NetlinkError>> =>
    (await netlink.batch([request(type, write, flags)]))[0] ?? ok(null);

  async function routes(family: Family): Promise<Result<readonly TableRoute[], NetlinkError>> {
    const dump = await netlink.dump(request(RTM.GETROUTE, (sink) => writeGetRoutes(sink, family)));
    return each(dump, decodeTableRoute);
  }

  async function addRoutes(wanted: readonly TableRoute[]) {
    const answers = await change(netlink, RTM.NEWROUTE, wanted, writeRoute, ADD);
    const taken = wanted.filter((_, i) => answers[i]?.ok && answers[i].value === 'already-there');
    const there: TableRoute[] = [];
    for (const family of new Set(taken.map((route) => familyOf(route.to.address)))) {
      const read = await routes(family);
      if (read.ok) there.push(...read.value);
    }
    return answers.map((answer, i) => {
      const route = wanted[i];
      if (!answer.ok || answer.value === 'added' || route === undefined) return answer;
      return there.some((other) => sameRoute(other, route)) ? answer : err(OTHER_ROUTE);
    });
  }

  return ok({
    links: async () =>
      each(
        await netlink.dump(
          request(RTM.GETLINK, (sink) => writeGetLink(sink)),
          'accept',
        ),
        decodeLink,
      ),
    link: async (name) =>
      one(await netlink.request(request(RTM.GETLINK, (sink) => writeGetLink(sink, name))), decodeLink),
    addMacvlan: (macvlan) => oneChange(RTM.NEWLINK, (sink) => writeMacvlan(sink, macvlan), ADD.flags),
    setLink: (index, change) => oneChange(RTM.SETLINK, (sink) => writeSetLink(sink, index, change)),
    async deleteLink(index) {
      const [answer] = await change(netlink, RTM.DELLINK, [index], writeDeleteLink, DELETE);
      return answer ?? ok('absent');
    },
    async addresses(index) {
      const all = each(
        await netlink.dump(
          request(RTM.GETADDR, (sink) => writeGetAddresses(sink)),
          'accept',
        ),
        decodeAddress,
      );
      return all.ok ? ok(all.value.filter((a) => index === undefined || a.index === index)) : all;
    },
    addAddresses: (addresses) => change(netlink, RTM.NEWADDR, addresses.map(asked), writeAddress, ADD),
    renewAddresses: (addresses) => change(netlink, RTM.NEWADDR, addresses.map(asked), writeAddress, RENEW),
    deleteAddresses: (addresses) => change(netlink, RTM.DELADDR, addresses.map(asked), writeDeleteAddress, DELETE),
    restoreAddresses: (addresses) => change(netlink, RTM.NEWADDR, addresses, writeAddress, ADD),
    route: async (destination) => one(await netlink.request(wayTo(destination)), decodeRoute),
    routesTo: async (destinations) =>
      (await netlink.requests(destinations.map(wayTo))).map((answer) => one(answer, decodeRoute)),
    routes,
    addRoutes,
    deleteRoutes: (routes) => change(netlink, RTM.DELROUTE, routes, writeRoute, DELETE),
    rules: async (family) =>
      each(await netlink.dump(request(RTM.GETRULE, (sink) => writeGetRules(sink, family))), decodeRule),
    addRules: (rules) => change(netlink, RTM.NEWRULE, rules, writeRule, ADD),
    deleteRules: (rules) => change(netlink, RTM.DELRULE, rules, writeRule, DELETE),
    sent: netlink.sent,
    close: netlink.close,
  });
}

const wayTo = (destination: IpAddress) => request(RTM.GETROUTE, (sink) => writeGetRoute(sink, destination));

function asked(own: OwnAddress): InterfaceAddress {
  const { index, prefix, peer, label, scope = 'global', noDad = false, deprecated = false, routeMetric } = own;
  const { lifetime = null } = own;
  return {
    ...{ index, prefix, scope: RT_SCOPE[scope], flags: noDad ? IFA_F.NODAD : 0 },
    ...(peer !== undefined && { peer }),
    ...(label !== undefined && { label }),
    ...(routeMetric !== undefined && { routeMetric }),
    ...((deprecated || lifetime !== null) && {
      lifetimes: { preferred: deprecated ? 0 : lifetime, valid: lifetime },
    }),
  };
}

/** Whether two routes do the same, whoever made them. */
function sameRoute(a: TableRoute, b: TableRoute): boolean {
  const metricOf = ({ metric, to }: TableRoute): number => metric ?? DEFAULT_METRIC[familyOf(to.address)];
  return (
    formatPrefix(a.to) === formatPrefix(b.to) &&
    metricOf(a) === metricOf(b) &&
    (['table', 'gateway', 'index', 'source'] as const).every((field) => a[field] === b[field])
  );
}

const OTHER_ROUTE: NetlinkError = {
  ...{ errno: constants.errno.EEXIST, code: 'EEXIST' },
  message: 'the table has another route to there with the same metric; give one of them another metric',
};
