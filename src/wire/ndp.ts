/**
 * Neighbour discovery: advertisements that announce an address (RFC 4861, 4.4 and 7.2.6), and solicitations that ask for one
 * (4.3). The ICMPv6 messages, without the IPv6 header.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |   type=136    |    code=0     |           checksum            |
 *     |R|S|O|                     reserved                            |
 *     |                       target address                          |
 *     |                          (16 bytes)                           |
 *     |   type=2      |  length=1     |    target's link-layer        |
 *     |                           address                             |
 *
 * A solicitation is of type 135, has no flags, and its option, of type 1, is the asker's own link-layer address.
 *
 * The checksum is the IP layer's, both ways: a kernel's ICMPv6 socket fills it in and has verified it (RFC 3542, 3.1).
 * So is the rule that the hop limit be 255 (RFC 4861, 7.1.2).
 */

import { type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type MacAddress, macBytes, macFromBytes } from './ethernet.ts';

export type Advertisement = {
  /** R: the sender is a router. */
  readonly router: boolean;
  /** S: in answer to a solicitation. */
  readonly solicited: boolean;
  /** O: replaces what a cache holds. */
  readonly override: boolean;
  /** The address that is announced. */
  readonly target: IpAddress;
  readonly targetMac: MacAddress;
};

export type Solicitation = {
  /** The address that is asked for. */
  readonly target: IpAddress;
  /** The asker's; `null` when it asks from the unspecified address, before it has one (RFC 4861, 4.3). */
  readonly sourceMac: MacAddress | null;
};

/** Why a message was refused: the label of the counter, and a sentence for people. */
export const DROP_REASONS = {
  truncated: 'it is shorter than its header and options say (RFC 4861, 7.1.2)',
  type: 'it is not a neighbour advertisement, or no solicitation where one is expected',
  code: 'its code is not 0 (RFC 4861, 7.1.2)',
  target: 'its target is a multicast address (RFC 4861, 7.1.2)',
  option: 'it has an option of length 0, or a link-layer address that is not of Ethernet (RFC 4861, 7.1.2 and 4.6.1)',
  'no-link-layer-address': 'it says of no hardware address that the target is there, so it announces nothing',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

/** All nodes on the link: where an announcement goes (RFC 4861, 7.2.6). */
export const ALL_NODES = 'ff02::1' as IpAddress;
/** Hop limit of every message of neighbour discovery. */
export const HOP_LIMIT = 255;

/** ICMPv6 types of the two messages. */
export const TYPE = { solicitation: 135, advertisement: 136 } as const;
const AT = { type: 0, code: 1, flags: 4, target: 8, options: 24 } as const;
const FLAGS = { router: 0x80, solicited: 0x40, override: 0x20 } as const;
/** Types of option: whose link-layer address it is (RFC 4861, 4.6.1). */
const LINK_LAYER_ADDRESS = { solicitation: 1, advertisement: 2 } as const;
/** Options count their length in these. */
const UNIT = 8;

/** Reads an advertisement; options that it does not know are passed over. Never throws. */
export function decode(bytes: Uint8Array): Result<Advertisement, DropReason> {
  const read = open('advertisement', bytes);
  if (!read.ok) return read;
  const { target, mac: targetMac } = read.value;
  if (targetMac === undefined) return err('no-link-layer-address');
  const flags = bytes[AT.flags] as number;
  return ok({
    router: (flags & FLAGS.router) !== 0,
    solicited: (flags & FLAGS.solicited) !== 0,
    override: (flags & FLAGS.override) !== 0,
    target,
    targetMac,
  });
}

/** Reads a solicitation, as `decode`. */
export function decodeSolicitation(bytes: Uint8Array): Result<Solicitation, DropReason> {
  const read = open('solicitation', bytes);
  return read.ok ? ok({ target: read.value.target, sourceMac: read.value.mac ?? null }) : read;
}

/** What both messages have: the target, and the first link-layer address of the kind that belongs to the message. */
function open(
  message: keyof typeof TYPE,
  bytes: Uint8Array,
): Result<{ readonly target: IpAddress; readonly mac: MacAddress | undefined }, DropReason> {
  if (bytes.length < AT.options) return err('truncated');
  if (bytes[AT.type] !== TYPE[message]) return err('type');
  if (bytes[AT.code] !== 0) return err('code');
  if (bytes[AT.target] === 0xff) return err('target');
  let mac: MacAddress | undefined;
  for (let at: number = AT.options; at < bytes.length; ) {
    const length = (bytes[at + 1] ?? Number.POSITIVE_INFINITY) * UNIT;
    if (length === 0) return err('option');
    if (at + length > bytes.length) return err('truncated');
    if (bytes[at] === LINK_LAYER_ADDRESS[message]) {
      if (length !== UNIT) return err('option');
      mac ??= macFromBytes(bytes.subarray(at + 2, at + UNIT));
    }
    at += length;
  }
  return ok({ target: ipFromBytes(bytes.subarray(AT.target, AT.options)), mac });
}

/** The message with a checksum of zero, to be filled in by the kernel. */
export function encode(advertisement: Advertisement): Uint8Array {
  const bytes = write('advertisement', advertisement.target, advertisement.targetMac);
  bytes[AT.flags] = (['router', 'solicited', 'override'] as const).reduce(
    (flags, name) => flags | (advertisement[name] ? FLAGS[name] : 0),
    0,
  );
  return bytes;
}

/** As `encode`. */
export const encodeSolicitation = ({ target, sourceMac }: Solicitation): Uint8Array =>
  write('solicitation', target, sourceMac);

function write(message: keyof typeof TYPE, target: IpAddress, mac: MacAddress | null): Uint8Array {
  const bytes = new Uint8Array(AT.options + (mac === null ? 0 : UNIT));
  bytes[AT.type] = TYPE[message];
  bytes.set(ipBytes(target), AT.target);
  if (mac !== null) {
    bytes.set([LINK_LAYER_ADDRESS[message], 1], AT.options);
    bytes.set(macBytes(mac), AT.options + 2);
  }
  return bytes;
}

/** `NA: 2001:db8::10 is at 02:… (router, override)` */
export function describe(advertisement: Advertisement): string {
  const { target, targetMac } = advertisement;
  const flags = (['router', 'solicited', 'override'] as const).filter((name) => advertisement[name]);
  return `NA: ${target} is at ${targetMac} (${flags.join(', ') || 'no flags'})`;
}

/** `NS: who has 2001:db8::1? asks 02:…` */
export const describeSolicitation = ({ target, sourceMac }: Solicitation): string =>
  `NS: who has ${target}? asks ${sourceMac ?? 'somebody without an address'}`;

/** The group that whoever has `target` listens to, and where it is asked for (RFC 4291, 2.7.1): ff02::1:ff and its last 24 bits. */
export function solicitedNode(target: IpAddress): IpAddress {
  const group = ipBytes('ff02::1:ff00:0' as IpAddress);
  group.set(ipBytes(target).subarray(13), 13);
  return ipFromBytes(group);
}

/**
 * Tells the whole link that `target` is at `targetMac` now: unsolicited, and overriding what caches hold (RFC 4861,
 * 7.2.6). `router` says whether this machine forwards IPv6; receivers take what they are told.
 */
export const announcement = (targetMac: MacAddress, target: IpAddress, router: boolean): Advertisement => ({
  ...{ router, solicited: false, override: true, target, targetMac },
});
