/** The config file is replaced whole, with its mode and owner, and put back as it was. */

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { installConfig } from '../../../src/system/config-install.ts';

function folder(t: TestContext): { readonly path: string; readonly file: string } {
  const path = mkdtempSync(join(tmpdir(), 'lvskeeper-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const file = join(path, 'lvskeeper.toml');
  writeFileSync(file, 'old\n');
  chmodSync(file, 0o640);
  return { path, file };
}

test('the text takes the place of the file, which keeps its mode, and nothing else is left in the folder', (t) => {
  const { path, file } = folder(t);
  const before = statSync(file);
  const done = installConfig(file, 'né\n');
  assert.ok(done.ok && done.value.changed);
  const now = statSync(file);
  assert.equal(readFileSync(file, 'utf8'), 'né\n');
  assert.deepEqual([now.mode, now.uid, now.gid], [before.mode, before.uid, before.gid]);
  assert.notEqual(now.ino, before.ino, 'no reader sees half of it');
  assert.deepEqual(readdirSync(path), ['lvskeeper.toml']);
});

test('undone, the former bytes are back, with the mode', (t) => {
  const { file } = folder(t);
  const done = installConfig(file, 'new\n');
  assert.ok(done.ok && done.value.undo().ok);
  assert.equal(readFileSync(file, 'utf8'), 'old\n');
  assert.equal(statSync(file).mode & 0o7777, 0o640);
});

test('of texts that are not known the former bytes are kept beside it, with its mode', (t) => {
  const { path, file } = folder(t);
  const known = installConfig(file, 'new\n', ['old\n']);
  assert.ok(known.ok && known.value.kept === null);
  const strange = installConfig(file, 'newer\n', ['old\n']);
  assert.ok(strange.ok);
  assert.equal(strange.value.kept, `${file}.replaced`);
  assert.equal(readFileSync(`${file}.replaced`, 'utf8'), 'new\n');
  assert.equal(statSync(`${file}.replaced`).mode & 0o7777, 0o640);
  assert.deepEqual(readdirSync(path).sort(), ['lvskeeper.toml', 'lvskeeper.toml.replaced']);
});

test('of the same text nothing is written', (t) => {
  const { file } = folder(t);
  const { ino } = statSync(file);
  const done = installConfig(file, 'old\n');
  assert.ok(done.ok && !done.value.changed && done.value.undo().ok);
  assert.equal(statSync(file).ino, ino);
});

test('a symbolic link stays one', (t) => {
  const { path, file } = folder(t);
  const link = join(path, 'link.toml');
  symlinkSync(file, link);
  assert.ok(installConfig(link, 'new\n').ok);
  assert.equal(readFileSync(file, 'utf8'), 'new\n');
  assert.deepEqual(readdirSync(path).sort(), ['link.toml', 'lvskeeper.toml']);
});

test('what is in its place is said to be, also where the folder cannot be synchronized', (t) => {
  const { path, file } = folder(t);
  chmodSync(path, 0o300);
  asAnyone([path, file], () => {
    const done = installConfig(file, 'new\n');
    assert.ok(done.ok && done.value.changed);
  });
  assert.equal(readFileSync(file, 'utf8'), 'new\n');
});

/** As a user to whom modes mean something, who owns `paths`. */
function asAnyone(paths: readonly string[], work: () => void): void {
  if (process.geteuid?.() !== 0) return work();
  const nobody = 65534;
  for (const path of paths) chownSync(path, nobody, nobody);
  process.setegid?.(nobody);
  process.seteuid?.(nobody);
  try {
    work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

test('what cannot be written is told, and stays', () => {
  const done = installConfig('/nowhere/lvskeeper.toml', 'new\n');
  assert.deepEqual(done, { ok: false, error: 'cannot write /nowhere/lvskeeper.toml: there is no such file' });
});
