/**
 * keepalived's authentication of adverts (`auth_hmac`, from 2.4 on; draft-cassen-vrrp-auth-hmac): 28 bytes after the
 * message, in version 2 after its 8 bytes of authentication data.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |    type=1     |    key id     |          reserved=0           |
 *     |               stamp: seconds since 1970, UTC                  |
 *     |   seconds / 65536             |           counter             |
 *     |               HMAC-SHA256, its first 16 bytes ...
 *
 * Signed are, one after the other: 20 bytes that are not sent (4 or 6 for the family, version, router id, zero, source
 * address with zeros up to 16 bytes); the message with zero for its checksum; the trailer with zeros for the HMAC. So the
 * destination is not bound, and the order of the sums is: sign first, then on IPv6 the checksum, which covers the trailer.
 *
 * The function that makes the HMAC comes in as an argument: this folder computes nothing but bytes.
 */

import { type Family, familyOf, type IpAddress, ipBytes } from '../base/address.ts';
import { viewOf } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Path, routerIdOf, versionOf, writeChecksum } from './vrrp.ts';

/** HMAC-SHA256 (RFC 2104): 32 bytes. */
export type Mac = (key: Uint8Array, message: Uint8Array) => Uint8Array;

/**
 * When an advert was signed, a number of 64 bits that grows with each: seconds since 1970 in the upper half, then
 * 65536ths of a second, then a counter that tells adverts of one moment apart.
 */
export type Stamp = bigint;

export type Trailer = {
  /** Names the key, 0 to 255; keepalived's are 1 to 255. */
  readonly keyId: number;
  readonly stamp: Stamp;
  /** 16 bytes. */
  readonly mac: Uint8Array;
};

/** What signs: the key, 32 to 64 bytes in keepalived, and its name. */
export type Key = { readonly id: number; readonly bytes: Uint8Array };

/** Why bytes are no trailer. */
export const TRAILER_REASONS = {
  length: 'it is not 28 bytes',
  type: 'its type is not 1, HMAC-SHA256 cut to 16 bytes',
  reserved: 'its reserved bytes are not 0',
} as const;
export type TrailerReason = keyof typeof TRAILER_REASONS;

/** One row a field: where it starts and how long it is, in bytes. Both directions read it. */
const FIELDS = {
  type: { at: 0, bytes: 1 },
  keyId: { at: 1, bytes: 1 },
  reserved: { at: 2, bytes: 2 },
  stamp: { at: 4, bytes: 8 },
  mac: { at: 12, bytes: 16 },
} as const;
/** Bytes of a trailer. Padding to Ethernet's 60 bytes is at most 18, so the length alone tells them apart. */
export const TRAILER_LENGTH = FIELDS.mac.at + FIELDS.mac.bytes;

const HMAC_SHA256 = 1;
const CHECKSUM_AT = 6;

/** Reads a trailer. Says nothing of whether it is genuine. Never throws. */
export function decode(bytes: Uint8Array): Result<Trailer, TrailerReason> {
  if (bytes.length !== TRAILER_LENGTH) return err('length');
  const view = viewOf(bytes);
  if (view.getUint8(FIELDS.type.at) !== HMAC_SHA256) return err('type');
  if (view.getUint16(FIELDS.reserved.at) !== 0) return err('reserved');
  return ok({
    keyId: view.getUint8(FIELDS.keyId.at),
    stamp: view.getBigUint64(FIELDS.stamp.at),
    mac: bytes.subarray(FIELDS.mac.at),
  });
}

export function encode({ keyId, stamp, mac }: Trailer): Uint8Array {
  invariant(mac.length === FIELDS.mac.bytes, `an HMAC of ${mac.length} bytes`);
  const bytes = new Uint8Array(TRAILER_LENGTH);
  const view = viewOf(bytes);
  view.setUint8(FIELDS.type.at, HMAC_SHA256);
  view.setUint8(FIELDS.keyId.at, keyId);
  view.setUint16(FIELDS.reserved.at, 0);
  view.setBigUint64(FIELDS.stamp.at, stamp);
  bytes.set(mac, FIELDS.mac.at);
  return bytes;
}

/** `HMAC-SHA256 with key 1 at 1795469769.0169 no. 0` */
export function describe({ keyId, stamp }: Trailer): string {
  const fraction = String(Number((stamp >> 16n) & 0xffffn) / 0x10000).slice(1, 6);
  return `HMAC-SHA256 with key ${keyId} at ${stamp >> 32n}${fraction} no. ${stamp & 0xffffn}`;
}

/** The advert `message`, signed: with its trailer, and with its checksum right again where that covers the trailer. */
export function sign(message: Uint8Array, path: Path, key: Key, stamp: Stamp, mac: Mac): Uint8Array {
  const unsigned = encode({ keyId: key.id, stamp, mac: UNSIGNED });
  const signed = new Uint8Array(message.length + TRAILER_LENGTH);
  signed.set(message);
  signed.set(unsigned, message.length);
  const code = mac(key.bytes, signedInput(signed, path.source)).subarray(0, FIELDS.mac.bytes);
  signed.set(code, message.length + FIELDS.mac.at);
  if (familyOf(path.source) === 6) writeChecksum(signed, path, 'pseudo-header');
  return signed;
}

/** Whether the trailer at the end of `packet` was made with `key` for this message from `source`. Takes the same time for any HMAC. */
export function verify(packet: Uint8Array, source: IpAddress, key: Uint8Array, mac: Mac): boolean {
  if (packet.length < TRAILER_LENGTH) return false;
  const code = mac(key, signedInput(packet, source)).subarray(0, FIELDS.mac.bytes);
  return sameBytes(code, packet.subarray(packet.length - FIELDS.mac.bytes));
}

/** Compares without telling by the time it takes where the difference is. The lengths are no secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

const UNSIGNED = new Uint8Array(FIELDS.mac.bytes);
/** Family, version, router id, zero, source. */
const BOUND_LENGTH = 4 + 16;

function signedInput(packet: Uint8Array, source: IpAddress): Uint8Array {
  const family: Family = familyOf(source);
  const input = new Uint8Array(BOUND_LENGTH + packet.length);
  input.set([family, versionOf(packet), routerIdOf(packet), 0]);
  input.set(ipBytes(source), 4);
  input.set(packet, BOUND_LENGTH);
  input.fill(0, BOUND_LENGTH + CHECKSUM_AT, BOUND_LENGTH + CHECKSUM_AT + 2);
  input.fill(0, input.length - FIELDS.mac.bytes);
  return input;
}
