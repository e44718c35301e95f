import assert from 'node:assert/strict';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import { milliseconds } from '../../../src/base/time.ts';
import { createAgentProber } from '../../../src/checkers/agent/probe.ts';
import type { AgentCheckConfig } from '../../../src/config/config.ts';
import { closedPort, defaults, type Loopback, SHORT, serve, silentPort, targetOf, until } from './loopback.ts';

const agentCheck = (changes: Partial<AgentCheckConfig> = {}): AgentCheckConfig => ({
  ...defaults('agent', 'port = 9000'),
  ...changes,
});

/** An agent that does `behave` with every connection. */
const agent = (t: TestContext, behave: (socket: net.Socket) => void): Promise<Loopback> =>
  serve(t, net.createServer(behave));

async function probe(port: number, changes: Partial<AgentCheckConfig> = {}) {
  const prober = createAgentProber(agentCheck(changes), targetOf(port));
  const result = await prober.run();
  prober.close();
  return result;
}

const EXPECTED = 'expected "up", "down", "drain", "maint", or a weight such as "75%"';
const LONG = 'x'.repeat(70_000);

/** What the agent does, and what comes of it: `outcome: reason`. */
const BEHAVIOUR: readonly (readonly [string, (socket: net.Socket) => void, string])[] = [
  ['a line, and a close', (s) => s.end('up 75%\n'), 'up: answered "up 75%"'],
  ['a line that ends with CR LF, and no close', (s) => s.write('ready\r\n'), 'up: answered "ready"'],
  ['a line, and more lines', (s) => s.end('up\ndown\n'), 'up: answered "up"'],
  ['a line in pieces', (s) => s.write('u', () => setTimeout(() => s.write('p\n'), 20)), 'up: answered "up"'],
  ['a line that the close ends', (s) => s.end('75%'), 'up: answered "75%"'],
  ['down, and why', (s) => s.end('down #disk full\n'), 'down: answered "down #disk full"'],
  ['garbage', (s) => s.end('SSH-2.0-x\r\n'), `down: answered "SSH-2.0-x", ${EXPECTED}`],
  ['no text', (s) => s.end(Buffer.from([0xff, 0, 0x1b, 0x0a])), `down: answered "\ufffd", ${EXPECTED}`],
  ['an empty line', (s) => s.end('\n'), `down: answered an empty line, ${EXPECTED}`],
  ['a line without an end', (s) => s.write('up'), 'down: answered "up", but no end of the line in 120 ms'],
  ['an endless line', (s) => s.write(LONG), `down: answered "${'x'.repeat(60)}…", and no end of the line in 64 KiB`],
  ['a close at once', (s) => s.end(), 'down: connection closed without an answer'],
  ['a reset at once', (s) => s.resetAndDestroy(), 'down: connection reset'],
  ['silence', () => undefined, 'down: connected, but no answer in 120 ms'],
];
for (const [what, behave, expected] of BEHAVIOUR)
  test(`an agent that answers with ${what}: ${expected}`, async (t) => {
    const server = await agent(t, behave);
    const { outcome, reason } = await probe(server.port, expected.includes('120 ms') ? { timeout: SHORT } : {});
    assert.equal(`${outcome}: ${reason}`, expected);
    await until(() => server.open() === 0, 'the connection is gone');
  });

test('a reset in the middle of a line is no end of it', async (t) => {
  const server = await agent(t, (socket) =>
    socket.write('drain', () => setTimeout(() => socket.resetAndDestroy(), 100)),
  );
  const { outcome, reason, advice } = await probe(server.port);
  assert.equal(`${outcome}: ${reason}`, 'down: connection reset after "drain", the beginning of a line');
  assert.equal(advice, undefined);
});

test('what the agent asks for is advice, of a server that is down too', async (t) => {
  const server = await agent(t, (socket) => socket.end('drain 50% maxconn:30\n'));
  const advice = { mode: 'drain', weight: { percent: 50 }, maxConnections: 30 };
  assert.deepEqual((await probe(server.port)).advice, advice);
  const stopped = await agent(t, (socket) => socket.end('stopped 50%\n'));
  assert.deepEqual((await probe(stopped.port)).advice, { weight: { percent: 50 } });
});

test('the agent is sent what it is to be sent, and nothing else', async (t) => {
  const server = await agent(t, (socket) => socket.once('data', (heard) => socket.end(`down #${heard}\n`)));
  assert.equal((await probe(server.port, { send: 'web/web1 é\n' })).reason, 'answered "down #web/web1 é"');
  assert.equal((await probe(server.port, { timeout: SHORT })).reason, 'connected, but no answer in 120 ms');
});

test('no agent is down, or up where that is asked for; an agent that answers is neither', async (t) => {
  const absent = { absent: 'up', timeout: SHORT } as const;
  const closed = await closedPort();
  assert.equal((await probe(closed)).outcome, 'down');
  const inWords = async (port: number) => {
    const { outcome, reason } = await probe(port, absent);
    return `${outcome}: ${reason}`;
  };
  assert.equal(await inWords(closed), 'up: connection refused, which counts as up');
  assert.equal(await inWords(await silentPort(t)), 'up: no answer in 120 ms, which counts as up');
  const mute = await agent(t, () => undefined);
  assert.equal(await inWords(mute.port), 'up: connected, but no answer in 120 ms, which counts as up');
  const down = await agent(t, (socket) => socket.end('down\n'));
  assert.equal(await inWords(down.port), 'down: answered "down"');
  const half = await agent(t, (socket) => socket.write('up'));
  assert.equal(await inWords(half.port), 'down: answered "up", but no end of the line in 120 ms');
});

test('a source that is not on this machine is our own fault, whatever silence counts as', async () => {
  const prober = createAgentProber(agentCheck({ absent: 'up' }), targetOf(await closedPort(), '192.0.2.77'));
  assert.equal((await prober.run()).outcome, 'local-error');
  prober.close();
});

test('the connection has a limit of its own', async (t) => {
  const { reason } = await probe(await silentPort(t), { connectTimeout: milliseconds(50) });
  assert.equal(reason, 'no connection in 50 ms');
});

test('closing settles a probe under way at once, and not as a failure', async (t) => {
  const server = await agent(t, () => undefined);
  const prober = createAgentProber(agentCheck({ timeout: milliseconds(60_000) }), targetOf(server.port));
  const running = prober.run();
  await until(() => server.open() === 1, 'a connection');
  prober.close();
  assert.equal((await running).outcome, 'local-error');
  await until(() => server.open() === 0, 'the connection is gone');
});

test('thousands of probes leave nothing open', async (t) => {
  const server = await agent(t, (socket) => socket.end('up\n'));
  const prober = createAgentProber(agentCheck(), targetOf(server.port));
  const handles = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  await prober.run();
  const before = handles();
  for (let i = 0; i < 2000; i++) assert.equal((await prober.run()).outcome, 'up');
  await until(() => server.open() === 0, 'every connection is gone');
  assert.equal(handles(), before);
  prober.close();
});
