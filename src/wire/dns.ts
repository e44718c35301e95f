/**
 * DNS messages (RFC 1035, 4): queries, written, and what comes back, read as far as the answers.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |              id               |Q|op code|A|T|R|R|  Z  | rcode |
 *     |       number of questions     |       number of answers       |
 *     |  of records on the authority  |     of additional records     |
 *     | questions: name, type, class; records: name, type, class, TTL, length, data
 *
 * A name is one canonical text here, so that `===` compares names: lower case (RFC 4343), no dot at the end, `.` for the
 * root, and octets beyond printable ASCII as `\DDD` (RFC 1035, 5.1).
 *
 * The time that reading takes is linear in the length of the message, whatever its pointers say.
 */

import { type IpAddress, ipFromBytes } from '../base/address.ts';
import { viewOf } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';

/** Types of record that can be asked for and read (RFC 1035, 3.2.2; RFC 3596, 2.1; RFC 2782). */
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const;
export type RecordType = keyof typeof TYPE;

export type Query = {
  /** 0 to 65535: an answer has the same. */
  readonly id: number;
  /** As `parseName` gives it. */
  readonly name: string;
  readonly type: RecordType;
  /** RD: the server may ask others. */
  readonly recursionDesired: boolean;
};

export type Message = {
  readonly id: number;
  /** QR: not a query. */
  readonly response: boolean;
  /** 0: a standard query, or the answer to one. */
  readonly opcode: number;
  /** AA: the server is an authority for the name. */
  readonly authoritative: boolean;
  /** TC: there was more than fits; the answers are those that came whole. */
  readonly truncated: boolean;
  /** RD of the query. */
  readonly recursionDesired: boolean;
  /** RA: the server asks others when it is told to. */
  readonly recursionAvailable: boolean;
  /** 0 to 15; `rcodeName` has their names. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
};

/** `null`: of a type, or a class, that is not read here. */
export type Question = { readonly name: string; readonly type: RecordType | null };

export type ResourceRecord = {
  readonly name: string;
  /** Whole seconds, 0 to 2147483647, that the record may be kept (RFC 2181, 8). */
  readonly ttl: number;
} & RecordData;

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: IpAddress }
  | { readonly type: 'NS' | 'CNAME' | 'PTR'; readonly target: string }
  | { readonly type: 'MX'; readonly preference: number; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** All strings of the record as one, in UTF-8. */
  | { readonly type: 'TXT'; readonly text: string }
  /** Of its times only what identifies a zone's state is kept. */
  | { readonly type: 'SOA'; readonly primary: string; readonly mailbox: string; readonly serial: number }
  /** Not read. */
  | { readonly type: null };

/** Why a message was refused: the label of the counter, and a sentence for people. */
export const DROP_REASONS = {
  short: 'it ends before what its counts and lengths announce',
  name: 'it has a name that is too long, does not end, or is written in an unknown way',
  data: 'it has a record whose data is longer or shorter than its type has',
} as const;
export type DropReason = keyof typeof DROP_REASONS;

/** RCODEs by number (RFC 1035, 4.1.1; RFC 2136, 2.2). */
const RCODES = [
  ...(['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const),
  ...(['YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH', 'NOTZONE'] as const),
] as const;
export type Rcode = (typeof RCODES)[number];
export const RCODE_NAMES: readonly Rcode[] = RCODES;

/** `NXDOMAIN`, or `RCODE 13` for one without a name. */
export const rcodeName = (rcode: number): string => RCODES[rcode] ?? `RCODE ${rcode}`;

const HEADER_LENGTH = 12;
const AT = { id: 0, flags: 2, questions: 4, answers: 6 } as const;
/** The 16 bits behind the id. Both directions read it. */
const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
} as const;
const OPCODE = { shift: 11, mask: 0xf } as const;
const RCODE_MASK = 0xf;
/** Class IN (RFC 1035, 3.2.4). */
const INTERNET = 1;

const LONGEST_LABEL = 63;
/** Of a name with its lengths and its end (RFC 1035, 2.3.4); a name has no more labels, and so no more pointers, than half of that. */
const LONGEST_NAME = 255;
const MOST_POINTERS = 127;
/** The two high bits of a length that is none but a pointer (RFC 1035, 4.1.4). */
const POINTER = 0xc0;

const CODES: ReadonlyMap<number, RecordType> = new Map(
  Object.entries(TYPE).map(([type, code]) => [code, type as RecordType]),
);

/** A canonical name from one that a person wrote, with or without a dot at its end; or why it is none. */
export function parseName(written: string): Result<string, string> {
  if (written === '.') return ok('.');
  const name = written.replace(/\.$/, '').toLowerCase();
  if (/[^!-~]/.test(name)) return err('which has characters beyond ASCII, or spaces: write it as in DNS (xn--)');
  if (name.includes('\\')) return err('which has a backslash');
  const labels = name.split('.');
  if (labels.some((label) => label === '')) return err('which has an empty label');
  if (labels.some((label) => label.length > LONGEST_LABEL))
    return err(`which has a label of more than ${LONGEST_LABEL} characters`);
  return name.length + 2 > LONGEST_NAME ? err(`which has more than ${LONGEST_NAME - 2} characters`) : ok(name);
}

export function encodeQuery({ id, name, type, recursionDesired }: Query): Uint8Array {
  const labels = name === '.' ? [] : name.split('.');
  const nameLength = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  invariant(parseName(name).ok, `not a name: ${name}`);
  const bytes = new Uint8Array(HEADER_LENGTH + nameLength + 4);
  const view = viewOf(bytes);
  view.setUint16(AT.id, id);
  view.setUint16(AT.flags, recursionDesired ? FLAG.recursionDesired : 0);
  view.setUint16(AT.questions, 1);
  let at = HEADER_LENGTH;
  for (const label of labels) {
    bytes[at] = label.length;
    for (let i = 0; i < label.length; i++) bytes[at + 1 + i] = label.charCodeAt(i);
    at += 1 + label.length;
  }
  view.setUint16(at + 1, TYPE[type]);
  view.setUint16(at + 3, INTERNET);
  return bytes;
}

/** Reads a message up to its last answer; what follows is passed over. Never throws. */
export function decode(bytes: Uint8Array): Result<Message, DropReason> {
  if (bytes.length < HEADER_LENGTH) return err('short');
  const view = viewOf(bytes);
  const flags = view.getUint16(AT.flags);
  const has = (flag: keyof typeof FLAG): boolean => (flags & FLAG[flag]) !== 0;
  const truncated = has('truncated');
  const questions = readAll(bytes, HEADER_LENGTH, view.getUint16(AT.questions), readQuestion);
  if ('error' in questions) return err(questions.error);
  const answers = readAll(bytes, questions.end, view.getUint16(AT.answers), readRecord);
  if ('error' in answers && !truncated) return err(answers.error);
  return ok({
    id: view.getUint16(AT.id),
    response: has('response'),
    opcode: (flags >> OPCODE.shift) & OPCODE.mask,
    authoritative: has('authoritative'),
    truncated,
    recursionDesired: has('recursionDesired'),
    recursionAvailable: has('recursionAvailable'),
    rcode: flags & RCODE_MASK,
    questions: questions.values,
    answers: answers.values,
  });
}

/**
 * Whether a message answers the query: its id, and its question alone (RFC 5452, 3). Who could not read the question, or
 * refuses it, may leave it out.
 */
export function answersQuery({ id, response, opcode, questions, rcode }: Message, query: Query): boolean {
  if (!response || opcode !== 0 || id !== query.id || questions.length > 1) return false;
  const [question] = questions;
  if (question === undefined) return WITHOUT_QUESTION.has(RCODES[rcode]);
  return question.name === query.name && question.type === query.type;
}

const WITHOUT_QUESTION: ReadonlySet<Rcode | undefined> = new Set(['FORMERR', 'SERVFAIL', 'NOTIMP', 'REFUSED']);

/** The data of a record as a zone file has it: `10.0.0.1`, `10 mail.example.net`, `0 5 443 www.example.net`. */
export function dataText(data: RecordData): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return data.target;
    case 'MX':
      return `${data.preference} ${data.target}`;
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
    case 'TXT':
      return data.text;
    case 'SOA':
      return `${data.primary} ${data.mailbox} ${data.serial}`;
    case null:
      return '(a type that is not read)';
  }
}

