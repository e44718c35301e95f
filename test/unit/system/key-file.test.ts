import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { judgeFile, parseSecret, readSecret, type SecretKind } from '../../../src/system/key-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'key-file-'));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function file(content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, `${count++}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const HEX = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

const good: readonly [string, SecretKind, string, string][] = [
  ['a password', 'pass', 'secret12', '7365637265743132'],
  ['a password and a line end', 'pass', 'secret\r\n', '736563726574'],
  ['a password that looks like hexadecimal', 'pass', 'hex:0011', '6865783a30303131'],
  ['a key in hexadecimal', 'hmac', `hex:${HEX}`, HEX],
  [
    'a key in hexadecimal, capitals, in groups, with white space at the end',
    'hmac',
    `hex: ${HEX.slice(0, 32).toUpperCase()} ${HEX.slice(32)} \t\n`,
    HEX,
  ],
  ['a key of 64 bytes in hexadecimal', 'hmac', `hex:${HEX}${HEX}`, HEX + HEX],
  ['a key as it is, and a line end', 'hmac', `${'k'.repeat(32)}\n`, '6b'.repeat(32)],
  ['a key with a blank at its end', 'hmac', `${'k'.repeat(31)} \n`, `${'6b'.repeat(31)}20`],
  ['hexadecimal digits without hex: are characters, as in keepalived', 'hmac', `${HEX}\n`, toHex(bytes(HEX))],
  ['a key of bytes that are no text', 'hmac', '\xff\xfe'.repeat(16), 'fffe'.repeat(16)],
];
for (const [what, kind, content, expected] of good) {
  test(`${what} is read`, () => {
    const secret = readSecret(file(bytes(content)), kind);
    assert.ok(secret.ok, JSON.stringify(secret));
    assert.equal(toHex(secret.value), expected);
  });
}

const bad: readonly [string, SecretKind, string, RegExp][] = [
  ['no password', 'pass', '\n', /holds a password of 0 bytes, and 1 to 8 are needed: give every director the same/],
  ['a long password', 'pass', 'secret123', /holds a password of 9 bytes, and 1 to 8 are needed/],
  [
    'a short key',
    'hmac',
    'k'.repeat(31),
    /holds a key of 31 bytes, and 32 to 64 are needed: make one with \(umask 077/,
  ],
  ['a short key in hexadecimal', 'hmac', 'hex:0011', /holds a key of 2 bytes/],
  ['a long key', 'hmac', 'k'.repeat(65), /holds a key of 65 bytes/],
  ['a long file', 'hmac', 'k'.repeat(100_000), /holds a key of too many bytes/],
  ['an odd digit', 'hmac', `hex:${HEX}0`, /is not hexadecimal after hex:/],
  ['a letter that is no digit', 'hmac', `hex:${HEX.replace('0', 'g')}`, /is not hexadecimal after hex:/],
  ['a zero byte in a key', 'hmac', `${'k'.repeat(32)}\0`, /holds a zero byte, where keepalived would end the key/],
  ['a zero byte in a password', 'pass', 'a\0b', /holds a zero byte, where keepalived would end the password/],
];
for (const [what, kind, content, message] of bad) {
  test(`${what} is refused`, () => {
    const secret = parseSecret(bytes(content), kind);
    assert.ok(!secret.ok);
    assert.match(secret.error, message);
    const path = file(bytes(content));
    const read = readSecret(path, kind);
    assert.ok(!read.ok);
    assert.match(read.error, new RegExp(`^${kind === 'pass' ? 'password' : 'key'} file ${path} `));
    assert.match(read.error, message);
  });
}

test('nothing that is refused is told', () => {
  for (const content of ['hex:topsecretdigits', 'topsecret'.repeat(10), `topsecret${'\0'.repeat(30)}`]) {
    const secret = readSecret(file(content), 'hmac');
    assert.ok(!secret.ok);
    assert.doesNotMatch(secret.error, /topsecret/);
  }
});

test('a file that others may read or change is refused', () => {
  for (const mode of [0o640, 0o620, 0o604, 0o602, 0o610, 0o601]) {
    const secret = readSecret(file('secret', mode), 'pass');
    assert.ok(!secret.ok, mode.toString(8));
    assert.match(
      secret.error,
      new RegExp(`may be read or changed by other users \\(mode 0${mode.toString(8)}\\): close it`),
    );
  }
  assert.ok(readSecret(file('secret', 0o400), 'pass').ok);
});

test('a file of somebody else is refused; of root, or of ours, it is not', () => {
  const regular = { isFile: () => true, mode: 0o100600 };
  assert.equal(judgeFile({ ...regular, uid: 0 }, 1000), null);
  assert.equal(judgeFile({ ...regular, uid: 1000 }, 1000), null);
  assert.match(judgeFile({ ...regular, uid: 1001 }, 1000) ?? '', /belongs to user 1001/);
  assert.match(judgeFile({ ...regular, uid: 1001 }, 0) ?? '', /give it to root/);
});

test('what is no regular file is refused, and holds nobody up', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', ['-m', '600', pipe]);
  for (const path of [folder, pipe, '/dev/null']) {
    const secret = readSecret(path, 'pass');
    assert.ok(!secret.ok);
    assert.match(secret.error, /is no regular file/);
  }
});

test('a file that is not there is named, and a link is followed', () => {
  const secret = readSecret(join(folder, 'none'), 'hmac');
  assert.deepEqual(secret.ok, false);
  assert.match(secret.ok ? '' : secret.error, /^key file .*none does not exist: create it/);
  const link = join(folder, 'link');
  symlinkSync(file('secret'), link);
  assert.ok(readSecret(link, 'pass').ok);
});
