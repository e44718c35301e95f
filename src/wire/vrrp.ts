/**
 * VRRP version 3 adverts (RFC 9568, section 5), for IPv4 and IPv6.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     | version | type |   router id   |   priority    | address count |
 *     | reserved|    interval, 10 ms   |           checksum            |
 *     | addresses: 4 or 16 bytes each ...
 *
 * Two forms of the IPv4 checksum are in the field. RFC 5798 was read as "with an IPv4 pseudo-header" by keepalived, FRR
 * and Wireshark; RFC 9568, 5.2.8 says "the VRRP message only", as Cisco and Juniper do. We accept either and send the one
 * that the config names. IPv6 always has its pseudo-header.
 */

import { type Family, familyOf, type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { concat, viewOf } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, formatDuration, milliseconds } from '../base/time.ts';
import { addsUp, checksum16 } from './checksum.ts';

/** IP protocol number (RFC 9568, 5.1.1.4). */
export const PROTOCOL = 112;
/** TTL or hop limit of every advert; a received one with any other was routed and is refused (RFC 9568, 5.1.1.3, 5.1.2.3). */
export const TTL = 255;
/** Multicast groups (RFC 9568, 5.1.1.2 and 5.1.2.2). */
export const GROUP: Readonly<Record<Family, IpAddress>> = {
  4: '224.0.0.18' as IpAddress,
  6: 'ff02::12' as IpAddress,
};

export type ChecksumForm = 'pseudo-header' | 'message';

export type Advert = {
  readonly version: 3;
  /** VRID, 1 to 255. */
  readonly routerId: number;
  /** 0: the master resigns. 255: it owns the addresses. */
  readonly priority: number;
  /** Maximum advertisement interval, 10 ms to 40.95 s. */
  readonly interval: Duration;
  /** In the order sent. keepalived sends none when all of its addresses are "excluded", so an empty list is accepted. */
  readonly addresses: readonly IpAddress[];
};

/** Where a packet came from and went to, as the IP layer says. */
export type Envelope = { readonly source: IpAddress; readonly destination: IpAddress; readonly ttl: number };

