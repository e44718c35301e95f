/** The tables of options in the lists of [[vrrp]]: addresses, routes and rules of policy routing. */

import { familyOf } from '../base/address.ts';
import { choice, integer, list, text, yesNo } from '../base/option-kinds.ts';
import { hostAddress, hostPrefix, interfaceName, network } from '../base/option-net.ts';
import { inlineTable, ordered, textOrTable } from '../base/option-tables.ts';
import { isLinkLocal } from '../base/prefix.ts';
import type { VirtualAddress } from './config.ts';

const U32 = 0xffff_ffff;
/** Number of the table `main` (linux/rtnetlink.h, RT_TABLE_MAIN). */
const MAIN = 254;

const ADDRESS = {
  address: {
    is: hostPrefix,
    doc: 'The address; of IPv6, the first of an advert should be link-local (RFC 9568, 5.2.9), so those are listed first.',
  },
  interface: { is: interfaceName, default: null, absent: "the router's", doc: 'Interface that it is added to.' },
  scope: {
    is: choice('global', 'link', 'host'),
    default: 'global',
    doc: 'Scope, as in ip-address(8); of IPv4 only, IPv6 addresses bear their own.',
  },
  label: {
    is: text('a label of 1 to 15 characters', /^[^\s/]{1,15}$/),
    default: null,
    absent: 'none',
    doc: 'Label that ip-address(8) and ifconfig(8) show, as in `"eth0:web"`: the interface, `:` and more; of IPv4 only.',
  },
  peer: {
    is: hostAddress,
    default: null,
    doc: 'The other end of a point-to-point address; the prefix length is then that of the peer.',
  },
  advertise: {
    is: yesNo,
    default: true,
    doc: 'Whether adverts list it; one that is not listed fails over all the same. For more addresses than an advert has room for.',
  },
} as const;

/** As adverts list them: link-local before other IPv6 addresses (RFC 9568, 5.2.9); and IPv4 before IPv6. */
function rank({ address }: Partial<VirtualAddress>): number {
  if (address === undefined || familyOf(address.address) === 4) return 0;
  return isLinkLocal(address.address) ? 1 : 2;
}

export const addresses = ordered(
  list(
    textOrTable(
      'addresses of [[vrrp]]',
      'A virtual address, when there is more to say than itself.',
      'address',
      ADDRESS,
    ),
    1,
    10_000,
    false,
  ),
  rank,
);

const ROUTE = {
  to: { is: network, doc: 'Destination; `"0.0.0.0/0"` or `"::/0"` is the default route.' },
  via: { is: hostAddress, default: null, absent: 'on the link', doc: 'The next router.' },
  interface: { is: interfaceName, default: null, absent: "the router's", doc: 'Interface that packets leave by.' },
  source: {
    is: hostAddress,
    default: null,
    absent: "the kernel's choice",
    doc: 'Source address of own packets; may be a virtual one.',
  },
  table: { is: integer(1, U32), default: MAIN, doc: 'Number of the routing table; 254 is `main`.' },
  metric: { is: integer(1, U32), default: null, absent: "the kernel's", doc: 'The lowest of several routes is taken.' },
} as const;
export const route = inlineTable(
  'routes of [[vrrp]]',
  'a table { to, via, interface, source, table, metric }',
  'A route that is there while master, as in ip-route(8).',
  ROUTE,
);

const RULE = {
  from: { is: network, default: null, absent: 'any', doc: 'Source addresses that it is about.' },
  to: { is: network, default: null, absent: 'any', doc: 'Destination addresses.' },
  fwmark: { is: integer(1, U32), default: null, absent: 'any', doc: 'Firewall mark.' },
  interface: { is: interfaceName, default: null, absent: 'any', doc: 'Interface that packets come in by.' },
  table: { is: integer(1, U32), doc: 'Number of the routing table that is asked.' },
  priority: { is: integer(1, U32), doc: 'Rules are asked in this order; `main` is asked at 32766.' },
} as const;
export const rule = inlineTable(
  'rules of [[vrrp]]',
  'a table { from, to, fwmark, interface, table, priority }',
  'A rule of policy routing that is there while master, as in ip-rule(8). At least one of `from`, `to`, `fwmark` and `interface` is given; without `from` and `to` it is made for each family that has addresses.',
  RULE,
);
