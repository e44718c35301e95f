/**
 * How the payload of a netlink attribute, or a field of one of its fixed headers, lies: one codec reads, writes and
 * describes it.
 */

import { toHex } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';
import { LITTLE, reserve, type Sink } from './netlink-sink.ts';

export type Codec<T> = {
  /** `undefined`: `length` bytes at `at` are not such a value. */
  read(view: DataView, at: number, length: number): T | undefined;
  write(sink: Sink, value: T): void;
  describe(value: T): string;
  /** Holds attributes of its own, so NLA_F_NESTED is set when written. */
  readonly nested?: true;
};

type NumberCodec = Codec<number> & { readonly size: number };

function number(
  size: number,
  get: (view: DataView, at: number) => number,
  set: (view: DataView, at: number, value: number) => void,
): NumberCodec {
  return {
    size,
    read: (view, at, length) => (length === size ? get(view, at) : undefined),
    write(sink, value) {
      const at = reserve(sink, size);
      set(sink.view, at, value);
    },
    describe: String,
  };
}

export const u8 = number(
  1,
  (view, at) => view.getUint8(at),
  (view, at, value) => view.setUint8(at, value),
);
export const u16 = number(
  2,
  (view, at) => view.getUint16(at, LITTLE),
  (view, at, value) => view.setUint16(at, value, LITTLE),
);
export const u32 = number(
  4,
  (view, at) => view.getUint32(at, LITTLE),
  (view, at, value) => view.setUint32(at, value, LITTLE),
);
export const s32 = number(
  4,
  (view, at) => view.getInt32(at, LITTLE),
  (view, at, value) => view.setInt32(at, value, LITTLE),
);
/** Network byte order, as ports are. */
export const be16 = number(
  2,
  (view, at) => view.getUint16(at),
  (view, at, value) => view.setUint16(at, value),
);

/** A counter of 64 bits. */
export const u64: Codec<bigint> = {
  read: (view, at, length) => (length === 8 ? view.getBigUint64(at, LITTLE) : undefined),
  write(sink, value) {
    const at = reserve(sink, 8);
    sink.view.setBigUint64(at, value, LITTLE);
  },
  describe: String,
};

/** Bytes as they are; exactly `size` of them where that is given. */
export function raw(size?: number): Codec<Uint8Array> {
  return {
    read: (view, at, length) =>
      size === undefined || length === size ? new Uint8Array(view.buffer, view.byteOffset + at, length) : undefined,
    write(sink, value) {
      invariant(size === undefined || value.length === size, `${value.length} bytes where ${size} belong`);
      const at = reserve(sink, value.length);
      sink.bytes.set(value, at);
    },
    describe: toHex,
  };
}

/** A string with its closing NUL (NLA_NUL_STRING). Kernel names are ASCII; any other byte is read as Latin-1, so none is lost. */
export const nulString: Codec<string> = {
  read(view, at, length) {
    if (length < 1 || view.getUint8(at + length - 1) !== 0) return undefined;
    let text = '';
    for (let i = at; i < at + length - 1; i++) text += String.fromCharCode(view.getUint8(i));
    return text;
  },
  write(sink, value) {
    const at = reserve(sink, value.length + 1);
    for (let i = 0; i < value.length; i++) sink.view.setUint8(at + i, value.charCodeAt(i) & 0xff);
  },
  describe: (value) => JSON.stringify(value),
};

/** The fields of a C struct in their order, without gaps: padding is a field. */
export type StructCodec<F> = Codec<{ readonly [name in keyof F]: number }> & {
  readonly size: number;
  /** Reads the struct at the head of `bytes`, and gives what follows it. */
  decode(bytes: Uint8Array): Result<{ header: { readonly [name in keyof F]: number }; rest: Uint8Array }, 'truncated'>;
};

export function struct<const F extends { readonly [name: string]: NumberCodec }>(fields: F): StructCodec<F> {
  type Value = { readonly [name in keyof F]: number };
  const entries = Object.entries(fields);
  const size = entries.reduce((sum, [, field]) => sum + field.size, 0);
  const readAt = (view: DataView, start: number): Value => {
    const value: Record<string, number> = {};
    let at = start;
    for (const [name, field] of entries) {
      value[name] = field.read(view, at, field.size) as number;
      at += field.size;
    }
    return value as Value;
  };
  return {
    size,
    read: (view, at, length) => (length === size ? readAt(view, at) : undefined),
    write(sink, value) {
      for (const [name, field] of entries) field.write(sink, (value as Record<string, number>)[name] as number);
    },
    describe: (value) =>
      `{ ${entries.map(([name]) => `${name} ${(value as Record<string, number>)[name]}`).join(' ')} }`,
    decode(bytes) {
      if (bytes.length < size) return err('truncated');
      const header = readAt(new DataView(bytes.buffer, bytes.byteOffset, size), 0);
      return ok({ header, rest: bytes.subarray(size) });
    },
  };
}
