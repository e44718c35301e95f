/**
 * ICMP echo (RFC 792) and ICMPv6 echo (RFC 4443, 4): requests, written; replies, and errors about requests, read. The
 * messages, without the IP header.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |     type      |     code      |           checksum            |
 *     |              id               |           sequence            |
 *     | data ...
 *
 * An error has 32 bits without meaning in place of id and sequence, and then the packet that it is about, at least as far
 * as the first 64 bits behind its IP header.
 *
 * Of ICMPv6 the checksum is the kernel's, both ways (RFC 3542, 3.1).
 */

import { type Family, type IpAddress, ipFromBytes } from '../base/address.ts';
import { viewOf } from '../base/bytes.ts';
import { err, ok, type Result } from '../base/result.ts';
import { complement16, isWhole, sum16 } from './checksum.ts';

export type Echo = {
  /** 0 to 65535, both. A reply has those of its request. */
  readonly id: number;
  readonly sequence: number;
  readonly data: Uint8Array;
};

export type EchoAnswer =
  | ({ readonly kind: 'reply' } & Echo)
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly sequence: number;
      /** Where the request was sent to. */
      readonly destination: IpAddress;
      /** `host unreachable` */
      readonly why: string;
    };

/** Why a message was refused: the label of the counter, and a sentence for people. */
export const DROP_REASONS = {
  truncated: 'it is shorter than its parts say',
  checksum: 'its checksum is wrong',
  type: 'it is neither an echo reply nor an error',
  'not-ours': 'it is an error about something else than an echo request',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

/** Types of message that `decode` reads. */
export const ANSWER_TYPES: Readonly<Record<Family, readonly number[]>> = { 4: [0, 3, 11], 6: [129, 1, 2, 3] };

const HEADER_LENGTH = 8;
const AT = { type: 0, code: 1, checksum: 2, id: 4, sequence: 6 } as const;
const REQUEST = { 4: 8, 6: 128 } as const;
const REPLY = { 4: 0, 6: 129 } as const;

const NETWORK = 'network unreachable';
const HOST = 'host unreachable';
const PORT = 'port unreachable';
const FORBIDDEN = 'forbidden by a firewall';
const TOO_LARGE = 'request larger than the way to it takes';
const NO_END = 'too many hops on the way';

/** Errors by type and code; `-`: any other code of the type (RFC 792; RFC 1812, 5.2.7.1; RFC 4443, 3). */
const ERRORS: Readonly<Record<Family, Readonly<Record<string, string>>>> = {
  4: {
    ...{ '3 0': NETWORK, '3 1': HOST, '3 2': 'protocol unreachable', '3 3': PORT, '3 4': TOO_LARGE },
    ...{ '3 6': NETWORK, '3 7': HOST, '3 9': FORBIDDEN, '3 10': FORBIDDEN, '3 11': NETWORK, '3 12': HOST },
    ...{ '3 13': FORBIDDEN, '3 -': 'destination unreachable', '11 -': NO_END },
  },
  6: {
    ...{ '1 0': NETWORK, '1 1': FORBIDDEN, '1 3': HOST, '1 4': PORT, '1 5': FORBIDDEN, '1 6': FORBIDDEN },
    ...{ '1 -': 'destination unreachable', '2 -': TOO_LARGE, '3 -': NO_END },
  },
};

export function encodeRequest(family: Family, { id, sequence, data }: Echo): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + data.length);
  const view = viewOf(bytes);
  bytes[AT.type] = REQUEST[family];
  view.setUint16(AT.id, id);
  view.setUint16(AT.sequence, sequence);
  bytes.set(data, HEADER_LENGTH);
  if (family === 4) view.setUint16(AT.checksum, complement16(sum16(bytes)));
  return bytes;
}

/** Never throws. */
export function decode(family: Family, bytes: Uint8Array): Result<EchoAnswer, DropReason> {
  if (bytes.length < HEADER_LENGTH) return err('truncated');
  if (family === 4 && !isWhole(sum16(bytes))) return err('checksum');
  const [type, code] = [bytes[AT.type], bytes[AT.code]];
  if (type === REPLY[family]) return ok({ kind: 'reply', ...echoAt(bytes, 0), data: bytes.subarray(HEADER_LENGTH) });
  const why = ERRORS[family][`${type} ${code}`] ?? ERRORS[family][`${type} -`];
  if (why === undefined) return err('type');
  const about = family === 4 ? findRequest4(bytes) : findRequest6(bytes);
  if (typeof about === 'string') return err(about);
  if (about.at + HEADER_LENGTH > bytes.length) return err('truncated');
  if (bytes[about.at + AT.type] !== REQUEST[family]) return err('not-ours');
  return ok({ kind: 'error', ...echoAt(bytes, about.at), destination: about.destination, why });
}

function echoAt(bytes: Uint8Array, at: number): Pick<Echo, 'id' | 'sequence'> {
  const view = viewOf(bytes);
  return { id: view.getUint16(at + AT.id), sequence: view.getUint16(at + AT.sequence) };
}

/** Where the ICMP message of the packet begins that an error is about, and where that packet went to. */
type About = { readonly at: number; readonly destination: IpAddress } | DropReason;

/** IPv4 (RFC 791, 3.1): the length of the header in 32-bit words, the fragment offset, the protocol, the destination. */
const IPV4 = { length: 20, fragment: 6, offset: 0x1fff, protocol: 9, icmp: 1, destination: 16 } as const;

function findRequest4(bytes: Uint8Array): About {
  const packet = bytes.subarray(HEADER_LENGTH);
  if (packet.length < IPV4.length) return 'truncated';
  const later = (viewOf(packet).getUint16(IPV4.fragment) & IPV4.offset) !== 0;
  if (later || packet[IPV4.protocol] !== IPV4.icmp) return 'not-ours';
  const destination = ipFromBytes(packet.subarray(IPV4.destination, IPV4.destination + 4));
  return { at: HEADER_LENGTH + ((packet[0] as number) & 0x0f) * 4, destination };
}

/** IPv6 (RFC 8200, 3 and 4.5): a request is without extension headers, but for that of a fragment. */
const IPV6 = {
  length: 40,
  next: 6,
  icmp: 58,
  destination: 24,
  fragment: 44,
  fragmentLength: 8,
  offset: 0xfff8,
} as const;

function findRequest6(bytes: Uint8Array): About {
  const packet = bytes.subarray(HEADER_LENGTH);
  if (packet.length < IPV6.length + IPV6.fragmentLength) return 'truncated';
  const fragment = packet[IPV6.next] === IPV6.fragment;
  const later = fragment && (viewOf(packet).getUint16(IPV6.length + 2) & IPV6.offset) !== 0;
  const next = fragment ? packet[IPV6.length] : packet[IPV6.next];
  if (later || next !== IPV6.icmp) return 'not-ours';
  const destination = ipFromBytes(packet.subarray(IPV6.destination, IPV6.destination + 16));
  return { at: HEADER_LENGTH + IPV6.length + (fragment ? IPV6.fragmentLength : 0), destination };
}
