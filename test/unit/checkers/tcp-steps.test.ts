import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import v8 from 'node:v8';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { createDialogue, prepare } from '../../../src/checkers/tcp/dialogue.ts';
import { createTcpProber } from '../../../src/checkers/tcp/probe.ts';
import type { TcpCheckConfig, TcpStep } from '../../../src/config/config.ts';
import { closedPort, onRequest, SHORT, serve, silentPort, targetOf, tcpCheck, until } from './loopback.ts';

v8.setFlagsFromString('--enable-experimental-regexp-engine');

const step = (changes: { send?: string; sendHex?: string; expect?: RegExp; expectNot?: RegExp }): TcpStep => ({
  ...{ send: null, sendHex: null, expect: null, expectNot: null },
  ...changes,
});
const PING = [step({ send: 'PING\r\n', expect: /^\+PONG/s })];

async function probe(port: number, steps: readonly TcpStep[], changes: Partial<TcpCheckConfig> = {}) {
  const prober = createTcpProber(tcpCheck({ steps, ...changes }), targetOf(port));
  const { outcome, reason } = await prober.run();
  prober.close();
  return { outcome, reason };
}
const up = (reason: string) => ({ outcome: 'up', reason });
const down = (reason: string) => ({ outcome: 'down', reason });

/** A server that does `behave` with every connection from its beginning. */
const onConnection = (t: TestContext, behave: (socket: net.Socket) => void) => serve(t, net.createServer(behave));

test('what is sent is answered as expected', async (t) => {
  const heard: string[] = [];
  const { port, open } = await onConnection(t, (socket) =>
    socket.on('data', (bytes) => {
      heard.push(bytes.toString());
      socket.write('+PONG\r\n');
    }),
  );
  assert.deepEqual(await probe(port, PING), up('1 step done, last answer: +PONG'));
  assert.deepEqual(heard, ['PING\r\n']);
  await until(() => open() === 0, 'the connection ended');
});

test('a banner is waited for, and several steps go one after another on one connection', async (t) => {
  const { port, accepted } = await onConnection(t, (socket) => {
    socket.write('220 mx.example.test ESMTP\r\n');
    socket.once('data', (bytes) => socket.write(`250 ${bytes}`));
  });
  const steps = [step({ expect: /^220 / }), step({ send: 'NOOP\r\n', expect: /^250 (NOOP|ok)/ })];
  assert.deepEqual(await probe(port, steps), up('2 steps done, last answer: 250 NOOP'));
  assert.equal(accepted(), 1);
});

test('bytes are sent and matched as they are', async (t) => {
  const { port } = await onRequest(t, (socket) => socket.write(Buffer.from([0, 0xff, 0x80, 10])));
  const { outcome } = await probe(port, [step({ sendHex: '00 1fFF', expect: /^\0\xff\x80$/ })]);
  assert.equal(outcome, 'up');
  const echo = await onConnection(t, (socket) => socket.pipe(socket));
  assert.equal((await probe(echo.port, [step({ sendHex: '00 1fFF', expect: /^\0.\xff/ })])).outcome, 'up');
  assert.equal((await probe(echo.port, [step({ send: 'é', expect: /^\xc3\xa9/ })])).outcome, 'up');
});

