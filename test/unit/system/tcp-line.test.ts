import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { courseTo } from '../../../src/system/course.ts';
import { type Line, MOST_SAID, openLine } from '../../../src/system/tcp-line.ts';
import type { TcpOptions } from '../../../src/system/tcp-socket.ts';
import { closedPort, serve, silentPort, until } from '../checkers/loopback.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A line, and all that it was told. `connected` is called when it is. */
function open(port: number, connected: (line: Line) => void = () => undefined, options: TcpOptions = {}) {
  const told: string[] = [];
  let bytes = '';
  const opened = openLine(courseTo({ address: ip('127.0.0.1'), port }, options), {
    connected() {
      told.push('connected');
      if (opened.ok) connected(opened.value);
    },
    heard(piece) {
      bytes += piece.toString('latin1');
    },
    ended: () => told.push('ended'),
    failed: ({ code }) => told.push(code),
  });
  return { opened, told, bytes: () => bytes, end: () => opened.ok && opened.value.end() };
}
const answering = (t: TestContext, answer: (socket: net.Socket, asked: string) => void) =>
  serve(
    t,
    net.createServer((socket) => socket.on('data', (bytes) => answer(socket, bytes.toString('latin1')))),
  );

test('what is said arrives, what is answered is heard, and the end is told once', async (t) => {
  const { port, open: count } = await answering(t, (socket, asked) => socket.end(Buffer.from(`${asked}!`, 'latin1')));
  const line = open(port, ({ say }) => say('é?'));
  assert.deepEqual(line.told, [], 'nothing before the next turn');
  await until(() => line.told.includes('ended'), 'the end');
  assert.deepEqual(line.told, ['connected', 'ended']);
  assert.equal(line.bytes(), 'é?!');
  await until(() => count() === 0, 'the connection ended');
});

test('as much as may be said at once is taken whole, and an answer of any length is heard', async (t) => {
  let heard = 0;
  const { port } = await answering(t, (socket, asked) => {
    heard += asked.length;
    if (heard === MOST_SAID) socket.end('y'.repeat(1_000_000));
  });
  const line = open(port, ({ say }) => say('x'.repeat(MOST_SAID)));
  await until(() => line.told.includes('ended'), 'the end');
  assert.equal(line.bytes().length, 1_000_000);
});

test('a conversation goes on over one line until it is ended, with a reset', async (t) => {
  const ends: string[] = [];
  const { port, accepted } = await answering(t, (socket, asked) => {
    if (socket.listenerCount('error') < 3)
      socket.on('error', (error) => ends.push('code' in error ? String(error.code) : error.message));
    socket.write(asked);
  });
  const line = open(port, ({ say }) => say('1'));
  for (const said of ['1', '12', '123']) {
    await until(() => line.bytes() === said, `an answer: ${said}`);
    if (line.opened.ok && said.length < 3) line.opened.value.say(String(said.length + 1));
  }
  line.end();
  line.end();
  if (line.opened.ok) line.opened.value.say('4');
  await until(() => ends.length > 0, 'the reset');
  assert.ok(ends.every((end) => end === 'ECONNRESET'));
  assert.equal(accepted(), 1);
  assert.deepEqual(line.told, ['connected']);
});

test('why there is no connection, or no longer', async (t) => {
  const refused = open(await closedPort());
  const resets = await answering(t, (socket) => socket.resetAndDestroy());
  const reset = open(resets.port, ({ say }) => say('?'));
  await until(() => refused.told.length === 1 && reset.told.length === 2, 'both');
  assert.deepEqual(refused.told, ['ECONNREFUSED']);
  assert.deepEqual(reset.told, ['connected', 'ECONNRESET']);
  const strange = open(1, undefined, { source: ip('192.0.2.77') });
  assert.equal(strange.opened.ok ? 'opened' : strange.opened.error.code, 'EADDRNOTAVAIL');
});

test('after its end nobody is told anything, in whatever phase that was', async (t) => {
  const silent = open(await silentPort(t));
  const talks = await answering(t, (socket) => socket.end('answer'));
  const asked = open(talks.port, (line) => {
    line.say('?');
    line.end();
  });
  silent.end();
  const other = open(talks.port, ({ say }) => say('?'));
  await until(() => other.told.includes('ended'), 'the end of another');
  assert.deepEqual([silent.told, asked.told, asked.bytes()], [[], ['connected'], '']);
});

test('thousands of lines, many at once, leave no descriptor', async (t) => {
  const { port, open: count } = await answering(t, (socket, asked) => socket.write(asked));
  const first = open(port, ({ say }) => say('?'));
  await until(() => first.bytes() === '?', 'an answer');
  first.end();
  await until(() => count() === 0, 'the connection ended');
  const before = descriptors();
  for (let round = 0; round < 10; round++) {
    const lines = Array.from({ length: 300 }, () => open(port, ({ say }) => say('?')));
    await until(() => lines.every((line) => line.bytes() === '?'), 'every answer');
    for (const { end } of lines) end();
    await until(() => count() === 0, 'every connection ended');
  }
  await until(() => descriptors() <= before, 'every descriptor closed');
});
