/** The head of an HTTP/1 answer (RFC 9112, 4 to 6): its fields, and how long the body is. Strict: what is doubtful is refused. */

import { excerpt } from '../../base/printable.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Head } from '../exchange.ts';

export type Http1Head = Head & {
  /** The digit after `HTTP/1.`. */
  readonly minor: number;
  readonly fields: ReadonlyMap<string, string>;
};

/** `length`: in bytes. `close`: the body lasts until the server closes. */
export type Framing = { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' | 'close' };

const STATUS_LINE = /^HTTP\/1\.(\d) ([1-5]\d\d)(?: (.*))?$/s;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What may stand nowhere in a head, control characters; CR and LF are seen to line by line. */
const CONTROLS = /[^\t\r\n\x20-\x7e\x80-\xff]/;
/** Of a line that is continued (obs-fold): it stands for a space (RFC 9112, 5.2). */
const FOLD = /\r\n[ \t]+/g;

/** Reads a head, without the empty line that ends it, each byte a character. The error says what is wrong with it. */
export function parseHead(text: string): Result<Http1Head, string> {
  if (CONTROLS.test(text)) return err('a control character in the headers');
  const end = text.indexOf('\r\n');
  const first = end < 0 ? text : text.slice(0, end);
  const status = STATUS_LINE.exec(first);
  if (status === null || /[\r\n]/.test(first)) return err(`it begins ${quote(text)}`);
  const fields = end < 0 ? ok(new Map<string, string>()) : parseFields(text.slice(end));
  if (!fields.ok) return fields;
  const [, minor, code, phrase = ''] = status;
  return ok({ minor: Number(minor), code: Number(code), phrase: phrase.trim(), fields: fields.value });
}

/** Field lines, a CRLF before each. */
function parseFields(text: string): Result<Map<string, string>, string> {
  if (/^\r\n[ \t]/.test(text)) return err('a space before the first header');
  const fields = new Map<string, string>();
  const whole = /\n[ \t]/.test(text) ? text.replace(FOLD, ' ') : text;
  for (const line of whole.slice(2).split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!TOKEN.test(name) || line.includes('\n') || line.includes('\r')) return err(`the header line ${quote(line)}`);
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return ok(fields);
}

/** RFC 9112, 6.3. `bodiless`: the request was one whose answer has no body (HEAD). */
export function framingOf({ code, fields }: Http1Head, bodiless: boolean): Result<Framing, string> {
  const coding = fields.get('transfer-encoding');
  const length = fields.get('content-length');
  if (bodiless || code === 204 || code === 304) return ok({ kind: 'length', length: 0 });
  if (coding !== undefined) {
    // Both is how requests are smuggled past a proxy, and no honest server sends them.
    if (length !== undefined) return err('both content-length and transfer-encoding');
    if (coding.toLowerCase() !== 'chunked') return err(`transfer-encoding ${quote(coding)}, which was not asked for`);
    return ok({ kind: 'chunked' });
  }
  if (length === undefined) return ok({ kind: 'close' });
  const [one = '', ...others] = new Set(length.split(',').map(trimmed));
  if (!/^\d{1,15}$/.test(one) || others.length > 0) return err(`content-length ${quote(length)}`);
  return ok({ kind: 'length', length: Number(one) });
}

/** Whether the connection stays after the answer (RFC 9112, 9.3). */
export function persists({ minor, fields }: Http1Head, framing: Framing): boolean {
  if (framing.kind === 'close' || (framing.kind === 'chunked' && minor === 0)) return false;
  const options = (fields.get('connection') ?? '').toLowerCase().split(',').map(trimmed);
  return minor === 0 ? options.includes('keep-alive') : !options.includes('close');
}

/** Whether an answer can begin so. */
export function beginsWell(text: string): boolean {
  const line = text.slice(0, 12);
  return 'HTTP/1.'.startsWith(line.slice(0, 7)) && /^(\d( ([1-5]\d{0,2})?)?)?$/.test(line.slice(7));
}

/** What a server sent, for one line of a log. */
export const quote = (text: string): string => `"${excerpt(text)}"`;
const trimmed = (text: string): string => text.trim();