test('what is said in pieces is one', async (t) => {
  const { port } = await onRequest(t, async (socket) => {
    for (const piece of '+PONG') {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  assert.equal((await probe(port, PING)).outcome, 'up');
});

test('a step goes on behind the match before it, and not in what came before it was sent', async (t) => {
  const { port } = await onConnection(t, (socket) => {
    socket.write('one two\r\n');
    socket.on('data', () => socket.write('three\r\n'));
  });
  const timeout = SHORT;
  assert.equal((await probe(port, [step({ expect: /one/ }), step({ expect: /two/ })])).outcome, 'up');
  assert.deepEqual(
    await probe(port, [step({ expect: /two/ }), step({ expect: /one/ })], { timeout }),
    down('step 2: no match of /one/ (nothing came) in 120 ms'),
  );
  assert.deepEqual(
    await probe(port, [step({ expect: /one/ }), step({ send: 'x', expect: /two/ })], { timeout }),
    down('step 2: no match of /two/ (came: three) in 120 ms'),
  );
  // Not the beginning of a line, though that of what is looked at.
  assert.equal((await probe(port, [step({ expect: /one / }), step({ expect: /^two/ })], { timeout })).outcome, 'down');
});

test('the last step need not wait for anything', async (t) => {
  const heard: string[] = [];
  const { port } = await onConnection(t, (socket) => {
    socket.on('data', (bytes) => heard.push(bytes.toString()));
    socket.write('hello\n');
  });
  const steps = [step({ expect: /hello/ }), step({ send: 'bye\n' })];
  assert.deepEqual(await probe(port, steps), up('2 steps done, last answer: hello'));
  assert.deepEqual(await probe(port, [step({ send: 'bye\n' })]), up('1 step done'));
});

test('another answer is down when the timeout is over, and the reason says which step and what came', async (t) => {
  const { port } = await onRequest(t, (socket) => socket.write('-NOAUTH\x1bAuthentication required.\r\nmore'));
  assert.deepEqual(
    await probe(port, PING, { timeout: SHORT }),
    down('step 1: no match of /^\\+PONG/ (came: -NOAUTH Authentication required.) in 120 ms'),
  );
});

test('a server that is silent is down, with what was waited for', async (t) => {
  const { port, open } = await onConnection(t, () => undefined);
  assert.deepEqual(
    await probe(port, [step({ expect: /^220 / })], { timeout: SHORT }),
    down('step 1: no match of /^220 / (nothing came) in 120 ms'),
  );
  await until(() => open() === 0, 'the connection ended');
});

test('a server that closes or resets in the middle is down', async (t) => {
  const closes = await onRequest(t, (socket) => socket.end('+PO'));
  assert.deepEqual(
    await probe(closes.port, PING),
    down('step 1: connection closed before a match of /^\\+PONG/ (came: +PO)'),
  );
  const resets = await onRequest(t, (socket) => socket.resetAndDestroy());
  assert.deepEqual(
    await probe(resets.port, PING),
    down('step 1: connection reset before a match of /^\\+PONG/ (nothing came)'),
  );
});

test('a server that answers and closes at once is up', async (t) => {
  const { port } = await onRequest(t, (socket) => socket.end('+PONG\r\n'));
  assert.equal((await probe(port, PING)).outcome, 'up');
});

test('what must not come is down at once, unless it comes behind what is expected', async (t) => {
  const steps = [step({ send: 'INFO\r\n', expect: /role:\w+/, expectNot: /loading:1/ })];
  const reason = 'step 1: match of expect_not /loading:1/ (came: loading:1)';
  const before = await onRequest(t, (socket) => socket.write('loading:1\r\nrole:master\r\n'));
  assert.deepEqual(await probe(before.port, steps), down(reason));
  const alone = await onRequest(t, (socket) => socket.write('loading:1\r\n'));
  assert.deepEqual(await probe(alone.port, steps), down(reason));
  const behind = await onRequest(t, (socket) => socket.write('role:master\r\nloading:1\r\n'));
  assert.deepEqual(await probe(behind.port, steps), up('1 step done, last answer: role:master'));
});

test('at most 64 KiB are read', async (t) => {
  const { port, open } = await onRequest(t, (socket) => socket.write(`begin\n${'x'.repeat(1024 * 1024)}+PONG`));
  assert.deepEqual(await probe(port, PING), down('step 1: no match of /^\\+PONG/ in 64 KiB (came: begin)'));
  await until(() => open() === 0, 'the connection ended');
});

test('a server that dribbles under a pattern that takes long does not hold up the process', async (t) => {
  const { port } = await onRequest(t, async (socket) => {
    socket.write('a'.repeat(30_000));
    for (let i = 0; i < 1000 && !socket.destroyed; i++) {
      socket.write('a');
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write('b');
  });
  const began = process.cpuUsage();
  const steps = [step({ send: 'x', expect: /(a*)*(a|b|c|d)*(aaaa|aab)*b$/ })];
  assert.equal((await probe(port, steps, { timeout: seconds(20) })).outcome, 'up');
  const { user } = process.cpuUsage(began);
  assert.ok(user < 5_000_000, `${user} µs`);
});

test('what came while a match was rested from counts when the server closes, and nothing is left of the rest', async (t) => {
  const slow = [step({ send: 'x', expect: /(a*)*(a|b|c|d)*(aaaa|aab)*b$/ })];
  const { port } = await onRequest(t, async (socket) => {
    socket.write('a'.repeat(30_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.end('b');
  });
  assert.equal((await probe(port, slow)).outcome, 'up');
  const large = await onRequest(t, (socket) => socket.write(`${'a'.repeat(60_000)}b`));
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  assert.equal((await probe(large.port, slow)).outcome, 'up');
  assert.equal(timers(), before);
  const dialogue = createDialogue(
    prepare(slow),
    '',
    () => undefined,
    (finding) => assert.fail(finding.reason),
  );
  dialogue.begin();
  dialogue.heard(Buffer.from('a'.repeat(60_000)));
  assert.equal(timers(), before + 1, 'it rests');
  dialogue.end();
  assert.equal(timers(), before);
});

test('no connection is as without steps', async (t) => {
  assert.deepEqual(await probe(await closedPort(), PING), down('connection refused'));
  const silent = await silentPort(t);
  assert.deepEqual(await probe(silent, PING, { timeout: SHORT }), down('no answer in 120 ms'));
});

test('a connection that takes longer than connect_timeout is down by then, with steps and without', async (t) => {
  const port = await silentPort(t);
  const connectTimeout = milliseconds(60);
  for (const steps of [PING, []])
    assert.deepEqual(await probe(port, steps, { connectTimeout }), down('no connection in 60 ms'));
  // It is over when the connection is there.
  const { port: slow } = await onRequest(t, (socket) => setTimeout(() => socket.write('+PONG'), 150));
  assert.equal((await probe(slow, PING, { connectTimeout })).outcome, 'up');
});

test('closing settles a dialogue under way at once, and not as a failure', async (t) => {
  const { port, open } = await onConnection(t, () => undefined);
  const prober = createTcpProber(tcpCheck({ steps: PING, timeout: seconds(60) }), targetOf(port));
  const running = prober.run();
  await until(() => open() === 1, 'a connection');
  prober.close();
  assert.equal((await running).outcome, 'local-error');
  await until(() => open() === 0, 'the connection ended');
});

test('a thousand dialogues leave no descriptor and no timer behind', async (t) => {
  const { port, open } = await onConnection(t, (socket) =>
    socket.on('data', (bytes) => (`${bytes}` === 'PING\r\n' ? socket.write('+PONG\r\n') : socket.resetAndDestroy())),
  );
  await probe(port, PING);
  await until(() => open() === 0, 'the connection ended');
  const count = () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  });
  const before = count();
  const steps = [[step({ send: 'x', expect: /y/ })], PING];
  const connectTimeout = seconds(2);
  for (let i = 0; i < 20; i++)
    await Promise.all(Array.from({ length: 50 }, (_, n) => probe(port, steps[n % 2] ?? [], { connectTimeout })));
  await until(() => open() === 0, 'every connection ended');
  await until(() => count().descriptors <= before.descriptors, 'no descriptor is left');
  assert.ok(count().timers <= before.timers);
});
