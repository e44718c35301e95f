/**
 * Files with a secret: a password of `auth.type = "pass"`, a key of `"hmac"`. Read when a router is configured, never after.
 *
 * A key is read as keepalived reads its `file:` keys, so that both can use one file: a line end after it does not count;
 * `hex:` and hexadecimal digits are the bytes that those stand for; anything else is itself, so hexadecimal digits without
 * `hex:` are a key of so many characters. A password is itself, less a line end.
 */

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { fromHex } from '../base/bytes.ts';
import { err, ok, type Result } from '../base/result.ts';

type Kind = { readonly what: string; readonly least: number; readonly most: number; readonly advice: string };

const KINDS = {
  /** RFC 2338, 5.3.10. keepalived cuts a longer one and says so. */
  pass: { what: 'password', least: 1, most: 8, advice: 'give every director the same, of 1 to 8 characters' },
  /** What keepalived demands. */
  hmac: {
    ...{ what: 'key', least: 32, most: 64 },
    advice: 'make one with (umask 077; echo hex:$(openssl rand -hex 32) > FILE) and copy it to every director',
  },
} as const satisfies Record<string, Kind>;
export type SecretKind = keyof typeof KINDS;

/** `hex:`, the digits of the longest key, and white space between them. */
const LONGEST = 4 + 4 * 64;

/** The secret in a file, or what is wrong with the file and what to do, naming it; never the secret itself. */
export function readSecret(file: string, kind: SecretKind): Result<Uint8Array, string> {
  const { what } = KINDS[kind];
  const refuse = (why: string) => err(`${what} file ${file} ${why}`);
  let fd: number;
  try {
    // Without O_NONBLOCK a named pipe would hold us up for ever; libuv adds O_CLOEXEC.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return refuse(unreadable(error as NodeJS.ErrnoException));
  }
  try {
    const exposed = judgeFile(fstatSync(fd), process.geteuid?.() ?? 0);
    if (exposed !== null) return refuse(exposed);
    const buffer = new Uint8Array(LONGEST + 1);
    const secret = parseSecret(buffer.subarray(0, readSync(fd, buffer)), kind);
    return secret.ok ? secret : refuse(secret.error);
  } catch (error) {
    return refuse(`cannot be read: ${(error as Error).message}`);
  } finally {
    closeSync(fd);
  }
}

/** Why a file is not fit to hold a secret, and what to do; `null`: it is. `own`: the user id that this process acts with. */
export function judgeFile(stats: Pick<Stats, 'isFile' | 'uid' | 'mode'>, own: number): string | null {
  if (!stats.isFile()) return 'is no regular file: name a file that holds nothing else';
  if (stats.uid !== 0 && stats.uid !== own)
    return `belongs to user ${stats.uid}, who could change it: give it to root (chown root)`;
  if ((stats.mode & 0o077) === 0) return null;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  return `may be read or changed by other users (mode ${mode}): close it (chmod 600), and replace the secret if somebody may have read it`;
}

/** The secret that a file's bytes stand for, or what is wrong with them. */
export function parseSecret(bytes: Uint8Array, kind: SecretKind): Result<Uint8Array, string> {
  const { what, least, most, advice } = KINDS[kind];
  const text = withoutLineEnd(bytes);
  const isHex = kind === 'hmac' && hasPrefix(text);
  const secret = isHex ? parseHex(text.subarray(HEX.length)) : text;
  if (secret === undefined) return err('is not hexadecimal after hex: write pairs of 0 to 9 and a to f there');
  if (!isHex && text.includes(0)) return err(`holds a zero byte, where keepalived would end the ${what}: ${advice}`);
  if (secret.length >= least && secret.length <= most) return ok(secret.slice());
  const size = bytes.length > LONGEST ? 'too many' : secret.length;
  return err(`holds a ${what} of ${size} bytes, and ${least} to ${most} are needed: ${advice}`);
}

const HEX = 'hex:';
const NEWLINE = 0x0a;
const RETURN = 0x0d;

const hasPrefix = (bytes: Uint8Array): boolean => [...HEX].every((char, i) => bytes[i] === char.charCodeAt(0));

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === NEWLINE || bytes[end - 1] === RETURN) end--;
  return bytes.subarray(0, end);
}

function parseHex(bytes: Uint8Array): Uint8Array | undefined {
  const digits = String.fromCharCode(...bytes).replace(/[ \t]+/g, '');
  return /^([0-9a-fA-F]{2})*$/.test(digits) ? fromHex(digits) : undefined;
}

function unreadable({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'does not exist: create it, readable by root alone';
  if (code === 'EACCES') return 'may not be read by this process: give it to root (chown root)';
  return `cannot be opened: ${message}`;
}