/** What stands at a place, and where the next begins; or why nothing can. */
type Read<T> = { readonly value: T; readonly end: number } | DropReason;

/** `count` things one after another; where one cannot be read, those before it. */
function readAll<T>(
  bytes: Uint8Array,
  from: number,
  count: number,
  read: (bytes: Uint8Array, at: number) => Read<T>,
): { readonly values: readonly T[]; readonly end: number; readonly error?: DropReason } {
  const values: T[] = [];
  let end = from;
  for (let n = 0; n < count; n++) {
    const next = read(bytes, end);
    if (typeof next === 'string') return { values, end, error: next };
    values.push(next.value);
    end = next.end;
  }
  return { values, end };
}

function readQuestion(bytes: Uint8Array, at: number): Read<Question> {
  const name = readName(bytes, at);
  if (typeof name === 'string') return name;
  const end = name.end + 4;
  if (end > bytes.length) return 'short';
  return { value: { name: name.value, type: typeAt(bytes, name.end) }, end };
}

/** The type of a question or record whose type and class stand at `at`. */
function typeAt(bytes: Uint8Array, at: number): RecordType | null {
  const view = viewOf(bytes);
  return view.getUint16(at + 2) === INTERNET ? (CODES.get(view.getUint16(at)) ?? null) : null;
}

