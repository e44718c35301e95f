import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openSysctl } from '../../../src/system/sysctl.ts';

function root(t: test.TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sysctl-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'ipv4/conf/eth0.100'), { recursive: true });
  writeFileSync(join(folder, 'ipv4/conf/eth0.100/arp_ignore'), '0\n');
  return folder;
}

test('a setting is read and written by the parts of its name, dots and all', (t) => {
  const folder = root(t);
  const sysctl = openSysctl(folder);
  const setting = ['ipv4', 'conf', 'eth0.100', 'arp_ignore'];
  const file = join(folder, ...setting);
  assert.deepEqual(sysctl.read(setting), { ok: true, value: '0' });
  assert.deepEqual(sysctl.write(setting, '1'), { ok: true, value: 'written' });
  assert.equal(readFileSync(file, 'utf8'), '1\n');
  const { mtimeNs } = statSync(file, { bigint: true });
  assert.deepEqual(sysctl.write(setting, '1'), { ok: true, value: 'already-so' });
  assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs, 'what is right is not written again');
});

test('a refusal says what, where and why; a setting that is not there is not made', (t) => {
  const folder = root(t);
  const sysctl = openSysctl(folder);
  const nope = join(folder, 'ipv4/conf/nope/arp_ignore');
  assert.deepEqual(sysctl.read(['ipv4', 'conf', 'nope', 'arp_ignore']), {
    ok: false,
    error: { code: 'ENOENT', message: `cannot read ${nope}: no such file or directory` },
  });
  const refused = sysctl.write(['ipv4', 'conf', 'eth0.100', 'nope'], '1');
  assert.ok(!refused.ok);
  assert.equal(refused.error.code, 'ENOENT');
  assert.match(refused.error.message, /^cannot write 1 to .*\/eth0\.100\/nope: no such file or directory$/);
  const folderItself = sysctl.write(['ipv4', 'conf'], '1');
  assert.ok(!folderItself.ok && folderItself.error.code === 'EISDIR');
  if (process.getuid?.() !== 0) {
    chmodSync(join(folder, 'ipv4/conf/eth0.100/arp_ignore'), 0o444);
    const denied = sysctl.write(['ipv4', 'conf', 'eth0.100', 'arp_ignore'], '1');
    assert.ok(!denied.ok && denied.error.code === 'EACCES');
  }
});

test('a part that would lead elsewhere is a defect of ours', () => {
  for (const part of ['..', '.', '', 'a/b', 'a\0b'])
    assert.throws(() => openSysctl('/nope').read(['ipv4', part]), /not a part of a setting's name/);
});
