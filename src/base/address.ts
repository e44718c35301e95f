/**
 * IP addresses as canonical text.
 *
 * An `IpAddress` is a string in the one canonical form (RFC 5952 for IPv6), so `===`, `Map` keys and JSON all just work;
 * bytes exist only where a wire format needs them.
 */

import { invariant } from './invariant.ts';

declare const ipBrand: unique symbol;

/** An IPv4 or IPv6 address in canonical text form. */
export type IpAddress = string & { readonly [ipBrand]: true };
export type Family = 4 | 6;
/** An address with a prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6. */
export type Prefix = { readonly address: IpAddress; readonly length: number };
/** An address and a port (0 to 65535; 0 means every port where IPVS allows that). */
export type Endpoint = { readonly address: IpAddress; readonly port: number };

/** Reads an address; `undefined` when the text is not one. No zone (`%eth0`), no leading zeros in IPv4. */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) return IPV4.test(text) ? (text as IpAddress) : undefined;
  const bytes = parse6(text);
  return bytes && ipFromBytes(bytes);
}

/** An address known to be right, for constants and tests; throws when it is not. */
export function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  invariant(parsed !== undefined, `not an IP address: ${text}`);
  return parsed;
}

/** The bits of a whole address, which is the longest prefix length. */
export const BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

export const familyOf = (address: IpAddress): Family => (address.includes(':') ? 6 : 4);

/** The address in network byte order: 4 or 16 bytes. */
export function ipBytes(address: IpAddress): Uint8Array {
  const bytes = address.includes(':') ? parse6(address) : parse4(address);
  invariant(bytes !== undefined, `not a canonical IP address: ${address}`);
  return bytes;
}

/** The address that 4 or 16 bytes in network order stand for. */
export function ipFromBytes(bytes: Uint8Array): IpAddress {
  invariant(bytes.length === 4 || bytes.length === 16, `an IP address has 4 or 16 bytes, not ${bytes.length}`);
  return (bytes.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` : format6(bytes)) as IpAddress;
}

/** Orders two addresses of one family numerically, as VRRP's election does (RFC 9568, 6.4.3). Negative: `a` is lower. */
export function compareIp(a: IpAddress, b: IpAddress): number {
  const x = ipBytes(a);
  const y = ipBytes(b);
  invariant(x.length === y.length, `cannot order ${a} and ${b}: different families`);
  for (let i = 0; i < x.length; i++) {
    const difference = (x[i] as number) - (y[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Reads `address/length`; without a length the whole address (32 or 128). */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = BITS[familyOf(address)];
  if (slash < 0) return { address, length: bits };
  const length = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
  return { address, length: Number(length) };
}

export const formatPrefix = (p: Prefix): string => `${p.address}/${p.length}`;

/** Whether `address` lies in `prefix`. */
export function inPrefix(address: IpAddress, prefix: Prefix): boolean {
  if (familyOf(address) !== familyOf(prefix.address)) return false;
  const a = ipBytes(address);
  const b = ipBytes(prefix.address);
  for (let bit = 0; bit < prefix.length; bit += 8) {
    const kept = Math.min(8, prefix.length - bit);
    const mask = (0xff << (8 - kept)) & 0xff;
    if (((a[bit >> 3] as number) & mask) !== ((b[bit >> 3] as number) & mask)) return false;
  }
  return true;
}

/** Reads `192.0.2.1:80` or `[2001:db8::1]:80`; `undefined` when it is neither. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const address = parseIp((match[1] ?? match[2]) as string);
  const port = Number(match[3]);
  if (address === undefined || port > 65535 || (match[1] !== undefined) !== (familyOf(address) === 6)) return undefined;
  return { address, port };
}

export const formatEndpoint = (e: Endpoint): string =>
  familyOf(e.address) === 6 ? `[${e.address}]:${e.port}` : `${e.address}:${e.port}`;

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
/** Every text of this form is the canonical one of its address. */
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

function parse4(text: string): Uint8Array | undefined {
  if (!IPV4.test(text)) return undefined;
  const bytes = new Uint8Array(4);
  let i = 0;
  for (const octet of text.split('.')) bytes[i++] = Number(octet);
  return bytes;
}

function parse6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  for (const [i, group] of [...head, ...new Array<number>(missing).fill(0), ...tail].entries()) {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  }
  return bytes;
}

/** Sixteen-bit groups; the last may be an IPv4 address where `ends` says that the text ends with it. */
function groups(text: string, ends: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const out: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = ends && i === parts.length - 1 ? parse4(part) : undefined;
      if (!v4) return undefined;
      out.push(((v4[0] as number) << 8) | (v4[1] as number), ((v4[2] as number) << 8) | (v4[3] as number));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return out;
}

function format6(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number));
  if (words.slice(0, 5).every((w) => w === 0) && words[5] === 0xffff) return `::ffff:${bytes.subarray(12).join('.')}`;
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && words[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = words.map((w) => w.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}
