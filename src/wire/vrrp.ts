/**
 * VRRP adverts: version 3 (RFC 9568, section 5) for IPv4 and IPv6, and version 2 (RFC 3768, section 5) for IPv4.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     | version | type |   router id   |   priority    | address count |
 *  3: | reserved|    interval, 10 ms   |           checksum            |
 *  2: |authentication |  interval, 1 s |           checksum            |
 *     | addresses: 4 or 16 bytes each ...
 *  2: | authentication data: 8 bytes, always there; RFC 2338's password, or zeros
 *
 * The checksum of version 2 is over the message, authentication data and all. Of version 3 on IPv4 two forms are in the
 * field: RFC 5798 was read as "with an IPv4 pseudo-header" by keepalived, FRR and Wireshark; RFC 9568, 5.2.8 says "the VRRP
 * message only", as Cisco and Juniper do. We accept either and send the one that the config names. IPv6 always has its
 * pseudo-header; as kernels make and verify it there (IPV6_CHECKSUM, RFC 3542, 3.1) it covers the whole payload, so
 * also a trailer (`vrrp-auth.ts`), which the others leave out.
 */

import { type Family, familyOf, type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { concat, viewOf } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, formatDuration, milliseconds } from '../base/time.ts';
import { complement16, fold16, isWhole, sum16 } from './checksum.ts';

/** IP protocol number (RFC 9568, 5.1.1.4). */
export const PROTOCOL = 112;
/** TTL or hop limit of every multicast advert; a received one with any other was routed (RFC 9568, 5.1.1.3, 5.1.2.3). */
export const TTL = 255;
/** Multicast groups (RFC 9568, 5.1.1.2 and 5.1.2.2). */
export const GROUP: Readonly<Record<Family, IpAddress>> = {
  4: '224.0.0.18' as IpAddress,
  6: 'ff02::12' as IpAddress,
};

export type Version = 2 | 3;
export type ChecksumForm = 'pseudo-header' | 'message';

export type Advert = {
  readonly version: Version;
  /** VRID, 1 to 255. */
  readonly routerId: number;
  /** 0: the master resigns. 255: it owns the addresses. */
  readonly priority: number;
  /** Advertisement interval: version 3, 10 ms to 40.95 s; version 2, 1 to 255 whole seconds. */
  readonly interval: Duration;
  /** In the order sent. keepalived sends none when all of its addresses are "excluded", so an empty list is accepted. */
  readonly addresses: readonly IpAddress[];
};

/** Where a packet came from and went to. */
export type Path = { readonly source: IpAddress; readonly destination: IpAddress };
/** What the IP layer says of a packet. `ttl`: TTL or hop limit; `null` where the transport does not tell. */
export type Envelope = Path & { readonly ttl: number | null };

/** Authentication type and data of version 2 (RFC 2338, 5.3.6 and 5.3.10; RFC 3768 sends type 0 and zeros). */
export type Auth = { readonly type: number; readonly data: Uint8Array };
/** Authentication types: none, simple text password, IP Authentication Header (RFC 2338, 5.3.6). */
export const AUTH_TYPE = { none: 0, password: 1, header: 2 } as const;
/** Bytes of authentication data (RFC 3768, 5.3.10). */
export const AUTH_LENGTH = 8;
const NO_AUTH: Auth = { type: AUTH_TYPE.none, data: new Uint8Array(AUTH_LENGTH) };