/** Why a packet was refused: the label of the counter, and a sentence for people. */
export const DROP_REASONS = {
  ttl: 'its TTL is not 255, so a router forwarded it (RFC 9568, 7.1)',
  truncated: 'it is shorter than its header and address count say (RFC 9568, 7.1)',
  version: 'its version is not 3',
  type: 'its type is not 1, ADVERTISEMENT (RFC 9568, 5.2.2)',
  'router-id': 'its router id is 0 (RFC 9568, 5.2.3)',
  interval: 'its advertisement interval is 0 (RFC 9568, erratum 8301)',
  checksum: 'its checksum is right in neither form, with or without pseudo-header (RFC 9568, 5.2.8)',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

export type Decoded = {
  readonly advert: Advert;
  /** The form of checksum that the sender uses. */
  readonly checksum: ChecksumForm;
  /** Bytes after the addresses: padding, or an authentication trailer. Not covered by the checksum. */
  readonly trailer: Uint8Array;
};

const HEADER_LENGTH = 8;

/** One row a field of the fixed header: where it starts, in bits, and how long it is. Both directions read it. */
const FIELDS = {
  version: { bit: 0, bits: 4 },
  type: { bit: 4, bits: 4 },
  routerId: { bit: 8, bits: 8 },
  priority: { bit: 16, bits: 8 },
  count: { bit: 24, bits: 8 },
  reserved: { bit: 32, bits: 4 },
  interval: { bit: 36, bits: 12 },
  checksum: { bit: 48, bits: 16 },
} as const;
type Header = Record<keyof typeof FIELDS, number>;
const FIELD_NAMES = Object.keys(FIELDS) as (keyof Header)[];

const ADVERTISEMENT = 1;
const CENTISECOND = 10;

/** Reads what follows the IP header. Never throws: what is not a valid advert comes back as the reason to refuse it. */
export function decode(bytes: Uint8Array, envelope: Envelope): Result<Decoded, DropReason> {
  if (envelope.ttl !== TTL) return err('ttl');
  if (bytes.length < HEADER_LENGTH) return err('truncated');
  const header = readHeader(bytes);
  if (header.version !== 3) return err('version');
  if (header.type !== ADVERTISEMENT) return err('type');
  if (header.routerId === 0) return err('router-id');
  const addressLength = familyOf(envelope.source) === 4 ? 4 : 16;
  const length = HEADER_LENGTH + header.count * addressLength;
  if (bytes.length < length) return err('truncated');
  const message = bytes.subarray(0, length);
  const checksum = checksumForm(message, envelope);
  if (checksum === undefined) return err('checksum');
  if (header.interval === 0) return err('interval');
  const addresses: IpAddress[] = [];
  for (let at = HEADER_LENGTH; at < length; at += addressLength)
    addresses.push(ipFromBytes(message.subarray(at, at + addressLength)));
  const { routerId, priority } = header;
  const interval = milliseconds(header.interval * CENTISECOND);
  return ok({
    advert: { version: 3, routerId, priority, interval, addresses },
    checksum,
    trailer: bytes.subarray(length),
  });
}

/** The bytes that follow the IP header. The reserved bits are zero (RFC 9568, 5.2.6). */
export function encode(advert: Advert, path: Omit<Envelope, 'ttl'>, form: ChecksumForm): Uint8Array {
  const interval = Math.round(advert.interval / CENTISECOND);
  invariant(interval >= 1 && interval <= 4095, `advertisement interval ${advert.interval} ms is not 10 ms to 40.95 s`);
  invariant(advert.routerId >= 1 && advert.routerId <= 255, `router id ${advert.routerId}`);
  invariant(advert.addresses.length <= 255, `${advert.addresses.length} addresses do not fit one advert`);
  const { version, routerId, priority } = advert;
  const count = advert.addresses.length;
  const header = { version, type: ADVERTISEMENT, routerId, priority, count, reserved: 0, interval, checksum: 0 };
  const bytes = concat([writeHeader(header), ...advert.addresses.map(ipBytes)]);
  const pseudo = form === 'pseudo-header' || familyOf(path.source) === 6 ? pseudoHeader(path, bytes.length) : EMPTY;
  viewOf(bytes).setUint16(FIELDS.checksum.bit / 8, checksum16(pseudo, bytes));
  return bytes;
}

/** One line for logs and test failures: `VRRPv3 router 51 priority 150 every 1 s for 192.0.2.100`. */
export function describe(advert: Advert): string {
  const addresses = advert.addresses.length > 0 ? ` for ${advert.addresses.join(', ')}` : ' without addresses';
  const resigns = advert.priority === 0 ? ' (resigns)' : '';
  return `VRRPv${advert.version} router ${advert.routerId} priority ${advert.priority}${resigns} every ${formatDuration(advert.interval)}${addresses}`;
}

const EMPTY = new Uint8Array(0);

function checksumForm(message: Uint8Array, envelope: Envelope): ChecksumForm | undefined {
  if (addsUp(pseudoHeader(envelope, message.length), message)) return 'pseudo-header';
  if (familyOf(envelope.source) === 4 && addsUp(message)) return 'message';
  return undefined;
}

/** Source, destination, zero, protocol, length (RFC 793 for IPv4; RFC 8200, 8.1 for IPv6). */
function pseudoHeader(path: Omit<Envelope, 'ttl'>, length: number): Uint8Array {
  const tail = new Uint8Array(familyOf(path.source) === 4 ? 4 : 8);
  tail[tail.length === 4 ? 1 : 7] = PROTOCOL;
  viewOf(tail).setUint16(2, length);
  return concat([ipBytes(path.source), ipBytes(path.destination), tail]);
}

function readHeader(bytes: Uint8Array): Header {
  const header = {} as Header;
  for (const name of FIELD_NAMES) {
    const { bit, bits } = FIELDS[name];
    const word = viewOf(bytes).getUint16(2 * Math.floor(bit / 16));
    header[name] = (word >> (16 - (bit % 16) - bits)) & ((1 << bits) - 1);
  }
  return header;
}

function writeHeader(header: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH);
  const view = viewOf(bytes);
  for (const name of FIELD_NAMES) {
    const { bit, bits } = FIELDS[name];
    const at = 2 * Math.floor(bit / 16);
    view.setUint16(at, view.getUint16(at) | (header[name] << (16 - (bit % 16) - bits)));
  }
  return bytes;
}
