/**
 * Netlink framing (linux/netlink.h): messages, and attributes by table.
 *
 *     nlmsghdr   u32 length | u16 type | u16 flags | u32 sequence | u32 port     then the payload, padded to 4
 *     nlattr     u16 length | u16 type                                           then the payload, padded to 4
 *
 * Integers are in the host's byte order except where a codec says `be`. One row of a table drives both directions and
 * bears the kernel's name, so a value reads beside the kernel's header. Attributes that a table does not know are kept,
 * and come out again when the value is written: the known ones in the order of the value's keys, then those.
 */

import { err, ok, type Result } from '../base/result.ts';
import type { Codec } from './netlink-codec.ts';
import { align, LITTLE, pad, patchU16, patchU32, reserve, type Sink } from './netlink-sink.ts';

/** Message types below the protocol's own (NLMSG_MIN_TYPE). */
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

/** Message flags; the second row are those of requests that read, the third of requests that make something. */
export const NLM_F = {
  ...{ REQUEST: 0x1, MULTI: 0x2, ACK: 0x4, DUMP_INTR: 0x10 },
  ...{ ROOT: 0x100, MATCH: 0x200, DUMP: 0x300 },
  ...{ REPLACE: 0x100, EXCL: 0x200, CREATE: 0x400 },
  ...{ CAPPED: 0x100, ACK_TLVS: 0x200 },
} as const;

/** nla_type without its two flag bits. */
const NLA_TYPE_MASK = 0x3fff;
export const NLA_F_NESTED = 0x8000;

export const NLMSG_HEADER = 16;
const NLA_HEADER = 4;

/** Why bytes were refused. `length`: a length field contradicts itself or its surroundings. `value`: not what its row says. */
export type WireError = 'truncated' | 'length' | 'value' | 'missing';

export type Message = {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The port of the socket that the message answers; 0 in a multicast notification. */
  readonly port: number;
  readonly payload: Uint8Array;
};

/** Splits what one `recvmsg` gave into messages. Nothing is copied. */
export function decodeMessages(bytes: Uint8Array): Result<readonly Message[], WireError> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < NLMSG_HEADER) return err('truncated');
    const length = view.getUint32(at, LITTLE);
    if (length < NLMSG_HEADER) return err('length');
    if (length > bytes.length - at) return err('truncated');
    messages.push({
      type: view.getUint16(at + 4, LITTLE),
      flags: view.getUint16(at + 6, LITTLE),
      sequence: view.getUint32(at + 8, LITTLE),
      port: view.getUint32(at + 12, LITTLE),
      // A `subarray` of one of Node's buffers costs as much as all of the rest.
      payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at + NLMSG_HEADER, length - NLMSG_HEADER),
    });
    at += align(length);
  }
  return ok(messages);
}

/** Writes a whole message: its header, then whatever `payload` writes. Returns where it starts. */
export function writeMessage(sink: Sink, header: Omit<Message, 'payload'>, payload: (sink: Sink) => void): number {
  const start = reserve(sink, NLMSG_HEADER);
  sink.view.setUint16(start + 4, header.type, LITTLE);
  sink.view.setUint16(start + 6, header.flags, LITTLE);
  sink.view.setUint32(start + 8, header.sequence, LITTLE);
  sink.view.setUint32(start + 12, header.port, LITTLE);
  payload(sink);
  patchU32(sink, start, sink.length - start);
  pad(sink);
  return start;
}

/** Has the message that was written at `start` acknowledged. */
export const acknowledged = (sink: Sink, start: number): void =>
  patchU16(sink, start + 6, sink.view.getUint16(start + 6, LITTLE) | NLM_F.ACK);

/** One attribute: its number in the kernel's enum and how its payload lies. */
export type Row<T> = readonly [type: number, codec: Codec<T>];
/** Attributes by the kernel's name. */
export type Rows = { readonly [name: string]: Row<never> | Row<unknown> };
export type Unknown = { readonly type: number; readonly bytes: Uint8Array };
type ValueOf<R> = R extends readonly [number, Codec<infer T>] ? T : never;
/** What a table reads and writes: each attribute where present, and those that the table does not know. */
export type Attributes<R> = { readonly [name in keyof R]?: ValueOf<R[name]> } & {
  readonly unknown?: readonly Unknown[];
};

