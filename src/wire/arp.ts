/**
 * ARP for IPv4 on Ethernet (RFC 826), whole frames: the Ethernet header and the message.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |         hardware type         |         protocol type         |
 *     | hw. length=6  | prot. length=4|           operation           |
 *     |                sender's hardware address                      |
 *     |                               |  sender's protocol address    |
 *     |                               |  target's hardware address    |
 *     |                                                               |
 *     |                  target's protocol address                    |
 */

import { type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { viewOf } from '../base/bytes.ts';
import { err, ok, type Result } from '../base/result.ts';
import { BROADCAST, ETHERTYPE, HEADER_LENGTH, type MacAddress, macBytes, macFromBytes, UNSET } from './ethernet.ts';

export type ArpFrame = {
  /** The Ethernet header's addresses. */
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly operation: 'request' | 'reply';
  readonly senderMac: MacAddress;
  readonly sender: IpAddress;
  readonly targetMac: MacAddress;
  readonly target: IpAddress;
};

/** Why a frame was refused: the label of the counter, and a sentence for people. */
export const DROP_REASONS = {
  truncated: 'it is shorter than an Ethernet header and an ARP message',
  'ether-type': 'its EtherType is not ARP',
  types: 'it is not about IPv4 on Ethernet',
  operation: 'its operation is neither request nor reply',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

const OPERATION = { request: 1, reply: 2 } as const;

/** Hardware type Ethernet, protocol type IPv4, and the lengths of their addresses: the same in every message. */
const TYPES = [
  { at: HEADER_LENGTH, value: 1 },
  { at: HEADER_LENGTH + 2, value: ETHERTYPE.ipv4 },
  { at: HEADER_LENGTH + 4, value: 0x0604 },
] as const;
const OPERATION_AT = HEADER_LENGTH + 6;
const ETHERTYPE_AT = 12;

/** One row an address: where it starts in the frame. Both directions read it. */
const MACS = { destination: 0, source: 6, senderMac: HEADER_LENGTH + 8, targetMac: HEADER_LENGTH + 18 } as const;
const IPS = { sender: HEADER_LENGTH + 14, target: HEADER_LENGTH + 24 } as const;

/** Without the padding to Ethernet's 60 bytes, which the hardware adds. */
export const FRAME_LENGTH = HEADER_LENGTH + 28;

/** Reads a frame; what follows the message is padding. Never throws. */
export function decode(bytes: Uint8Array): Result<ArpFrame, DropReason> {
  if (bytes.length < FRAME_LENGTH) return err('truncated');
  const view = viewOf(bytes);
  if (view.getUint16(ETHERTYPE_AT) !== ETHERTYPE.arp) return err('ether-type');
  if (TYPES.some(({ at, value }) => view.getUint16(at) !== value)) return err('types');
  const code = view.getUint16(OPERATION_AT);
  if (code !== OPERATION.request && code !== OPERATION.reply) return err('operation');
  const macAt = (at: number): MacAddress => macFromBytes(bytes.subarray(at, at + 6));
  const ipAt = (at: number): IpAddress => ipFromBytes(bytes.subarray(at, at + 4));
  return ok({
    destination: macAt(MACS.destination),
    source: macAt(MACS.source),
    operation: code === OPERATION.request ? 'request' : 'reply',
    senderMac: macAt(MACS.senderMac),
    sender: ipAt(IPS.sender),
    targetMac: macAt(MACS.targetMac),
    target: ipAt(IPS.target),
  });
}

export function encode(frame: ArpFrame): Uint8Array {
  const bytes = new Uint8Array(FRAME_LENGTH);
  const view = viewOf(bytes);
  view.setUint16(ETHERTYPE_AT, ETHERTYPE.arp);
  for (const { at, value } of TYPES) view.setUint16(at, value);
  view.setUint16(OPERATION_AT, OPERATION[frame.operation]);
  for (const name of ['destination', 'source', 'senderMac', 'targetMac'] as const)
    bytes.set(macBytes(frame[name]), MACS[name]);
  for (const name of ['sender', 'target'] as const) bytes.set(ipBytes(frame[name]), IPS[name]);
  return bytes;
}

/** `ARP request: who has 192.0.2.1? tell 192.0.2.10 (02:…)`, `ARP: 192.0.2.10 is at 02:… (gratuitous request)` */
export function describe(frame: ArpFrame): string {
  const { operation, sender, senderMac, target } = frame;
  if (sender === target) return `ARP: ${sender} is at ${senderMac} (gratuitous ${operation})`;
  if (sender === NOBODY) return `ARP probe: does anyone have ${target}? asks ${senderMac}`;
  if (operation === 'request') return `ARP request: who has ${target}? tell ${sender} (${senderMac})`;
  return `ARP reply: ${sender} is at ${senderMac}, to ${target} (${frame.targetMac})`;
}

const NOBODY = '0.0.0.0' as IpAddress;

/**
 * Tells the whole link that `address` is at `mac` now: a request for itself (RFC 5227, 2.3), which updates the caches of
 * hosts and the tables of switches. The target's hardware address, which has no meaning here, is broadcast as in
 * keepalived's.
 */
export const announcement = (mac: MacAddress, address: IpAddress): ArpFrame => ({
  ...{ destination: BROADCAST, source: mac, operation: 'request' },
  ...{ senderMac: mac, sender: address, targetMac: BROADCAST, target: address },
});

/** The same as a reply, for hosts that learn from nothing else (RFC 5944, 4.6). */
export const announcementReply = (mac: MacAddress, address: IpAddress): ArpFrame => ({
  ...announcement(mac, address),
  operation: 'reply',
  targetMac: mac,
});

/** Asks whether anybody has `address`, and tells nobody that we do (RFC 5227, 2.1.1). */
export const probe = (mac: MacAddress, address: IpAddress): ArpFrame => ({
  ...{ destination: BROADCAST, source: mac, operation: 'request' },
  ...{ senderMac: mac, sender: NOBODY, targetMac: UNSET, target: address },
});
