/**
 * Where netlink messages are written: one buffer that grows, for a whole batch. A buffer for every attribute would cost
 * more than the kernel takes to do what the messages ask for.
 */

/** Netlink speaks the host's byte order; every machine Node runs on today is little-endian, but nothing rests on it. */
export const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** `bytes` and `view` are replaced when the buffer grows: never keep them over a `reserve`. */
export type Sink = { bytes: Uint8Array<ArrayBuffer>; view: DataView<ArrayBuffer>; length: number };

export function newSink(capacity = 4096): Sink {
  const bytes = new Uint8Array(capacity);
  return { bytes, view: new DataView(bytes.buffer), length: 0 };
}

/** What was written, without a copy: good until the sink is written to again. */
export const written = (sink: Sink): Uint8Array<ArrayBuffer> => sink.bytes.subarray(0, sink.length);

/** NLMSG_ALIGN, NLA_ALIGN */
export const align = (length: number): number => (length + 3) & ~3;

/** Makes room for `size` bytes at the end and returns where they start. They are zero. */
export function reserve(sink: Sink, size: number): number {
  const start = sink.length;
  if (start + size > sink.bytes.length) {
    const grown = new Uint8Array(Math.max(2 * sink.bytes.length, start + size));
    grown.set(sink.bytes);
    sink.bytes = grown;
    sink.view = new DataView(grown.buffer);
  }
  sink.length = start + size;
  return start;
}

/** Empties the sink for new messages; its room stays. */
export function clear(sink: Sink): void {
  sink.bytes.fill(0, 0, sink.length);
  sink.length = 0;
}

export const pad = (sink: Sink): void => void reserve(sink, align(sink.length) - sink.length);
export const patchU16 = (sink: Sink, at: number, value: number): void => sink.view.setUint16(at, value, LITTLE);
export const patchU32 = (sink: Sink, at: number, value: number): void => sink.view.setUint32(at, value, LITTLE);
