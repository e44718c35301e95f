/** Another director is asked by a real connection, and whatever answers there can be anything. */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { type Endpoint, ip } from '../../../src/base/address.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { metricsServer } from '../../../src/control/api.ts';
import { askVerdicts } from '../../../src/control/ask-verdicts.ts';
import { listenTcp } from '../../../src/control/listen.ts';
import { fakeDirector, logTo, VERDICTS } from './fake-director.ts';

const never = new AbortController().signal;
const BOUNDS = { within: milliseconds(300), mostBytes: 100_000 };
const LOOPBACK = ip('127.0.0.1');

/** Something that accepts connections; `answer` is called with the first bytes of each. */
async function serve(t: TestContext, answer: (socket: Socket, request: string) => void): Promise<Endpoint> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    socket.once('data', (data) => answer(socket, data.toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { address: LOOPBACK, port: (server.address() as AddressInfo).port };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const whole = (body: string, head = OK): string => `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Writes until the other side has enough of it. */
function pour(socket: Socket, chunk: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

test('a director is asked with GET /verdicts, and understood', async (t) => {
  let asked = '';
  const peer = await serve(t, (socket, request) => {
    asked = request;
    socket.end(whole(JSON.stringify(VERDICTS)));
  });
  assert.deepEqual(await askVerdicts(peer, never), { ok: true, value: VERDICTS });
  assert.match(asked, /^GET \/verdicts HTTP\/1\.1\r\n/);
  assert.match(asked, new RegExp(`\r\nhost: 127\\.0\\.0\\.1:${peer.port}\r\n`, 'i'));
});

test('the metrics listener of a director answers so, and says when its checks do not run', async (t) => {
  let verdicts: typeof VERDICTS | undefined = VERDICTS;
  const server = metricsServer(
    fakeDirector({ verdicts: async () => verdicts }),
    async () => ({ type: 'text/plain', text: '' }),
    logTo([]),
  );
  const listening = await listenTcp(server, { address: LOOPBACK, port: 0 });
  assert.ok(listening.ok);
  t.after(() => listening.value.close());
  const peer = { address: LOOPBACK, port: (server.address() as AddressInfo).port };
  assert.deepEqual(await askVerdicts(peer, never), { ok: true, value: VERDICTS });
  verdicts = undefined;
  assert.deepEqual(await askVerdicts(peer, never), { ok: false, error: 'HTTP 503: its checks do not run' });
});

const TEXT = JSON.stringify(VERDICTS);
const MISBEHAVES: readonly (readonly [what: string, answer: (socket: Socket) => void, error: string])[] = [
  ['is silent', () => {}, 'no answer in 300 ms'],
  ['stops in the head', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-'), 'no answer in 300 ms'],
  [
    'stops in the body',
    (socket) => socket.write(`${OK}content-length: 100\r\n\r\n${TEXT.slice(0, 50)}`),
    'no answer in 300 ms',
  ],
  ['says only that it goes on', (socket) => pour(socket, 'HTTP/1.1 102 Processing\r\n\r\n'), 'no answer in 300 ms'],
  [
    'ends in the body',
    (socket) => socket.end(`${OK}content-length: 1000\r\n\r\n${TEXT}`),
    'the connection broke in the middle of its answer',
  ],
  ['resets', (socket) => socket.resetAndDestroy(), 'connection reset'],
  [
    'never ends its body',
    (socket) => {
      socket.write(`${OK}\r\n`);
      pour(socket, 'x'.repeat(10_000));
    },
    'its answer has more than 100000 bytes',
  ],
  [
    'never ends its head',
    (socket) => {
      socket.write(OK);
      pour(socket, `x: ${'y'.repeat(1000)}\r\n`);
    },
    'what answers there is no HTTP',
  ],
  ['speaks something else', (socket) => socket.end('220 mail ESMTP\r\n'), 'what answers there is no HTTP'],
  [
    'redirects',
    (socket) => socket.end(whole('', 'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/verdicts\r\n')),
    'HTTP 302, a redirect to http://127.0.0.1:1/verdicts, which is not followed',
  ],
  ['fails', (socket) => socket.end(whole(TEXT, 'HTTP/1.1 500 Oops\r\n')), 'HTTP 500'],
  [
    'is older',
    (socket) => socket.end(whole('{}', 'HTTP/1.1 404 Not Found\r\n')),
    'HTTP 404: what answers there knows no verdicts',
  ],
  ['says no JSON', (socket) => socket.end(whole('<html>')), 'its answer is no JSON, or was cut short'],
  ['says JSON of another kind', (socket) => socket.end(whole('{"status":"success"}')), 'its answer has no director'],
];

for (const [what, answer, error] of MISBEHAVES)
  test(`one that ${what}: ${error}`, async (t) => {
    const peer = await serve(t, answer);
    assert.deepEqual(await askVerdicts(peer, never, BOUNDS), { ok: false, error });
  });

test('nobody listens', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await askVerdicts({ address: LOOPBACK, port }, never), { ok: false, error: 'connection refused' });
});

test('a question that nobody waits for any more is given up', async (t) => {
  const asked = Promise.withResolvers<void>();
  const peer = await serve(t, () => asked.resolve());
  const giveUp = new AbortController();
  const answer = askVerdicts(peer, giveUp.signal, { ...BOUNDS, within: seconds(600) });
  await asked.promise;
  giveUp.abort();
  assert.deepEqual(await answer, { ok: false, error: 'given up' });
  assert.deepEqual(await askVerdicts(peer, giveUp.signal), { ok: false, error: 'given up' }, 'before it began');
});

test('nothing is left of thousands of questions', async (t) => {
  let n = 0;
  const answers = MISBEHAVES.map(([, answer]) => answer);
  const peer = await serve(t, (socket) => answers[n++ % answers.length]?.(socket));
  const giveUp = new AbortController();
  const round = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 100 }, () => askVerdicts(peer, giveUp.signal, { ...BOUNDS, within: milliseconds(100) })),
    );
  await round();
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 20; i++) await round();
  // The far ends of the last are closed by the same process, a moment later.
  for (let i = 0; i < 200 && readdirSync('/proc/self/fd').length > before; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(readdirSync('/proc/self/fd').length <= before);
  assert.deepEqual(getEventListeners(giveUp.signal, 'abort'), []);
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  assert.ok(timers <= 2, `${timers} timers`);
});
