/**
 * Whether a received packet counts as an advert of a virtual router. Every rule is here or in `wire/vrrp.ts`, in this order:
 *
 * 1. It names this router, and came the way that adverts of this router come: by multicast or unicast, from a peer, with
 *    the right TTL.
 * 2. It is whole: version, type, length, checksum (RFC 9568, 7.1; RFC 3768, 7.1).
 * 3. It is genuine, where that can be told: password, or signature and its date.
 * 4. It agrees with the settings where the RFC demands that: version 2's interval.
 *
 * What costs little comes first, and trust comes last: the replay marks move on nothing but a good signature. An address
 * list that differs from ours is no reason to refuse (RFC 9568, 7.1), nor is version 3's interval, which is learned.
 */

import { type Family, type IpAddress, ipBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, formatDuration } from '../base/time.ts';
import {
  type Advert,
  AUTH_TYPE,
  authData,
  type ChecksumForm,
  decodeHeader,
  decodeRest,
  type Envelope,
  HEADER_LENGTH,
  type Header,
  routerIdOf,
  TTL,
  type Version,
  versionOf,
  DROP_REASONS as WIRE_REASONS,
} from '../wire/vrrp.ts';
import {
  decode as decodeTrailer,
  type Mac,
  sameBytes,
  TRAILER_LENGTH,
  type Trailer,
  verify,
} from '../wire/vrrp-auth.ts';
import { aheadOf, isTimely, type Marks, mark, type ReplayRule, SENDERS } from './replay.ts';

