/**
 * The two messages of gRPC's health service (grpc.health.v1 in health.proto), each in the frame that gRPC puts around a message
 * in HTTP/2. Protocol Buffers: a message is fields, each a tag and a value; the tag has the field's number and the value's type.
 *
 *     frame:  compressed (1 byte, 0 or 1) | length (4 bytes, big-endian) | message
 *
 *     HealthCheckRequest   field 1  service  string
 *     HealthCheckResponse  field 1  status   enum
 */

import { concat, viewOf } from '../base/bytes.ts';
import { err, ok, type Result } from '../base/result.ts';

/** ServingStatus by number; in a message without the field it is the first (proto3). */
export const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof STATUSES)[number];

/** Why an answer was refused, to stand after "the answer". */
export const REFUSALS = {
  empty: 'has no message',
  compressed: 'is compressed, which was not asked for',
  truncated: 'ends in the middle of a message',
  trailing: 'has more than one message',
  malformed: 'is not a HealthCheckResponse',
} as const;
export type Refusal = keyof typeof REFUSALS;

const FRAME_HEADER = 5;
/** Types of values (Protocol Buffers, "Message Structure"), with how many bytes each has; the others say or are gone. */
const VARINT = 0;
const LENGTH = 2;
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const FIELD_1 = 1 << 3;

/** The request for one service, at most 16,383 bytes long; the empty name is the server as a whole. */
export function encodeRequest(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  const length = name.length < 128 ? [name.length] : [(name.length & 127) | 128, name.length >> 7];
  const message = name.length === 0 ? new Uint8Array() : concat([Uint8Array.of(FIELD_1 | LENGTH, ...length), name]);
  const header = new Uint8Array(FRAME_HEADER);
  viewOf(header).setUint32(1, message.length);
  return concat([header, message]);
}

/** Reads all that came as the answer. A status that is not among `STATUSES` is given by its number. Never throws. */
export function decodeResponse(bytes: Uint8Array): Result<ServingStatus | number, Refusal> {
  if (bytes.length === 0) return err('empty');
  if (bytes.length < FRAME_HEADER) return err('truncated');
  if (bytes[0] !== 0) return err('compressed');
  const end = FRAME_HEADER + viewOf(bytes).getUint32(1);
  if (bytes.length < end) return err('truncated');
  if (bytes.length > end) return err('trailing');
  return decodeStatus(bytes.subarray(FRAME_HEADER));
}

/** The last field of a number counts, and unknown ones are passed over, as Protocol Buffers has it. */
function decodeStatus(message: Uint8Array): Result<ServingStatus | number, Refusal> {
  let status = 0;
  let at = 0;
  while (at < message.length) {
    const tag = varint(message, at);
    if (tag === undefined || tag.value >> 3 === 0) return err('malformed');
    const value = valueAt(message, tag.end, tag.value & 7);
    if (value === undefined || value.end > message.length) return err('malformed');
    if (tag.value >> 3 === 1 && (tag.value & 7) !== VARINT) return err('malformed');
    if (tag.value === FIELD_1) status = value.value;
    at = value.end;
  }
  return ok(STATUSES[status] ?? status);
}

type Read = { readonly value: number; readonly end: number };

function valueAt(message: Uint8Array, at: number, type: number): Read | undefined {
  if (type === VARINT) return varint(message, at);
  if (type === LENGTH) {
    const length = varint(message, at);
    return length && { value: 0, end: length.end + length.value };
  }
  const size = FIXED[type];
  return size === undefined ? undefined : { value: 0, end: at + size };
}

/** Seven bits a byte, the lowest first, at most ten bytes; of the value 32 bits are kept. */
function varint(message: Uint8Array, at: number): Read | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = message[at + i];
    if (byte === undefined) return undefined;
    if (i < 5) value |= (byte & 127) << (7 * i);
    if (byte < 128) return { value: value >>> 0, end: at + i + 1 };
  }
  return undefined;
}