/** Why bytes are no advert: the label of the counter, and a sentence for people. What else is refused: `vrrp/receive.ts`. */
export const DROP_REASONS = {
  truncated:
    'it is shorter than its header and address count say (RFC 9568, 7.1): look for a small MTU or a broken sender',
  version: 'its version is neither 3 nor, on IPv4, 2 (RFC 9568, 5.2.1): its sender speaks another protocol',
  type: 'its type is not 1, ADVERTISEMENT (RFC 9568, 5.2.2): its sender speaks another protocol',
  'router-id': 'its router id is 0 (RFC 9568, 5.2.3): give the sender one from 1 to 255',
  interval: 'its advertisement interval is 0 (RFC 9568, 5.2.7, erratum 8301): correct the interval of the sender',
  checksum:
    'its checksum is right in no form, with or without pseudo-header (RFC 9568, 5.2.8): it was damaged, or an address in its IP header was translated on the way',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

/** All of an advert but its addresses: what can be known of it at little cost. */
export type Header = Omit<Advert, 'addresses'> & {
  readonly count: number;
  /** Version 2: the type of its authentication data; `null`: version 3 has none. */
  readonly authType: number | null;
  /** The form of checksum that the sender uses; version 2 and IPv6 know only one. */
  readonly checksum: ChecksumForm;
  /** Bytes of the message, with version 2's authentication data; what follows is the trailer. */
  readonly length: number;
};

export type Decoded = {
  readonly advert: Advert;
  /** The form of checksum that the sender uses; version 2 and IPv6 know only one. */
  readonly checksum: ChecksumForm;
  /** `null`: version 3 has none. */
  readonly auth: Auth | null;
  /** Bytes after the message: padding, or an authentication trailer. */
  readonly trailer: Uint8Array;
};

export const HEADER_LENGTH = 8;

/** One row a field of the fixed header: where it starts, in bits, and how long it is. Both directions read it. */
type Row = { readonly bit: number; readonly bits: number };
const BOTH = {
  version: { bit: 0, bits: 4 },
  type: { bit: 4, bits: 4 },
  routerId: { bit: 8, bits: 8 },
  priority: { bit: 16, bits: 8 },
  count: { bit: 24, bits: 8 },
  checksum: { bit: 48, bits: 16 },
} as const;
const FIELDS = {
  2: { ...BOTH, authType: { bit: 32, bits: 8 }, interval: { bit: 40, bits: 8 } },
  3: { ...BOTH, reserved: { bit: 32, bits: 4 }, interval: { bit: 36, bits: 12 } },
} as const;
/** What each version counts its interval in, milliseconds. */
const UNIT: Readonly<Record<Version, number>> = { 2: 1000, 3: 10 };

const ADVERTISEMENT = 1;

/** The VRID of what may be an advert, for whoever has to find its router; 0 when it has none. */
export const routerIdOf = (bytes: Uint8Array): number => bytes[BOTH.routerId.bit / 8] ?? 0;
/** The version of what may be an advert; 0 when it has none. */
export const versionOf = (bytes: Uint8Array): number => (bytes[0] ?? 0) >> 4;

/** Reads what follows the IP header. Never throws: what is not a valid advert comes back as the reason to refuse it. */
export function decode(bytes: Uint8Array, path: Path): Result<Decoded, DropReason> {
  const header = decodeHeader(bytes, path);
  return header.ok ? ok(decodeRest(bytes, header.value, path)) : header;
}

/** The first half of `decode`: everything that may be wrong, so that what is refused costs little. */
export function decodeHeader(bytes: Uint8Array, path: Path): Result<Header, DropReason> {
  if (bytes.length < HEADER_LENGTH) return err('truncated');
  const family = familyOf(path.source);
  const version = get(bytes, BOTH.version);
  if (version !== 3 && !(version === 2 && family === 4)) return err('version');
  if (get(bytes, BOTH.type) !== ADVERTISEMENT) return err('type');
  const routerId = get(bytes, BOTH.routerId);
  if (routerId === 0) return err('router-id');
  const count = get(bytes, BOTH.count);
  const length = HEADER_LENGTH + count * (family === 4 ? 4 : 16) + (version === 2 ? AUTH_LENGTH : 0);
  if (bytes.length < length) return err('truncated');
  const checksum = checksumForm(bytes, length, version, path);
  if (checksum === undefined) return err('checksum');
  const interval = milliseconds(get(bytes, FIELDS[version].interval) * UNIT[version]);
  if (interval === 0) return err('interval');
  const priority = get(bytes, BOTH.priority);
  const authType = version === 2 ? get(bytes, FIELDS[2].authType) : null;
  return ok({ version, routerId, priority, interval, count, authType, checksum, length });
}

/** The second half: what a good header leaves to read. `header` is that of the same bytes. */
export function decodeRest(bytes: Uint8Array, header: Header, path: Path): Decoded {
  const { version, routerId, priority, interval, count, authType, checksum, length } = header;
  const size = familyOf(path.source) === 4 ? 4 : 16;
  const addresses: IpAddress[] = [];
  for (let at = HEADER_LENGTH; at < HEADER_LENGTH + count * size; at += size)
    addresses.push(ipFromBytes(bytes.subarray(at, at + size)));
  return {
    advert: { version, routerId, priority, interval, addresses },
    checksum,
    auth: authType === null ? null : { type: authType, data: authData(bytes, header) },
    trailer: bytes.subarray(length),
  };
}

/** Version 2's authentication data: the last bytes of the message. */
export const authData = (bytes: Uint8Array, { length }: Pick<Header, 'length'>): Uint8Array =>
  bytes.subarray(length - AUTH_LENGTH, length);

/**
 * The bytes that follow the IP header. The reserved bits of version 3 are zero (RFC 9568, 5.2.6). `form` is for version 3
 * on IPv4, `auth` for version 2; without it, type 0 and zeros.
 */
export function encode(advert: Advert, path: Path, form: ChecksumForm, auth: Auth = NO_AUTH): Uint8Array {
  const { version, routerId, priority, addresses } = advert;
  const interval = Math.round(advert.interval / UNIT[version]);
  const most = (1 << FIELDS[version].interval.bits) - 1;
  invariant(interval >= 1 && interval <= most, `advertisement interval ${advert.interval} ms in version ${version}`);
  invariant(routerId >= 1 && routerId <= 255, `router id ${routerId}`);
  invariant(priority >= 0 && priority <= 255, `priority ${priority}`);
  invariant(addresses.length <= 255, `${addresses.length} addresses do not fit one advert`);
  invariant(version === 3 || familyOf(path.source) === 4, 'version 2 knows only IPv4');
  invariant(auth.data.length === AUTH_LENGTH, `${auth.data.length} bytes of authentication data`);
  const bytes = concat([
    new Uint8Array(HEADER_LENGTH),
    ...addresses.map(ipBytes),
    ...(version === 2 ? [auth.data] : []),
  ]);
  const header = { version, type: ADVERTISEMENT, routerId, priority, count: addresses.length, interval, checksum: 0 };
  if (version === 2) put(bytes, FIELDS[2], { ...header, authType: auth.type });
  else put(bytes, FIELDS[3], { ...header, reserved: 0 });
  writeChecksum(bytes, path, version === 2 ? 'message' : form);
  return bytes;
}

/** Puts the checksum right, over all of `bytes`. `form` is for IPv4. */
export function writeChecksum(bytes: Uint8Array, path: Path, form: ChecksumForm): void {
  const at = BOTH.checksum.bit / 8;
  bytes.fill(0, at, at + 2);
  const pseudo = form === 'pseudo-header' || familyOf(path.source) === 6;
  const sum = sum16(bytes) + (pseudo ? addressSum(path) + PROTOCOL + bytes.length : 0);
  viewOf(bytes).setUint16(at, complement16(fold16(sum)));
}

/** One line for logs and test failures: `VRRPv3 router 51 priority 150 every 1 s for 192.0.2.100`. */
export function describe(advert: Advert): string {
  const addresses = advert.addresses.length > 0 ? ` for ${advert.addresses.join(', ')}` : ' without addresses';
  const resigns = advert.priority === 0 ? ' (resigns)' : '';
  return `VRRPv${advert.version} router ${advert.routerId} priority ${advert.priority}${resigns} every ${formatDuration(advert.interval)}${addresses}`;
}

/** In which form the checksum is right. The message is summed once; its length is even, so sums of parts add up. */
function checksumForm(bytes: Uint8Array, length: number, version: Version, path: Path): ChecksumForm | undefined {
  const message = sum16(bytes.subarray(0, length));
  if (version === 2) return isWhole(message) ? 'message' : undefined;
  const addresses = addressSum(path);
  const withPseudoHeader = (sum: number, size: number) => isWhole(fold16(sum + addresses + PROTOCOL + size));
  if (withPseudoHeader(message, length)) return 'pseudo-header';
  if (familyOf(path.source) === 4) return isWhole(message) ? 'message' : undefined;
  if (bytes.length === length) return undefined;
  return withPseudoHeader(message + sum16(bytes.subarray(length)), bytes.length) ? 'pseudo-header' : undefined;
}

/** A pseudo-header is source, destination, protocol and length (RFC 793, 3.1; RFC 8200, 8.1): the rest is zeros, which add nothing. */
const addressSum = ({ source, destination }: Path): number => sum16(ipBytes(source), ipBytes(destination));

/** No field crosses the border of a 16-bit word. */
function get(bytes: Uint8Array, { bit, bits }: Row): number {
  const at = 2 * (bit >> 4);
  const word = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return (word >> (16 - (bit % 16) - bits)) & ((1 << bits) - 1);
}

function put<Name extends string>(
  bytes: Uint8Array,
  rows: Readonly<Record<Name, Row>>,
  values: Readonly<Record<Name, number>>,
): void {
  const view = viewOf(bytes);
  for (const name of Object.keys(rows) as Name[]) {
    const { bit, bits } = rows[name];
    const at = 2 * (bit >> 4);
    view.setUint16(at, view.getUint16(at) | (values[name] << (16 - (bit % 16) - bits)));
  }
}
