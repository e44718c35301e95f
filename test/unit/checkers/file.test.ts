import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { createFileProber } from '../../../src/checkers/file/probe.ts';
import type { FileCheckConfig } from '../../../src/config/config.ts';
import { defaults, targetOf } from './loopback.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'lvskeeper-file-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const fileCheck = (file: string, changes: Partial<FileCheckConfig> = {}): FileCheckConfig => ({
  ...defaults('file', 'file = "/x"'),
  ...{ file, ...changes },
});

async function probe(check: FileCheckConfig, target = targetOf(80)) {
  const prober = createFileProber(check, target);
  const result = await prober.run();
  prober.close();
  return result;
}

/** The finding with `FILE` in the place of the path. */
async function inWords(check: FileCheckConfig): Promise<string> {
  const { outcome, reason } = await probe(check);
  return `${outcome}: ${reason.replaceAll(check.file, 'FILE')}`;
}

const EXPECTED = 'expected "up", "down", "drain", "maint", or a weight such as "75%"';
const CONTENTS: readonly (readonly [string, string])[] = [
  ['up\n', 'up: FILE holds "up"'],
  ['\n\n  75% maxconn:30  \nmore\n', 'up: FILE holds "75% maxconn:30"'],
  ['down # moving to rack 4\r\n', 'down: FILE holds "down # moving to rack 4"'],
  ['hello', `down: FILE holds "hello", ${EXPECTED}`],
  ['', `down: FILE is empty, ${EXPECTED}`],
  [' \n', `down: FILE is empty, ${EXPECTED}`],
  ['x'.repeat(5000), 'down: FILE has no end of the line in 4 KiB'],
];
for (const [content, expected] of CONTENTS)
  test(`${JSON.stringify(content.slice(0, 30))} is ${expected}`, async (t) => {
    const path = join(folder(t), 'web1');
    writeFileSync(path, content);
    assert.equal(await inWords(fileCheck(path)), expected);
  });

test('a file that is not there is up, or down where that is asked for', async (t) => {
  const at = folder(t);
  writeFileSync(join(at, 'file'), '');
  for (const path of [join(at, 'none'), join(at, 'none/such'), join(at, 'file/such')]) {
    assert.equal(await inWords(fileCheck(path)), 'up: there is no FILE, which counts as up');
    assert.equal(await inWords(fileCheck(path, { absent: 'down' })), 'down: there is no FILE, which counts as down');
  }
});

test('what is no longer in the file no longer holds', async (t) => {
  const path = join(folder(t), 'web1');
  const prober = createFileProber(fileCheck(path), targetOf(80));
  writeFileSync(path, 'drain 50%\n');
  assert.deepEqual((await prober.run()).advice, { mode: 'drain', weight: { percent: 50 }, maxConnections: null });
  writeFileSync(path, 'up\n');
  assert.deepEqual((await prober.run()).advice, { mode: 'ready', weight: { percent: 100 }, maxConnections: null });
  rmSync(path);
  assert.deepEqual((await prober.run()).advice, { mode: 'ready', weight: { percent: 100 }, maxConnections: null });
  prober.close();
});

test('what cannot be read says nothing of the server', async (t) => {
  const at = folder(t);
  mkdirSync(join(at, 'folder'));
  symlinkSync('loop', join(at, 'loop'));
  execFileSync('mkfifo', [join(at, 'pipe')]);
  for (const name of ['folder', 'pipe'])
    assert.equal(await inWords(fileCheck(join(at, name))), 'local-error: cannot probe: FILE is no regular file');
  assert.equal(
    await inWords(fileCheck(join(at, 'loop'))),
    'local-error: cannot probe: FILE cannot be read (ELOOP): let the user that lvskeeper runs as read it',
  );
});

test('each server can have a file of its own', async (t) => {
  const at = folder(t);
  writeFileSync(join(at, '2001:db8::1-8080-8080'), 'maint');
  const check = fileCheck(join(at, '{address}-{port}-{port}'), { absent: 'down' });
  const address = { address: ip('2001:db8::1'), port: 8080 };
  assert.equal((await probe(check, { ...targetOf(80), address })).advice?.mode, 'maint');
  assert.equal((await probe(check)).reason, `there is no ${at}/127.0.0.1-80-80, which counts as down`);
});

test('closing settles a probe under way at once', async (t) => {
  const prober = createFileProber(fileCheck(join(folder(t), 'web1')), targetOf(80));
  const running = prober.run();
  prober.close();
  assert.equal((await running).reason, 'cannot probe: the check was changed or stopped');
});

test('thousands of probes leave no descriptor and no timer', async (t) => {
  const path = join(folder(t), 'web1');
  writeFileSync(path, 'up\n');
  const prober = createFileProber(fileCheck(path), targetOf(80));
  const held = () => [
    readdirSync('/proc/self/fd').length,
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
  ];
  await prober.run();
  const before = held();
  for (let i = 0; i < 3000; i++) assert.equal((await prober.run()).outcome, 'up');
  assert.deepEqual(held(), before);
  prober.close();
});
