import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { environmentOf, execSender } from '../../../src/alerts/exec/send.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { ExecAlertConfig } from '../../../src/config/config.ts';
import { temporaryFolder } from '../control/fake-director.ts';
import { alertOf } from './sample.ts';

const never = new AbortController().signal;

/** A real small program in a folder of the test. */
function program(t: TestContext, body: string) {
  const folder = temporaryFolder(t);
  const path = join(folder, 'alert');
  writeFileSync(path, `#!/bin/sh\ncd ${folder}\n${body}\n`);
  chmodSync(path, 0o755);
  return { path, out: join(folder, 'out') };
}

const configOf = (command: readonly string[], timeout = seconds(10)): ExecAlertConfig => ({
  name: 'page',
  type: 'exec',
  command,
  on: ['quorum'],
  timeout,
  attempts: 3,
});

test('the program gets its arguments unexpanded, the alert on standard input and in the environment', async (t) => {
  const { path, out } = program(t, '{ printf "%s\\n" "$@"; cat; env | grep LVSKEEPER_ | sort; } > out');
  assert.deepEqual(await execSender(configOf([path, '$HOME', 'a b']))(alertOf(7), never), { ok: true });
  assert.equal(
    readFileSync(out, 'utf8'),
    `$HOME
a b
${JSON.stringify(alertOf(7))}
LVSKEEPER_DIRECTOR=lb1
LVSKEEPER_HELD=false
LVSKEEPER_KIND=quorum
LVSKEEPER_NEEDED=2
LVSKEEPER_SEQ=7
LVSKEEPER_SERVICE=web
LVSKEEPER_SUMMARY=web: quorum lost: 7 up, 2 needed
LVSKEEPER_TIME=2026-03-01T12:00:00.000Z
LVSKEEPER_UP=7
`,
  );
});

test("nothing of the daemon's own environment is handed on", async (t) => {
  process.env.LVSKEEPER_TEST_SECRET = 'secret';
  t.after(() => {
    delete process.env.LVSKEEPER_TEST_SECRET;
  });
  const { path, out } = program(t, "tr '\\0' '\\n' < /proc/$$/environ | cut -d= -f1 > out");
  assert.ok((await execSender(configOf([path]))(alertOf(1), never)).ok);
  const names = readFileSync(out, 'utf8').trim().split('\n');
  assert.deepEqual(
    names.filter((name) => !Object.keys(alertOf(1)).includes(name.replace('LVSKEEPER_', '').toLowerCase())),
    ['PATH', 'LANG'],
  );
});

test('lists are joined by spaces, names are split at capitals, zero bytes cannot cut a value short', () => {
  const environment = environmentOf({
    ...alertOf(1),
    addresses: ['192.0.2.10/24', '192.0.2.11/24'],
    routerId: 51,
    cause: 'a\0b',
    none: null,
  });
  assert.equal(environment.LVSKEEPER_ADDRESSES, '192.0.2.10/24 192.0.2.11/24');
  assert.equal(environment.LVSKEEPER_ROUTER_ID, '51');
  assert.equal(environment.LVSKEEPER_CAUSE, 'a b');
  assert.equal(environment.LVSKEEPER_NONE, '');
});

test('an exit code other than 0 is a failure, with the last words of standard error', async (t) => {
  const { path } = program(t, 'echo first >&2; echo "no modem" >&2; exit 3');
  assert.deepEqual(await execSender(configOf([path]))(alertOf(1), never), {
    ok: false,
    reason: 'exit code 3: no modem',
    again: true,
  });
});

test('a program that cannot be run is a failure that names it', async () => {
  const sent = await execSender(configOf(['/nonexistent/alert']))(alertOf(1), never);
  assert.deepEqual(sent, { ok: false, reason: 'cannot run /nonexistent/alert: ENOENT', again: true });
});

test('a program that dies of a signal is a failure', async (t) => {
  const { path } = program(t, 'kill -TERM $$');
  assert.deepEqual(await execSender(configOf([path]))(alertOf(1), never), {
    ok: false,
    reason: 'killed by SIGTERM',
    again: true,
  });
});

test('a program that hangs is killed after the timeout, with everything that it started', async (t) => {
  const { path, out } = program(t, 'trap "" TERM; sleep 600 & echo $! > out; wait');
  const sent = await execSender(configOf([path], milliseconds(300)))(alertOf(1), never);
  assert.deepEqual(sent, { ok: false, reason: 'still running after 300 ms, killed', again: true });
  const child = Number(readFileSync(out, 'utf8'));
  const deadline = performance.now() + 5000;
  while (alive(child) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(alive(child), false);
});

/** Whether a process runs; a zombie does not. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
