/** Answers of a DNS server, for the tests of what asks one: a query's bytes, its question kept, with records behind it. */

import { type IpAddress, ipBytes } from '../../../src/base/address.ts';
import { concat, viewOf } from '../../../src/base/bytes.ts';
import { RCODE_NAMES, type Rcode, type RecordData, TYPE } from '../../../src/wire/dns.ts';

export type Known = Exclude<RecordData, { readonly type: null }>;
export type Given = Known & { readonly name: string; readonly ttl?: number };

/** As a server answers the query: QR, RA, the rcode, and the answers. */
export function answerTo(
  query: Uint8Array,
  answers: readonly Given[],
  { rcode = 'NOERROR', truncated = false }: { readonly rcode?: Rcode; readonly truncated?: boolean } = {},
): Uint8Array {
  const bytes = concat([query, ...answers.map(recordBytes)]);
  const view = viewOf(bytes);
  view.setUint16(2, view.getUint16(2) | 0x8080 | (truncated ? 0x0200 : 0) | RCODE_NAMES.indexOf(rcode));
  view.setUint16(6, answers.length);
  return bytes;
}

/** Not compressed. */
export function recordBytes(record: Given): Uint8Array {
  const data = dataBytes(record);
  return concat([
    nameBytes(record.name),
    numbers16(TYPE[record.type], 1),
    number32(record.ttl ?? 300),
    numbers16(data.length),
    data,
  ]);
}

function dataBytes(data: Known): Uint8Array {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return ipBytes(data.address as IpAddress);
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return nameBytes(data.target);
    case 'MX':
      return concat([numbers16(data.preference), nameBytes(data.target)]);
    case 'SRV':
      return concat([numbers16(data.priority, data.weight, data.port), nameBytes(data.target)]);
    case 'TXT':
      return textBytes(data.text);
    case 'SOA':
      return concat([nameBytes(data.primary), nameBytes(data.mailbox), number32(data.serial), new Uint8Array(16)]);
  }
}

/** Strings of 255 bytes, and the rest. */
function textBytes(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Uint8Array.of(part.length), part);
  }
  return concat(parts);
}

/** Of a name without escapes. */
export const nameBytes = (name: string): Uint8Array =>
  concat([
    ...(name === '.' ? [] : name.split('.')).map((label) =>
      Uint8Array.of(label.length, ...new TextEncoder().encode(label)),
    ),
    Uint8Array.of(0),
  ]);

const numbers16 = (...values: readonly number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));

function number32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}
