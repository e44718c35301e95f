/** What the http check does with connections: several paths on one, one kept between probes; and the weight that answers bear. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { createHttpProber } from '../../../src/checkers/http/probe.ts';
import type { HttpCheckConfig } from '../../../src/config/config.ts';
import { httpCheck, SHORT, serve, targetOf, until } from './loopback.ts';

type Answer = (path: string, socket: net.Socket, request: string) => void;

/** Answers every request of every connection; `asked` has the path of each, with the number of its connection before it. */
async function serveHttp(t: TestContext, answer: Answer, secure?: tls.TlsOptions) {
  const asked: string[] = [];
  let connections = 0;
  const listener = (socket: net.Socket): void => {
    const number = ++connections;
    socket.on('data', (bytes) => {
      const path = /^\S+ (\S+)/.exec(String(bytes))?.[1] ?? '';
      asked.push(`${number} ${path}`);
      answer(path, socket, String(bytes));
    });
  };
  const server = secure ? tls.createServer(secure, listener) : net.createServer(listener);
  return { ...(await serve(t, server, secure ? 'secureConnection' : 'connection')), asked };
}
const respond =
  (head: string, body = 'ok'): Answer =>
  (_path, socket) => {
    socket.write(`HTTP/1.1 ${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
const ok = respond('200 OK');

async function once(port: number, changes: Partial<HttpCheckConfig>) {
  const prober = createHttpProber(httpCheck(changes), targetOf(port));
  const { took: _took, ...result } = await prober.run();
  prober.close();
  return result;
}

test('several paths are asked in order on one connection, which ends with the last', async (t) => {
  const requests: string[] = [];
  const { port, asked, open } = await serveHttp(t, (path, socket, request) => {
    requests.push(request);
    ok(path, socket, request);
  });
  assert.deepEqual(await once(port, { paths: ['/a', '/b', '/c'] }), {
    outcome: 'up',
    reason: '3 paths, the last: HTTP 200 OK',
  });
  assert.deepEqual(asked, ['1 /a', '1 /b', '1 /c']);
  assert.deepEqual(
    requests.map((request) => /connection: close/i.test(request)),
    [false, false, true],
  );
  await until(() => open() === 0, 'the connection ended');
});

test('the first path that is not answered as expected is named, and none is asked after it', async (t) => {
  const { port, asked } = await serveHttp(t, (path, ...rest) =>
    path === '/b' ? respond('503 Busy')(path, ...rest) : ok(path, ...rest),
  );
  assert.deepEqual(await once(port, { paths: ['/a', '/b', '/c'] }), {
    outcome: 'down',
    reason: '/b: HTTP 503 Busy, expected 200-299',
  });
  assert.deepEqual(asked, ['1 /a', '1 /b']);
});

test('a path that is not answered in time is named', async (t) => {
  const { port } = await serveHttp(t, (path, ...rest) => path === '/a' && ok(path, ...rest));
  assert.deepEqual(await once(port, { paths: ['/a', '/b'], timeout: SHORT }), {
    outcome: 'down',
    reason: '/b: connected, but no answer in 120 ms',
  });
});

test('a server that ends its connections after an answer is asked the next path on a new one', async (t) => {
  const announced = await serveHttp(t, respond('200 OK\r\nconnection: close'));
  assert.equal((await once(announced.port, { paths: ['/a', '/b'] })).outcome, 'up');
  assert.deepEqual(announced.asked, ['1 /a', '2 /b']);
  const unannounced = await serveHttp(t, (path, socket, request) => {
    ok(path, socket, request);
    socket.end();
  });
  assert.equal((await once(unannounced.port, { paths: ['/a', '/b'] })).outcome, 'up');
  assert.equal(unannounced.asked.at(-1), '2 /b');
  const resets = await serveHttp(t, (path, ...rest) => {
    if (path === '/b' && resets.asked.length === 2) rest[0].resetAndDestroy();
    else ok(path, ...rest);
  });
  assert.equal((await once(resets.port, { paths: ['/a', '/b'] })).outcome, 'up');
  assert.deepEqual(resets.asked, ['1 /a', '1 /b', '2 /b']);
});

test('a path after one whose body was cut is asked on a new connection', async (t) => {
  const { port, asked } = await serveHttp(t, respond('200 OK', 'x'.repeat(100)));
  assert.equal((await once(port, { paths: ['/a', '/b'], maxBody: 10 })).outcome, 'up');
  assert.deepEqual(asked, ['1 /a', '2 /b']);
});

for (const secure of [false, true])
  test(`keep_alive: one connection for all probes, ${secure ? 'over TLS' : 'plain'}, ended by closing the check`, async (t) => {
    const pem = readFileSync(new URL('fixtures/good.pem', import.meta.url));
    const { port, asked, open } = await serveHttp(t, ok, secure ? { cert: pem, key: pem } : undefined);
    const check = httpCheck({ keepAlive: true, ...(secure ? { type: 'https', verify: false } : {}) });
    const prober = createHttpProber(check, targetOf(port));
    for (let i = 0; i < 3; i++) {
      const result = await prober.run();
      assert.equal(result.reason, 'HTTP 200 OK');
      assert.equal('certificateExpires' in result, secure);
    }
    assert.deepEqual(asked, ['1 /healthz', '1 /healthz', '1 /healthz']);
    assert.equal(open(), 1);
    prober.close();
    await until(() => open() === 0, 'the connection ended');
  });

test('keep_alive: a connection that the server closed while idle is opened again, and nothing is said of it', async (t) => {
  const sockets: net.Socket[] = [];
  const { port, asked, open } = await serveHttp(t, (path, socket, request) => {
    sockets.push(socket);
    ok(path, socket, request);
  });
  const prober = createHttpProber(httpCheck({ keepAlive: true }), targetOf(port));
  assert.equal((await prober.run()).outcome, 'up');
  sockets[0]?.end();
  await until(() => open() === 0, 'the connection ended');
  assert.equal((await prober.run()).outcome, 'up');
  sockets[1]?.resetAndDestroy();
  await until(() => open() === 0, 'the connection ended');
  assert.equal((await prober.run()).outcome, 'up');
  assert.deepEqual(asked, ['1 /healthz', '2 /healthz', '3 /healthz']);
  prober.close();
});

test('keep_alive: a connection that the server closes as it is asked is opened again, once', async (t) => {
  let rough = 0;
  const { port, asked } = await serveHttp(t, (path, socket, request) => {
    if (rough-- > 0) socket.resetAndDestroy();
    else ok(path, socket, request);
  });
  const prober = createHttpProber(httpCheck({ keepAlive: true }), targetOf(port));
  assert.equal((await prober.run()).outcome, 'up');
  rough = 1;
  assert.equal((await prober.run()).outcome, 'up');
  assert.equal(asked.length, 3);
  rough = 2;
  const { outcome, reason } = await prober.run();
  assert.deepEqual({ outcome, reason }, { outcome: 'down', reason: 'connection reset before an answer' });
  assert.equal(asked.length, 5);
  prober.close();
});

test('keep_alive: what the server sends unasked, and an answer cut short, end the connection', async (t) => {
  const noise = await serveHttp(t, respond('200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK'));
  const extra = await serveHttp(t, (_path, socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nokay'));
  const long = await serveHttp(t, respond('200 OK', 'x'.repeat(100)));
  for (const [{ port, asked }, changes] of [
    [noise, { status: [{ from: 100, to: 599 }] }],
    [extra, {}],
    [long, { maxBody: 10 }],
  ] as const) {
    const prober = createHttpProber(httpCheck({ keepAlive: true, ...changes }), targetOf(port));
    await prober.run();
    await prober.run();
    assert.deepEqual(asked, ['1 /healthz', '2 /healthz']);
    prober.close();
  }
});

test('keep_alive: what comes between two probes ends the connection', async (t) => {
  let noisy = true;
  const { port, asked } = await serveHttp(t, (path, socket, request) => {
    ok(path, socket, request);
    if (noisy) setTimeout(() => socket.write('HTTP/1.1 408 Too Late\r\ncontent-length: 0\r\n\r\n'), 10);
    noisy = false;
  });
  const prober = createHttpProber(httpCheck({ keepAlive: true }), targetOf(port));
  await prober.run();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal((await prober.run()).outcome, 'up');
  assert.deepEqual(asked, ['1 /healthz', '2 /healthz']);
  prober.close();
});

test('keep_alive: an answer that has begun when the connection ends is a failure, and is not asked for again', async (t) => {
  const { port, asked } = await serveHttp(t, (path, socket, request) => {
    if (asked.length === 1) ok(path, socket, request);
    else socket.end('HTTP/1.1 2');
  });
  const prober = createHttpProber(httpCheck({ keepAlive: true }), targetOf(port));
  await prober.run();
  const { outcome, reason } = await prober.run();
  assert.deepEqual({ outcome, reason }, { outcome: 'down', reason: 'connection closed before an answer' });
  assert.equal(asked.length, 2);
  prober.close();
});

test('keep_alive: a failure ends the connection, and the next probe opens one', async (t) => {
  const { port, asked, open } = await serveHttp(t, (path, ...rest) =>
    (asked.length === 2 ? respond('500 Ill') : ok)(path, ...rest),
  );
  const prober = createHttpProber(httpCheck({ keepAlive: true }), targetOf(port));
  for (const outcome of ['up', 'down', 'up']) assert.equal((await prober.run()).outcome, outcome);
  assert.deepEqual(asked, ['1 /healthz', '1 /healthz', '2 /healthz']);
  assert.equal(open(), 1);
  prober.close();
});

const X = 'X-Weight';
/** What the answer says of the weight, where it is looked for, and what becomes of it. */
const weights: readonly {
  readonly header?: string;
  readonly body?: string;
  readonly check: Partial<HttpCheckConfig>;
  readonly weight?: { weight: number } | { percent: number };
  readonly said: string;
}[] = [
  { header: '50', check: { weightHeader: X }, weight: { weight: 50 }, said: ', weight 50' },
  { header: '0', check: { weightHeader: X }, weight: { weight: 0 }, said: ', weight 0' },
  { header: '65535', check: { weightHeader: X }, weight: { weight: 65535 }, said: ', weight 65535' },
  { header: '65536', check: { weightHeader: X }, said: ', no weight: X-Weight is "65536"' },
  { header: '75%', check: { weightHeader: X }, weight: { percent: 75 }, said: ', weight 75%' },
  { header: '10000%', check: { weightHeader: X }, weight: { percent: 10000 }, said: ', weight 10000%' },
  { header: '10001%', check: { weightHeader: X }, said: ', no weight: X-Weight is "10001%"' },
  { header: '-1', check: { weightHeader: X }, said: ', no weight: X-Weight is "-1"' },
  { header: '1.5', check: { weightHeader: X }, said: ', no weight: X-Weight is "1.5"' },
  { check: { weightHeader: X }, said: ', no weight: no X-Weight' },
  { body: '{"w":7}', check: { weightJson: '/w' }, weight: { weight: 7 }, said: ', weight 7' },
  { body: '{"w":"30%"}', check: { weightJson: '/w' }, weight: { percent: 30 }, said: ', weight 30%' },
  { body: '{"w":7.5}', check: { weightJson: '/w' }, said: ', no weight: JSON at /w is "7.5"' },
  { body: '{"w":null}', check: { weightJson: '/w' }, said: ', no weight: JSON at /w is "null"' },
  { body: '{}', check: { weightJson: '/w' }, said: ', no weight: no JSON at /w' },
  { body: 'ok', check: { weightJson: '/w' }, said: ', no weight: body is not JSON (it begins: ok)' },
  {
    body: '{"w":7,"ok":true}',
    check: { weightJson: '/w', json: { '/ok': true } },
    weight: { weight: 7 },
    said: ', JSON as expected, weight 7',
  },
];
for (const { header, body, check, weight, said } of weights)
  test(`a weight of ${header ?? body ?? 'nothing'}: HTTP 200 OK${said}`, async (t) => {
    const { port } = await serveHttp(
      t,
      respond(`200 OK${header === undefined ? '' : `\r\nx-weight: ${header}`}`, body),
    );
    assert.deepEqual(await once(port, check), {
      outcome: 'up',
      reason: `HTTP 200 OK${said}`,
      ...(weight ? { advice: { weight } } : {}),
    });
  });

test('of several paths the last that bears a weight counts', async (t) => {
  const { port } = await serveHttp(t, (path, ...rest) =>
    respond(path > '/b' ? '200 OK' : `200 OK\r\nx-weight: ${path === '/a' ? 1 : 2}`)(path, ...rest),
  );
  const { advice } = await once(port, { paths: ['/a', '/b', '/c', '/d'], weightHeader: X });
  assert.deepEqual(advice, { weight: { weight: 2 } });
});

test('thousands of probes leave nothing open, kept connections or not', async (t) => {
  const { port, open } = await serveHttp(t, ok);
  const handles = (): number => process.getActiveResourcesInfo().length;
  const before = handles();
  for (const keepAlive of [false, true]) {
    const probers = Array.from({ length: 20 }, () => createHttpProber(httpCheck({ keepAlive }), targetOf(port)));
    for (let i = 0; i < 100; i++)
      for (const { outcome } of await Promise.all(probers.map((prober) => prober.run()))) assert.equal(outcome, 'up');
    for (const prober of probers) prober.close();
    await until(() => open() === 0, 'every connection ended');
  }
  await until(() => handles() <= before, 'every socket and timer gone');
});
