/**
 * Which of an interface's addresses is the source of a router's adverts: the primary address (RFC 9568, 1.7), never a
 * virtual one, and never one that may turn out to be somebody else's.
 */

import { familyOf, type IpAddress } from '../base/address.ts';
import { isLinkLocal } from '../base/prefix.ts';
import { IFA_F, type InterfaceAddress } from '../wire/netlink-address.ts';
import type { AdvertPath } from './advert-transport.ts';

/** What the interface allows a router to do. `lacks`: what is missing, in words. Exactly one of the two is `null`. */
export type Usable =
  | { readonly source: IpAddress; readonly lacks: null; readonly again?: undefined }
  | {
      readonly source: null;
      readonly lacks: string;
      /** It may end without any news of the network. */
      readonly again?: true;
    };

type Wanted = Pick<AdvertPath, 'family' | 'group' | 'peers' | 'wanted'>;

/** `addresses`: of the interface `name`, in its order. */
export function chooseSource(
  name: string,
  addresses: readonly InterfaceAddress[],
  virtual: ReadonlySet<string>,
  path: Wanted,
): Usable {
  const own = addresses.filter(
    ({ prefix }) => familyOf(prefix.address) === path.family && !virtual.has(prefix.address),
  );
  const local = needsLinkLocal(path);
  const fit = own.filter(({ prefix: { address } }) =>
    path.wanted === null ? isLinkLocal(address) === local : address === path.wanted,
  );
  const [best] = fit.filter(isUsable).sort((a, b) => rank(a) - rank(b));
  if (best !== undefined) return { source: best.prefix.address, lacks: null };
  return { source: null, lacks: `interface ${name} ${missing(fit, path.wanted, local)}` };
}

/** IPv6 multicast is sent from the link-local address (RFC 9568, 5.1.2.1); so is what goes to link-local peers alone. */
const needsLinkLocal = ({ family, group, peers }: Wanted): boolean =>
  family === 6 && (group !== null || peers.every(isLinkLocal));

/** Duplicate address detection (RFC 4862, 5.4) is over, and nobody else has the address. */
const isUsable = ({ flags }: InterfaceAddress): boolean => (flags & (IFA_F.TENTATIVE | IFA_F.DADFAILED)) === 0;

/** Of IPv6, an address that is about to change (a temporary one, RFC 8981; a deprecated one) only when there is no other. */
function rank({ prefix, flags }: InterfaceAddress): number {
  if (familyOf(prefix.address) === 4) return 0;
  return (flags & IFA_F.DEPRECATED ? 2 : 0) + (flags & IFA_F.SECONDARY ? 1 : 0);
}

function missing(fit: readonly InterfaceAddress[], wanted: IpAddress | null, local: boolean): string {
  const waiting = fit.find(({ flags }) => (flags & IFA_F.DADFAILED) === 0);
  if (waiting !== undefined) return `waits for duplicate address detection of ${waiting.prefix.address}`;
  const [failed] = fit;
  if (failed !== undefined)
    return `cannot use ${failed.prefix.address}: another machine has it (duplicate address detection failed)`;
  if (wanted !== null) return `has no address ${wanted}`;
  return `has no ${local ? 'link-local ' : ''}address of its own`;
}
