/** What an address is by its bits, and the edges of a prefix. */

import { familyOf, type IpAddress, ipBytes, ipFromBytes, type Prefix } from './address.ts';

/** 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291, 2.7). */
export function isMulticast(address: IpAddress): boolean {
  const first = ipBytes(address)[0] as number;
  return familyOf(address) === 4 ? first >= 224 && first < 240 : first === 0xff;
}

/** fe80::/10 (RFC 4291, 2.5.6); an IPv4 address never is. */
export function isLinkLocal(address: IpAddress): boolean {
  const [first = 0, second = 0] = ipBytes(address);
  return familyOf(address) === 6 && first === 0xfe && (second & 0xc0) === 0x80;
}

/** The first address of the prefix: the network's own. */
export const networkOf = (prefix: Prefix): IpAddress => edgeOf(prefix, 0);
/** The last address of the prefix: in IPv4 the broadcast address. */
export const lastOf = (prefix: Prefix): IpAddress => edgeOf(prefix, 0xff);

/** The address with every bit behind the prefix as in `fill`. */
function edgeOf({ address, length }: Prefix, fill: 0 | 0xff): IpAddress {
  const bytes = ipBytes(address).map((byte, i) => {
    const kept = Math.min(8, Math.max(0, length - 8 * i));
    const mask = (0xff00 >> kept) & 0xff;
    return (byte & mask) | (fill & ~mask);
  });
  return ipFromBytes(bytes);
}
