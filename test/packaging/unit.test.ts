/** The rights that the service unit leaves to the daemon are enough for all that a config may ask for. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

const UNIT = readFileSync(join(import.meta.dirname, '../../packaging/files/lvskeeper.service'), 'utf8');
const all = (key: string): readonly string[] =>
  [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value = '']) => value.split(' '));

/** Runs a program of ours with the capabilities of the unit, and no others. */
function run(program: string): string {
  const capabilities = all('CapabilityBoundingSet').map((name) => `+${name.toLowerCase().replace('cap_', '')}`);
  const script = `const source = '${new URL('../../src/', import.meta.url).pathname}';\n${program}`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const argv = ['--bounding-set', ['-all', ...capabilities].join(), '--no-new-privs', ...node];
  const { stdout, stderr, status } = spawnSync('setpriv', argv, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('a script runs with the rights of another user', () => {
  const uid = run(`
    const { exec, BARE_ENVIRONMENT } = await import(source + 'system/exec.ts');
    const command = ['id', '-u'];
    const user = { uid: 65534, gid: 65534 };
    const result = await exec({ command, environment: BARE_ENVIRONMENT, input: '', timeout: 5000, user });
    console.log(result.how.outcome + ' ' + result.stdout.trim());
  `);
  assert.equal(uid, 'exited 65534');
});

test('raw sockets and rtnetlink can be opened', () => {
  const opened = run(`
    const { createRawSocket } = await import(source + 'system/raw-socket.ts');
    const { openRtnetlink } = await import(source + 'system/rtnetlink.ts');
    createRawSocket({ family: 4, protocol: 112 }).close();
    const rtnetlink = openRtnetlink();
    const taken = await rtnetlink.value.deleteAddresses([]);
    rtnetlink.value.close();
    console.log(rtnetlink.ok, taken.length);
  `);
  assert.equal(opened, 'true 0');
});

test('the calls that change a user are not filtered, and the settings of the network can be written', () => {
  const filters = all('SystemCallFilter');
  assert.ok(filters.indexOf('@setuid') > filters.indexOf('~@privileged'), 'what comes later counts');
  assert.deepEqual(all('ReadWritePaths'), ['-/proc/sys/net']);
});