/** Why a packet was refused: the label of the counter, and for people what is wrong, by which clause, and what to do. */
export const DROP_REASONS = {
  ...WIRE_REASONS,
  'router-id': 'its router id is not that of this router (RFC 9568, 7.1): give both directors the same router_id',
  unicast:
    'it came by unicast, and this router speaks multicast: list its sender in peers here, or remove the peers over there',
  multicast:
    'it came by multicast, and this router has unicast peers: configure peers on its sender too, or remove them here',
  group: 'it went to another multicast group than this router is in: give both directors the same multicast_group',
  peer: 'its sender is not among the peers of this router: add it to peers if it is the other director',
  ttl: 'its TTL or hop limit is not 255, so a router forwarded it (RFC 9568, 5.1.1.3 and 5.1.2.3): nobody on this link sent it; a peer beyond a router needs peers, with a min_ttl',
  'peer-ttl':
    'its TTL or hop limit is not what this peer was given: correct min_ttl and max_ttl if the way to the peer is longer than thought',
  version: 'it has another version than this router (RFC 9568, 7.1): give both directors the same version',
  'interval-differs':
    'its advertisement interval is not that of this router, and version 2 must refuse that (RFC 3768, 7.1): give both directors the same interval',
  'auth-type':
    'its authentication type is not that of this router (RFC 3768, 5.3.6): configure the same auth on both directors',
  password: 'its password is not that of this router (RFC 2338, 7.1): put the same one into both password files',
  'hmac-missing':
    'it is not signed, and this router demands that (mode "enforce"): sign on its sender, or use mode "permissive" until every director does',
  'hmac-format': 'its signature is of no kind known here: use HMAC-SHA256 on both directors',
  'hmac-key':
    'it is signed with a key that is not configured here: add that key to both directors before one signs with it',
  hmac: 'its signature is wrong: the key of this id differs between the directors, or somebody has forged or changed it',
  'hmac-date':
    'the date in its signature is too far from our clock: set both clocks by NTP, or widen the window; or somebody replays an old advert',
  'hmac-replay':
    'its signature is not newer than one heard before from this sender: its clock was set back, or somebody replays an old advert',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

export type ReceivePolicy = {
  readonly family: Family;
  readonly version: Version;
  readonly routerId: number;
  readonly interval: Duration;
  /** Multicast group, where there are no peers. */
  readonly group: IpAddress;
  /** The unicast peers of the family; `null`: multicast. */
  readonly peers: ReadonlyMap<IpAddress, { readonly minTtl: number; readonly maxTtl: number }> | null;
  /** `null`: version 2 must say that it has none; a signature is not looked at. */
  readonly auth: PassPolicy | HmacPolicy | null;
};
/** `password`: 8 bytes, zeros at the end. */
export type PassPolicy = { readonly type: 'pass'; readonly password: Uint8Array };
export type HmacPolicy = {
  readonly type: 'hmac';
  readonly keys: ReadonlyMap<number, Uint8Array>;
  /** Whether an unsigned advert is refused. One that is signed is checked in any case. */
  readonly required: boolean;
  readonly replay: ReplayRule;
  readonly mac: Mac;
};

/** An advert that counts, and what an operator may have to be told of it. */
export type Received = {
  readonly advert: Advert;
  /** The form of its checksum; `null`: version 2 and IPv6 have only one. */
  readonly checksum: ChecksumForm | null;
  /** Whether it carries a signature, looked at or not. */
  readonly signed: boolean;
  /** By what it was found genuine; `null`: by nothing. */
  readonly authenticated: 'pass' | 'hmac' | null;
  /** The key that signed it. */
  readonly keyId: number | null;
  /** Seconds that its sender's clock is ahead of ours (negative: behind); `null`: not signed, or its date does not matter. */
  readonly skew: number | null;
};

/** `marks`: the replay marks from now on. */
export type Reception = { readonly result: Result<Received, DropReason>; readonly marks: Marks };

/** Judges what follows the IP header. Never throws. `wallClock`: milliseconds since 1970, for the date of signatures. */
export function receive(
  policy: ReceivePolicy,
  marks: Marks,
  bytes: Uint8Array,
  envelope: Envelope,
  wallClock: number,
): Reception {
  const refuse = (reason: DropReason): Reception => ({ result: err(reason), marks });
  const misplaced = misplacement(policy, bytes, envelope);
  if (misplaced !== null) return refuse(misplaced);
  const decoded = decodeHeader(bytes, envelope);
  if (!decoded.ok) return refuse(decoded.error);
  const header = decoded.value;
  const unlike = disagreement(policy, bytes, header);
  if (unlike !== null) return refuse(unlike);
  const signature = checkSignature(policy, marks, bytes, header, envelope.source, wallClock);
  if (!signature.ok) return refuse(signature.error);
  if (header.version === 2 && header.interval !== policy.interval) return refuse('interval-differs');

  const received: Received = {
    advert: decodeRest(bytes, header, envelope).advert,
    checksum: header.version === 3 && policy.family === 4 ? header.checksum : null,
    signed: decodeTrailer(bytes.subarray(header.length)).ok,
    authenticated: header.authType === AUTH_TYPE.password ? 'pass' : signature.value.keyId === null ? null : 'hmac',
    keyId: signature.value.keyId,
    skew: signature.value.skew,
  };
  return { result: ok(received), marks: signature.value.marks ?? marks };
}

/** Whether it is for this router, and came the way it should. */
function misplacement(policy: ReceivePolicy, bytes: Uint8Array, envelope: Envelope): DropReason | null {
  if (bytes.length < HEADER_LENGTH) return 'truncated';
  if (routerIdOf(bytes) !== policy.routerId) return 'router-id';
  const { source, destination, ttl } = envelope;
  if (policy.peers === null) {
    if (destination !== policy.group) return isMulticast(destination) ? 'group' : 'unicast';
    if (ttl !== null && ttl !== TTL) return 'ttl';
  } else {
    if (isMulticast(destination)) return 'multicast';
    const peer = policy.peers.get(source);
    if (peer === undefined) return 'peer';
    if (ttl !== null && (ttl < peer.minTtl || ttl > peer.maxTtl)) return 'peer-ttl';
  }
  return versionOf(bytes) === policy.version ? null : 'version';
}

/** Version 2's own authentication. */
function disagreement({ auth }: Pick<ReceivePolicy, 'auth'>, bytes: Uint8Array, header: Header): DropReason | null {
  if (header.authType === null) return null;
  if (header.authType !== expectedAuthType({ auth })) return 'auth-type';
  return auth?.type === 'pass' && !sameBytes(authData(bytes, header), auth.password) ? 'password' : null;
}

/** RFC 2338 and 3768, 5.3.6. A signature has no type of its own there: it follows the message. */
const expectedAuthType = ({ auth }: Pick<ReceivePolicy, 'auth'>): number =>
  auth?.type === 'pass' ? AUTH_TYPE.password : AUTH_TYPE.none;

type Signature = { readonly keyId: number | null; readonly skew: number | null; readonly marks: Marks | null };
const UNSIGNED: Signature = { keyId: null, skew: null, marks: null };

function checkSignature(
  { auth, peers }: ReceivePolicy,
  marks: Marks,
  bytes: Uint8Array,
  header: Header,
  source: IpAddress,
  wallClock: number,
): Result<Signature, DropReason> {
  if (auth?.type !== 'hmac') return ok(UNSIGNED);
  if (!hasTrailer(bytes, header)) return auth.required ? err('hmac-missing') : ok(UNSIGNED);
  const trailer = decodeTrailer(bytes.subarray(header.length));
  if (!trailer.ok) return err('hmac-format');
  const { keyId, stamp } = trailer.value;
  if (!isTimely(stamp, wallClock, auth.replay)) return err('hmac-date');
  const key = auth.keys.get(keyId);
  if (key === undefined) return err('hmac-key');
  if (!verify(bytes, source, key, auth.mac)) return err('hmac');
  const limit = Math.max(SENDERS, peers?.size ?? 0);
  const next = mark(marks, source, stamp, wallClock, auth.replay, limit);
  if (next === null) return err('hmac-replay');
  return ok({ keyId, skew: auth.replay.mode === 'time' ? aheadOf(stamp, wallClock) : null, marks: next });
}

const hasTrailer = (bytes: Uint8Array, { length }: Header): boolean => bytes.length === length + TRAILER_LENGTH;

/** 224.0.0.0/4 and ff00::/8. */
function isMulticast(address: IpAddress): boolean {
  const first = ipBytes(address)[0] as number;
  return address.includes(':') ? first === 0xff : first >= 224 && first <= 239;
}

/** The packet that was refused, and by what. */
type Refused = {
  readonly policy: ReceivePolicy;
  readonly bytes: Uint8Array;
  readonly envelope: Envelope;
  readonly wallClock: number;
};

/** Values of theirs and ours that differ, where the reason is about some. */
const FOUND: Partial<Record<DropReason, (refused: Refused) => string>> = {
  truncated: ({ bytes }) => `it has ${bytes.length} bytes`,
  'router-id': ({ policy, bytes }) => `it says ${routerIdOf(bytes)}, ours is ${policy.routerId}`,
  version: ({ policy, bytes }) => `it says ${versionOf(bytes)}, ours is ${policy.version}`,
  group: ({ policy, envelope }) => `it went to ${envelope.destination}, ours is ${policy.group}`,
  ttl: ({ envelope }) => `it has ${envelope.ttl}`,
  'peer-ttl'({ policy, envelope }) {
    const peer = policy.peers?.get(envelope.source);
    return `it has ${envelope.ttl}, allowed are ${peer?.minTtl} to ${peer?.maxTtl}`;
  },
  'interval-differs': ({ policy, ...packet }) =>
    ofHeader(packet, (h) => `it says ${formatDuration(h.interval)}, ours is ${formatDuration(policy.interval)}`),
  'auth-type': ({ policy, ...packet }) =>
    ofHeader(packet, (h) => `it says ${h.authType}, ours is ${expectedAuthType(policy)}`),
  'hmac-key': (packet) => ofTrailer(packet, (t) => `it says key ${t.keyId}`),
  hmac: (packet) => ofTrailer(packet, (t) => `it says key ${t.keyId}`),
  'hmac-date'(packet) {
    const { auth } = packet.policy;
    const window = auth?.type === 'hmac' && auth.replay.mode === 'time' ? auth.replay.window : 0;
    return ofTrailer(packet, ({ stamp }) => {
      const ahead = aheadOf(stamp, packet.wallClock);
      return `it is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} our clock, allowed are ${window} s`;
    });
  },
};

/** The sentence on a refused packet, with the values that matter; for the few that are reported. Never throws. */
export function explain(reason: DropReason, refused: Refused): string {
  const found = FOUND[reason]?.(refused) ?? '';
  return found === '' ? DROP_REASONS[reason] : `${DROP_REASONS[reason]} (${found})`;
}

type Packet = Pick<Refused, 'bytes' | 'envelope'>;

function ofHeader({ bytes, envelope }: Packet, say: (header: Header) => string): string {
  const header = decodeHeader(bytes, envelope);
  return header.ok ? say(header.value) : '';
}

function ofTrailer(packet: Packet, say: (trailer: Trailer) => string): string {
  const trailer = decodeTrailer(packet.bytes.subarray(-TRAILER_LENGTH));
  return trailer.ok ? say(trailer.value) : '';
}