export type Table<R> = {
  readonly rows: R;
  readonly byType: readonly (readonly [name: string, codec: Codec<unknown>] | undefined)[];
};

export function table<const R extends { readonly [name: string]: readonly [number, object] }>(rows: R): Table<R> {
  const byType: (readonly [string, Codec<unknown>] | undefined)[] = [];
  for (const [name, [type, codec]] of Object.entries(rows)) byType[type] = [name, codec as Codec<unknown>];
  return { rows, byType };
}

/** Reads attributes until the end of `bytes`. Of one that comes twice the last counts, as in the kernel. */
export const decodeAttributes = <R>(known: Table<R>, bytes: Uint8Array): Result<Attributes<R>, WireError> =>
  readAttributes(known, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);

/** As `decodeAttributes`, from `start` to `end` of a view of more. */
export function readAttributes<R>(
  known: Table<R>,
  view: DataView,
  start: number,
  end: number,
): Result<Attributes<R>, WireError> {
  const value: Record<string, unknown> = {};
  let unknown: Unknown[] | undefined;
  for (let at = start; at < end; ) {
    if (end - at < NLA_HEADER) return err('truncated');
    const length = view.getUint16(at, LITTLE);
    if (length < NLA_HEADER) return err('length');
    if (length > end - at) return err('truncated');
    const type = view.getUint16(at + 2, LITTLE);
    const row = known.byType[type & NLA_TYPE_MASK];
    if (row === undefined) {
      unknown ??= [];
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at + NLA_HEADER, length - NLA_HEADER);
      unknown.push({ type, bytes });
    } else {
      const read = row[1].read(view, at + NLA_HEADER, length - NLA_HEADER);
      if (read === undefined) return err('value');
      value[row[0]] = read;
    }
    at += align(length);
  }
  if (unknown !== undefined) value.unknown = unknown;
  return ok(value as Attributes<R>);
}

export function writeAttributes<R>(sink: Sink, known: Table<R>, value: Attributes<R>): void {
  const rows = known.rows as { readonly [name: string]: readonly [number, Codec<unknown>] };
  for (const name in value) {
    const row = rows[name];
    const item = (value as { readonly [name: string]: unknown })[name];
    if (row === undefined || item === undefined) continue;
    const start = reserve(sink, NLA_HEADER);
    row[1].write(sink, item);
    patchU16(sink, start, sink.length - start);
    patchU16(sink, start + 2, row[0] | (row[1].nested === true ? NLA_F_NESTED : 0));
    pad(sink);
  }
  for (const { type, bytes } of value.unknown ?? []) {
    const start = reserve(sink, NLA_HEADER + bytes.length);
    patchU16(sink, start, NLA_HEADER + bytes.length);
    patchU16(sink, start + 2, type);
    sink.bytes.set(bytes, start + NLA_HEADER);
    pad(sink);
  }
}

/** An attribute that holds attributes of its own. */
export function nested<R>(inner: Table<R>): Codec<Attributes<R>> {
  return {
    nested: true,
    read(view, at, length) {
      const read = readAttributes(inner, view, at, at + length);
      return read.ok ? read.value : undefined;
    },
    write: (sink, value) => writeAttributes(sink, inner, value),
    describe: (value) => `{ ${describeAttributes(inner, value)} }`,
  };
}

/** For logs and test failures: `IPVS_DEST_ATTR_PORT 80, IPVS_DEST_ATTR_WEIGHT 100, unknown 77 (4 bytes)`. */
export function describeAttributes<R>(known: Table<R>, value: Attributes<R>): string {
  const rows = known.rows as { readonly [name: string]: readonly [number, Codec<unknown>] };
  const parts: string[] = [];
  for (const [name, item] of Object.entries(value)) {
    const row = rows[name];
    if (row !== undefined) parts.push(`${name} ${row[1].describe(item)}`);
  }
  for (const { type, bytes } of value.unknown ?? [])
    parts.push(`unknown ${type & NLA_TYPE_MASK} (${bytes.length} bytes)`);
  return parts.join(', ');
}