function readRecord(bytes: Uint8Array, at: number): Read<ResourceRecord> {
  const name = readName(bytes, at);
  if (typeof name === 'string') return name;
  const data = name.end + 10;
  if (data > bytes.length) return 'short';
  const view = viewOf(bytes);
  const end = data + view.getUint16(name.end + 8);
  if (end > bytes.length) return 'short';
  const ttl = view.getUint32(name.end + 4);
  const read = readData(bytes.subarray(0, end), data, typeAt(bytes, name.end));
  if (typeof read === 'string') return read;
  // With its highest bit set it counts as 0 (RFC 2181, 8).
  return { value: { name: name.value, ttl: ttl > 0x7fffffff ? 0 : ttl, ...read }, end };
}

/** The data from `at` to the end of `bytes`, all of it. */
function readData(bytes: Uint8Array, at: number, type: RecordType | null): RecordData | DropReason {
  const length = bytes.length - at;
  switch (type) {
    case 'A':
    case 'AAAA':
      return length === (type === 'A' ? 4 : 16) ? { type, address: ipFromBytes(bytes.subarray(at)) } : 'data';
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return withTarget(bytes, at, 0, (target) => ({ type, target }));
    case 'MX':
      return withTarget(bytes, at, 1, (target, [preference]) => ({ type, preference: preference as number, target }));
    case 'SRV':
      return withTarget(bytes, at, 3, (target, [priority, weight, port]) => ({
        ...{ type, priority: priority as number, weight: weight as number, port: port as number, target },
      }));
    case 'TXT':
      return readText(bytes, at);
    case 'SOA':
      return readSoa(bytes, at);
    case null:
      return { type };
  }
}

/** Data that is some 16-bit numbers and a name. */
function withTarget(
  bytes: Uint8Array,
  at: number,
  count: number,
  make: (target: string, numbers: readonly number[]) => RecordData,
): RecordData | DropReason {
  const start = at + 2 * count;
  if (start > bytes.length) return 'data';
  const view = viewOf(bytes);
  const target = readName(bytes, start);
  if (typeof target === 'string') return target;
  if (target.end !== bytes.length) return 'data';
  return make(
    target.value,
    Array.from({ length: count }, (_, i) => view.getUint16(at + 2 * i)),
  );
}

/** Strings, each behind its length; together they are one text (RFC 7208, 3.3, says so for SPF; others follow). */
function readText(bytes: Uint8Array, from: number): RecordData | DropReason {
  const text = new Uint8Array(bytes.length - from);
  let length = 0;
  for (let at = from; at < bytes.length; ) {
    const end = at + 1 + (bytes[at] as number);
    if (end > bytes.length) return 'data';
    text.set(bytes.subarray(at + 1, end), length);
    length += end - at - 1;
    at = end;
  }
  return { type: 'TXT', text: UTF8.decode(text.subarray(0, length)) };
}

const UTF8 = new TextDecoder();

/** Two names and five numbers of 32 bits, the serial first (RFC 1035, 3.3.13). */
function readSoa(bytes: Uint8Array, at: number): RecordData | DropReason {
  const primary = readName(bytes, at);
  if (typeof primary === 'string') return primary;
  const mailbox = readName(bytes, primary.end);
  if (typeof mailbox === 'string') return mailbox;
  if (mailbox.end + 20 !== bytes.length) return 'data';
  const serial = viewOf(bytes).getUint32(mailbox.end);
  return { type: 'SOA', primary: primary.value, mailbox: mailbox.value, serial };
}

/**
 * The name at `from`. A pointer leads to what stands before the part that it ends, or it is refused: so no name is longer
 * than the message, and the bounds of a name's length and pointers hold the work on each.
 */
function readName(bytes: Uint8Array, from: number): Read<string> {
  let name = '';
  let length = 1;
  let end: number | undefined;
  let start = from;
  let pointers = 0;
  for (let at = from; ; ) {
    const byte = bytes[at];
    if (byte === undefined) return 'short';
    if (byte === 0) return { value: name === '' ? '.' : name, end: end ?? at + 1 };
    if (byte >= POINTER) {
      const low = bytes[at + 1];
      if (low === undefined) return 'short';
      end ??= at + 2;
      at = ((byte & ~POINTER) << 8) | low;
      if (at >= start || ++pointers > MOST_POINTERS) return 'name';
      start = at;
    } else {
      length += 1 + byte;
      if (byte > LONGEST_LABEL || length > LONGEST_NAME) return 'name';
      if (at + 1 + byte > bytes.length) return 'short';
      name += `${name === '' ? '' : '.'}${labelText(bytes, at + 1, byte)}`;
      at += 1 + byte;
    }
  }
}

function labelText(bytes: Uint8Array, from: number, length: number): string {
  let text = '';
  for (let at = from; at < from + length; at++) text += OCTETS[bytes[at] as number];
  return text;
}

/** How each octet of a label is written. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const character = String.fromCharCode(octet);
  if (character === '.' || character === '\\') return `\\${character}`;
  return octet > 0x20 && octet < 0x7f ? character.toLowerCase() : `\\${String(octet).padStart(3, '0')}`;
});
