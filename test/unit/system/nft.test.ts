import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { masqueradingOf } from '../../../src/ipvs/masquerade.ts';
import { nftObjects } from '../../../src/ipvs/nft-table.ts';
import { openNft } from '../../../src/system/nft.ts';

const folder = mkdtempSync(join(tmpdir(), 'nft-'));
after(() => rmSync(folder, { recursive: true }));

/** A program in the place of nft(8), which what it is asked for stands beside. */
function program(name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "$*" >>${file}.args\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

const COMMANDS = join(folder, 'nft-commands.json');

const MANY = masqueradingOf(
  [],
  Array.from({ length: 2000 }, (_, i) => ip(`10.0.${i >> 8}.${i & 255}`)),
);

test('a listing of any length is read', async () => {
  const listing = join(folder, 'listing');
  writeFileSync(listing, JSON.stringify({ nftables: nftObjects(MANY) }));
  const file = program('lists', `cat ${listing}`);
  const read = await openNft(() => folder, file).read();
  assert.deepEqual(read, { ok: true, value: { masquerading: MANY, whole: true } });
  assert.equal(readFileSync(`${file}.args`, 'utf8'), '-j -n list table inet lvskeeper\n');
});

test('what is written goes in by a file, in one run, and the file goes again', async () => {
  const file = program('takes', `cp "$3" ${join(folder, 'taken')}`);
  assert.deepEqual(await openNft(() => folder, file).write(MANY), { ok: true, value: null });
  assert.equal(readFileSync(`${file}.args`, 'utf8'), `-j -f ${COMMANDS}\n`);
  assert.ok(!existsSync(COMMANDS));
  const { nftables } = JSON.parse(readFileSync(join(folder, 'taken'), 'utf8')) as { readonly nftables: object[] };
  assert.deepEqual(
    nftables.slice(2),
    nftObjects(MANY).map((add) => ({ add })),
  );
});

test('without the table there is nothing, which is no error', async () => {
  const file = program('none', "echo 'Error: No such file or directory' >&2; exit 1");
  assert.deepEqual(await openNft(() => folder, file).read(), { ok: true, value: null });
});

test('each refusal says what to do', async () => {
  const why = async (file: string) => {
    const [read, written] = [await openNft(() => folder, file).read(), await openNft(() => folder, file).write(null)];
    assert.ok(!read.ok && !written.ok);
    assert.deepEqual(read, written);
    return read.error.message;
  };
  assert.equal(
    await why(join(folder, 'nobody')),
    `the program ${join(folder, 'nobody')} is not there: install the package nftables`,
  );
  const says = (name: string, text: string) => why(program(name, `echo '${text}' >&2; exit 1`));
  assert.match(
    await says('kernel', 'Error: Could not process rule: Operation not supported'),
    /^this kernel's nftables cannot do it .*: Error: Could not process rule: Operation not supported$/,
  );
  assert.match(await says('user', 'Error: Operation not permitted (you must be root)'), /^not permitted: run as root/);
  assert.match(await says('json', 'Error: JSON support not compiled-in'), /^this nft is built without JSON/);
  assert.equal(await says('other', 'Error: syntax error'), 'Error: syntax error');
  assert.match(await why(program('silent', 'exit 3')), /exit code 3$/);
  assert.match(await why(program('killed', 'kill -9 $$')), /was killed by SIGKILL$/);
});

test('what is no listing is told', async () => {
  assert.deepEqual(await openNft(() => folder, program('garbage', 'echo hello')).read(), {
    ok: false,
    error: { message: 'what nft prints cannot be read' },
  });
});

test('where the commands cannot be written down, nothing is run', async () => {
  const file = program('never', 'exit 0');
  const written = await openNft(() => join(folder, 'missing'), file).write(null);
  assert.match(written.ok ? '' : written.error.message, /^its commands cannot be written down: .*ENOENT/);
  assert.ok(!existsSync(`${file}.args`));
});
