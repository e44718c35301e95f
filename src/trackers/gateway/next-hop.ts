/** Where a gateway is to be asked: on which link, and from which of the link's own addresses. */

import { familyOf, type IpAddress, inPrefix } from '../../base/address.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { GatewayTrack } from '../../config/config.ts';
import type { DefaultRoute } from '../../system/default-route.ts';
import type { Link, NetlinkError, Rtnetlink } from '../../system/rtnetlink.ts';
import { type MacAddress, parseMac, UNSET } from '../../wire/ethernet.ts';
import { down, type Finding, unknown, up } from '../watch.ts';

export type Hop = {
  readonly address: IpAddress;
  readonly interfaceIndex: number;
  readonly interface: string;
  /** The link's own hardware address. */
  readonly mac: MacAddress;
  /** An own address that is on no other director; `null`: the link has none. */
  readonly source: IpAddress | null;
};

export type HopTools = {
  readonly rtnetlink: Pick<Rtnetlink, 'route' | 'links' | 'addresses'>;
  /** Of IPv4; refused with an errno name. */
  readonly defaultRoute: () => Promise<Result<DefaultRoute | null, string>>;
  /** Whether an address is a virtual router's: asked from it, the gateway would learn that it is here. */
  readonly isVirtual: (address: IpAddress) => boolean;
};

export type HopFinder = {
  /** The hop, or what there is to be found without asking it. */
  find(gateway: GatewayTrack['gateway']): Promise<Result<Hop, Finding>>;
  /** What is remembered of links may be wrong. */
  forget(): void;
};

type Way = { readonly address: IpAddress; readonly interfaceIndex: number; readonly source: IpAddress | undefined };

const ANYWHERE = '::' as IpAddress;
const NO_DEFAULT = down('is missing: there is no default route');

export function createHopFinder({ rtnetlink, defaultRoute, isVirtual }: HopTools): HopFinder {
  let links: readonly Link[] = [];

  /** The gateway that packets to nowhere in particular go by. */
  async function defaultWay(): Promise<Result<Way, Finding>> {
    const four = await defaultRoute();
    if (!four.ok) return err(unknown(`cannot be told: the routes cannot be read (${four.error})`));
    if (four.value?.gateway === null) return err(unknown(`cannot be asked: ${four.value.interface} has none`));
    if (four.value !== null) return wayTo(four.value.gateway as IpAddress);
    const six = await rtnetlink.route(ANYWHERE);
    if (!six.ok) return err(isMissing(six.error) ? NO_DEFAULT : untold(six.error));
    const { gateway: address, interfaceIndex, source } = six.value;
    return address === undefined
      ? err(unknown('cannot be asked: its route has none'))
      : ok({ address, interfaceIndex, source });
  }

  async function wayTo(address: IpAddress): Promise<Result<Way, Finding>> {
    const route = await rtnetlink.route(address);
    if (!route.ok)
      return err(isMissing(route.error) ? down('is out of reach: there is no route to it') : untold(route.error));
    const { gateway, interfaceIndex, source } = route.value;
    // A route that is forced onto a link (`onlink`) has it as its own gateway.
    if (gateway === undefined || gateway === address) return ok({ address, interfaceIndex, source });
    return err(down(`is on no link of this machine: packets to it go by way of ${gateway}`));
  }

  async function linkOf(index: number): Promise<Result<Link | undefined, NetlinkError>> {
    const known = links.find((link) => link.index === index);
    if (known !== undefined) return ok(known);
    const read = await rtnetlink.links();
    if (!read.ok) return read;
    links = read.value;
    return ok(links.find((link) => link.index === index));
  }

  /** What the kernel would choose, unless that is virtual; else an address of the gateway's network, else any of the link. */
  async function sourceOf({ address, interfaceIndex, source }: Way): Promise<IpAddress | null> {
    if (source !== undefined && !isVirtual(source)) return source;
    const read = await rtnetlink.addresses(interfaceIndex);
    const own = (read.ok ? read.value : [])
      .map(({ prefix }) => prefix)
      .filter((own) => familyOf(own.address) === familyOf(address) && !isVirtual(own.address));
    return (own.find((prefix) => inPrefix(address, prefix)) ?? own[0])?.address ?? null;
  }

  return {
    async find(gateway) {
      const way = await (gateway === 'default' ? defaultWay() : wayTo(gateway));
      if (!way.ok) return way;
      const { address, interfaceIndex } = way.value;
      const link = await linkOf(interfaceIndex);
      if (!link.ok) return err(untold(link.error));
      if (link.value === undefined) return err(down('is out of reach: its interface is gone'));
      if (link.value.loopback) return err(up('is this machine itself'));
      const mac = parseMac(link.value.mac);
      if (mac === undefined || mac === UNSET)
        return err(unknown(`cannot be asked: ${link.value.name} has no hardware addresses`));
      const source = await sourceOf(way.value);
      if (source === null && familyOf(address) === 6)
        return err(unknown(`cannot be asked: ${link.value.name} has no IPv6 address of its own`));
      return ok({ address, interfaceIndex, interface: link.value.name, mac, source });
    },
    forget() {
      links = [];
    },
  };
}

/** The kernel's ways of saying that no packet would go there (fib_props, and fib6_result). */
const MISSING = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL']);
const isMissing = ({ code }: NetlinkError): boolean => MISSING.has(code);
const untold = ({ message }: NetlinkError): Finding => unknown(`cannot be told: ${message}`);
