/** The Ethernet II header (IEEE 802.3, 3.1): destination, source, EtherType; and hardware addresses. */

import { fromHex } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';

declare const macBrand: unique symbol;

/** A 48-bit hardware address in canonical text form, `02:00:5e:00:53:01`. */
export type MacAddress = string & { readonly [macBrand]: true };

export const HEADER_LENGTH = 14;
export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
export const BROADCAST = 'ff:ff:ff:ff:ff:ff' as MacAddress;
export const UNSET = '00:00:00:00:00:00' as MacAddress;

/** Reads six pairs of hex digits with colons between; `undefined` when the text is anything else. */
export function parseMac(text: string): MacAddress | undefined {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ? (text.toLowerCase() as MacAddress) : undefined;
}

/** An address known to be right, for constants and tests; throws when it is not. */
export function mac(text: string): MacAddress {
  const parsed = parseMac(text);
  invariant(parsed !== undefined, `not a hardware address: ${text}`);
  return parsed;
}

export const macBytes = (address: MacAddress): Uint8Array => fromHex(address.replaceAll(':', ''));

export function macFromBytes(bytes: Uint8Array): MacAddress {
  invariant(bytes.length === 6, `a hardware address has 6 bytes, not ${bytes.length}`);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':') as MacAddress;
}
