import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { controlServer, metricsServer } from '../../../src/control/api.ts';
import { call } from '../../../src/control/client.ts';
import { listenTcp, listenUnix } from '../../../src/control/listen.ts';
import { fakeDirector, logTo, serve, temporaryFolder, VERDICTS } from './fake-director.ts';

const server = () => controlServer(fakeDirector(), logTo([]));

test('the socket is for its owner alone, and goes with the listener', async (t) => {
  const path = join(temporaryFolder(t), 'made', 'control.sock');
  const listening = await listenUnix(server(), path);
  assert.ok(listening.ok);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await listening.value.close();
  assert.equal(existsSync(path), false);
});

test("a live daemon's socket is never stolen", async (t) => {
  const path = await serve(t, fakeDirector());
  const second = await listenUnix(server(), path);
  assert.ok(!second.ok);
  assert.match(second.error, new RegExp(`^another lvskeeper is running \\(pid ${process.pid}\\)`));
  assert.ok((await call(path, { method: 'GET', path: '/' })).ok, 'the first one still answers');
});

test('the socket of a dead daemon is replaced', async (t) => {
  const path = join(temporaryFolder(t), 'control.sock');
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await new Promise((resolve) => child.once('exit', resolve));
  assert.ok(statSync(path).isSocket(), 'the dead one left its socket');
  const listening = await listenUnix(server(), path);
  assert.ok(listening.ok, listening.ok ? '' : listening.error);
  assert.ok((await call(path, { method: 'GET', path: '/' })).ok);
  await listening.value.close();
});

test('a program that listens and does not speak HTTP is not pushed aside', async (t) => {
  const path = join(temporaryFolder(t), 'control.sock');
  const silent = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => silent.listen(path, resolve));
  t.after(() => silent.close());
  const listening = await listenUnix(server(), path);
  assert.ok(!listening.ok);
  assert.match(listening.error, /another program holds/);
});

test('a file that is not a socket is left alone', async (t) => {
  const path = join(temporaryFolder(t), 'control.sock');
  writeFileSync(path, 'precious');
  const listening = await listenUnix(server(), path);
  assert.ok(!listening.ok);
  assert.match(listening.error, /is not a socket/);
  assert.ok(statSync(path).isFile());
});

test('a TCP port that is taken is named, with what to change', async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  t.after(() => holder.close());
  const { port } = holder.address() as { port: number };
  const metrics = metricsServer(fakeDirector(), async () => ({ type: 'text/plain', text: '' }), logTo([]));
  const listening = await listenTcp(metrics, { address: ip('127.0.0.1'), port });
  assert.ok(!listening.ok);
  assert.equal(
    listening.error,
    `cannot listen on 127.0.0.1:${port}: another program does; choose another metrics.listen`,
  );
});

test('the TCP listener has /metrics, /verdicts and /healthz, and nothing that acts', async (t) => {
  const metrics = metricsServer(
    fakeDirector(),
    async () => ({ type: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    logTo([]),
  );
  const listening = await listenTcp(metrics, { address: ip('127.0.0.1'), port: 0 });
  assert.ok(listening.ok);
  t.after(() => listening.value.close());
  const { port } = metrics.address() as { port: number };
  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [answer.status, await answer.text()] as const;
  };
  assert.deepEqual(await get('/metrics'), [200, 'up 1\n']);
  assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
  assert.deepEqual(await get('/verdicts'), [200, `${JSON.stringify(VERDICTS)}\n`]);
  assert.equal((await get('/verdicts', 'POST'))[0], 405);
  assert.equal((await get('/metrics', 'POST'))[0], 405);
  for (const path of ['/', '/status', '/reload', '/events']) assert.equal((await get(path, 'POST'))[0], 404, path);
});
