/** What the packages do to a running director, with the programs that they call replaced by ones that write down their call. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const PACKAGING = join(import.meta.dirname, '../../packaging');

/** Debian's word that no service may be started here; this machine may have it too. */
const POLICY = '/usr/sbin/policy-rc.d';

/** The calls of a script, of which those that match `failing` fail. `policy`: there is one against starting services. */
function calls(script: string, args: readonly string[], failing: RegExp = /^$/, policy = false): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-test-'));
  try {
    for (const name of ['lvskeeper', 'systemctl', 'deb-systemd-helper', 'deb-systemd-invoke']) {
      const stub = join(folder, name);
      const said = `echo "${name} $*" >>${folder}/calls; echo "${name} $*" | grep -qE '${failing.source}' && exit 1; exit 0\n`;
      writeFileSync(stub, `#!/bin/sh\n${said}`);
      chmodSync(stub, 0o755);
    }
    const copy = join(folder, 'script');
    writeFileSync(copy, readFileSync(join(PACKAGING, script), 'utf8').replaceAll(POLICY, join(folder, 'policy')));
    if (policy) writeFileSync(join(folder, 'policy'), '');
    // A machine where systemd runs, in a mount namespace of its own.
    const inside = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"';
    const argv = ['--mount', 'sh', '-c', inside, 'sh', 'sh', copy, ...args];
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, DPKG_ROOT: '' };
    const { status, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', env });
    assert.equal(status, 0, stderr);
    return readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const RESTARTS = /restart/;
const restarts = (all: readonly string[]): readonly string[] => all.filter((call) => RESTARTS.test(call));

for (const { name, script, args } of [
  { name: 'the deb', script: 'deb/postinst', args: ['configure', '0.0.9'] },
  { name: 'the rpm', script: 'rpm/posttrans', args: [] },
]) {
  test(`${name}: an upgrade checks the config first, and then restarts the director by its verb, which keeps the role`, () => {
    const all = calls(script, args);
    const check = all.indexOf('lvskeeper check /etc/lvskeeper/lvskeeper.toml');
    assert.ok(check >= 0 && check < all.indexOf('lvskeeper restart'), all.join('\n'));
    assert.deepEqual(restarts(all), ['lvskeeper restart']);
  });

  test(`${name}: where the verb fails, the service manager restarts it`, () => {
    const [first, second, ...more] = restarts(calls(script, args, /^lvskeeper restart/));
    assert.equal(first, 'lvskeeper restart');
    assert.match(second ?? '', /^(deb-systemd-invoke|systemctl) restart .*lvskeeper\.service$/);
    assert.deepEqual(more, []);
  });

  test(`${name}: with a config that has an error, what runs goes on running`, () => {
    assert.deepEqual(restarts(calls(script, args, /^lvskeeper check/)), []);
  });

  test(`${name}: a director that does not run is not started by an upgrade`, () => {
    const all = calls(script, args, /is-active|is-failed/);
    assert.deepEqual(restarts(all), []);
    assert.ok(!all.some((call) => / start /.test(call)));
  });
}

test('the deb: where a policy says that no service is started, that is left to who asks it', () => {
  assert.deepEqual(restarts(calls('deb/postinst', ['configure', '0.0.9'], /^$/, true)), [
    'deb-systemd-invoke restart lvskeeper.service',
  ]);
});

test('the deb: an upgrade does not stop the director, a removal does', () => {
  const stops = (args: readonly string[]): readonly string[] => {
    try {
      return calls('deb/prerm', args);
    } catch (error) {
      // Nothing was called, so nothing was written.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };
  assert.deepEqual(stops(['upgrade', '0.2.0']), []);
  assert.deepEqual(stops(['remove']), ['deb-systemd-invoke stop lvskeeper.service']);
});
