import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import net from 'node:net';
import test from 'node:test';
import { promisify } from 'node:util';
import { milliseconds } from '../../../src/base/time.ts';
import { createTcpProber } from '../../../src/checkers/tcp/probe.ts';
import { closedPort, SHORT, serve, silentPort, targetOf, tcpCheck, until } from './loopback.ts';

test('a server that accepts is up, and the connection is gone afterwards', async (t) => {
  const server = await serve(t, net.createServer());
  const prober = createTcpProber(tcpCheck(), targetOf(server.port));
  for (let i = 0; i < 3; i++) {
    const result = await prober.run();
    assert.equal(result.outcome, 'up');
    assert.equal(result.reason, 'connected');
    assert.ok(result.took > 0 && result.took < 2000);
  }
  await until(() => server.accepted() === 3 && server.open() === 0, 'three connections, all ended');
  prober.close();
});

test('the connection ends with a reset, so that nothing of it stays in TIME_WAIT', async (t) => {
  const ends: string[] = [];
  const server = await serve(
    t,
    net.createServer((socket) => {
      socket.on('error', (error) => ends.push('code' in error ? String(error.code) : error.message));
      socket.on('end', () => ends.push('end'));
      socket.resume();
    }),
  );
  const prober = createTcpProber(tcpCheck(), targetOf(server.port));
  await prober.run();
  await until(() => ends.length > 0, 'the connection ended');
  assert.deepEqual(ends, ['ECONNRESET']);
  prober.close();
});

test('a port where nothing listens is down at once', async () => {
  const prober = createTcpProber(tcpCheck(), targetOf(await closedPort()));
  const { outcome, reason, took } = await prober.run();
  assert.deepEqual({ outcome, reason }, { outcome: 'down', reason: 'connection refused' });
  assert.ok(took < 1000);
  prober.close();
});

test('a server that does not answer is down when the timeout is over', async (t) => {
  const prober = createTcpProber(tcpCheck({ timeout: SHORT }), targetOf(await silentPort(t)));
  const { outcome, reason, took } = await prober.run();
  assert.deepEqual({ outcome, reason }, { outcome: 'down', reason: 'no answer in 120 ms' });
  assert.ok(took >= SHORT - 2 && took < SHORT + 500, `took ${took}`);
  prober.close();
});

test('a source that is not on this machine is our own fault', async (t) => {
  const server = await serve(t, net.createServer());
  const prober = createTcpProber(tcpCheck(), targetOf(server.port, '192.0.2.77'));
  const { outcome, reason } = await prober.run();
  assert.equal(outcome, 'local-error');
  assert.equal(reason, 'cannot probe: 192.0.2.77 is not on this machine, or has no free port');
  prober.close();
});

test('running out of descriptors is our own fault', async (t) => {
  const server = await serve(t, net.createServer());
  const script = `
    import { openSync } from 'node:fs';
    import { createTcpProber } from ${JSON.stringify(new URL('../../../src/checkers/tcp/probe.ts', import.meta.url).href)};
    const prober = createTcpProber(${JSON.stringify(tcpCheck())}, ${JSON.stringify(targetOf(server.port))});
    try { for (;;) openSync('/dev/null'); } catch {}
    console.log(JSON.stringify(await prober.run()));`;
  const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script];
  const { stdout } = await promisify(execFile)('/bin/sh', limited);
  const { outcome, reason } = JSON.parse(stdout);
  assert.deepEqual(
    { outcome, reason },
    { outcome: 'local-error', reason: 'cannot probe: too many open files in this process' },
  );
});

test('closing settles a probe under way at once, and not as a failure', async (t) => {
  const prober = createTcpProber(tcpCheck({ timeout: milliseconds(60_000) }), targetOf(await silentPort(t)));
  const running = prober.run();
  prober.close();
  const { outcome, took } = await running;
  assert.equal(outcome, 'local-error');
  assert.ok(took < 1000);
});

test('an answer that came while this process was held up counts', async (t) => {
  const server = await serve(t, net.createServer());
  const prober = createTcpProber(tcpCheck({ timeout: milliseconds(30) }), targetOf(server.port));
  const running = prober.run();
  hold(400);
  assert.equal((await running).outcome, 'up');
  prober.close();
});

test('silence while this process was held up is not held against the server', async (t) => {
  const prober = createTcpProber(tcpCheck({ timeout: milliseconds(30) }), targetOf(await silentPort(t)));
  const running = prober.run();
  hold(400);
  const { outcome, reason } = await running;
  assert.equal(outcome, 'local-error');
  assert.match(reason, /^cannot probe: this process was held up for \d+ ms$/);
  prober.close();
});

function hold(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
