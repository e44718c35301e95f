/** The http and https checks over HTTP/2. */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import v8 from 'node:v8';
import { createHttpProber } from '../../../src/checkers/http/probe.ts';
import type { HttpCheckConfig } from '../../../src/config/config.ts';
import { httpCheck, onRequest, SHORT, serve, targetOf, until } from './loopback.ts';

// As the checker process is started; without it no pattern is matched at all.
v8.setFlagsFromString('--enable-experimental-regexp-engine');

type Headers = http2.IncomingHttpHeaders;
type Answer = (stream: http2.ServerHttp2Stream, headers: Headers) => void;
const pem = readFileSync(new URL('fixtures/good.pem', import.meta.url));

/** Answers each request; `asked` has the path of each, with the number of its connection before it. */
async function serveHttp2(t: TestContext, answer: Answer, secure = false) {
  const asked: string[] = [];
  const sessions: http2.ServerHttp2Session[] = [];
  const server = secure ? http2.createSecureServer({ cert: pem, key: pem }) : http2.createServer();
  server.on('session', (session) => {
    const number = sessions.push(session);
    session.on('error', () => undefined);
    session.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      asked.push(`${number} ${headers[':path']}`);
      answer(stream, headers);
    });
  });
  server.on('sessionError', () => undefined);
  return { ...(await serve(t, server as unknown as net.Server)), asked, sessions };
}
const respond =
  (status: number, body = 'ok', more: http2.OutgoingHttpHeaders = {}): Answer =>
  (stream) => {
    stream.respond({ ':status': status, ...more });
    stream.end(body);
  };

async function probeOnce(port: number, changes: Partial<HttpCheckConfig> = {}) {
  const prober = createHttpProber(httpCheck({ version: '2', ...changes }), targetOf(port));
  const { outcome, reason } = await prober.run();
  prober.close();
  return { outcome, reason };
}

/** What Node takes for a wish to cancel; only its own kind of error will do. */
const ABORT: Error = await once(new EventEmitter(), 'x', { signal: AbortSignal.abort() }).catch((error) => error);

/** What a server does with a request, and what the check is to make of it. */
const cases: readonly {
  readonly server: string;
  readonly does: Answer;
  readonly check?: Partial<HttpCheckConfig>;
  readonly outcome: 'up' | 'down';
  readonly reason: string;
}[] = [
  { server: 'answers 200', does: respond(200), outcome: 'up', reason: 'HTTP 200' },
  { server: 'answers 503', does: respond(503), outcome: 'down', reason: 'HTTP 503, expected 200-299' },
  {
    server: 'answers with a body',
    does: respond(200, 'a fine day'),
    check: { body: /fine/ },
    outcome: 'up',
    reason: 'HTTP 200, body matches',
  },
  {
    server: 'answers with a body that goes on beyond what is read',
    does: (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('x'.repeat(100));
    },
    check: { body: /^x+$/, maxBody: 50 },
    outcome: 'up',
    reason: 'HTTP 200, body matches',
  },
  {
    server: 'has its weight in a header',
    does: respond(200, 'ok', { 'x-weight': '20' }),
    check: { weightHeader: 'X-Weight' },
    outcome: 'up',
    reason: 'HTTP 200, weight 20',
  },
  {
    server: 'sends early hints before its answer',
    does: (stream, headers) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      respond(200)(stream, headers);
    },
    outcome: 'up',
    reason: 'HTTP 200',
  },
  {
    server: 'sends trailers after its body',
    does: (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ x: 'y' }));
      stream.end('ok');
    },
    check: { body: /^ok$/ },
    outcome: 'up',
    reason: 'HTTP 200, body matches',
  },
  {
    server: 'never answers',
    does: () => undefined,
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'connected, but no answer in 120 ms',
  },
  {
    server: 'never ends its body',
    does: (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('x');
    },
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'HTTP 200, but no end of body in 120 ms',
  },
  {
    server: 'refuses the stream',
    does: (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
    outcome: 'down',
    reason: 'request refused (REFUSED_STREAM) before an answer',
  },
  {
    server: 'resets the stream in the body',
    does: (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('x');
      setImmediate(() => stream.destroy(new Error('out of order')));
    },
    outcome: 'down',
    reason: 'the server reset the stream: INTERNAL_ERROR',
  },
  {
    server: 'cancels the stream in the body',
    does: (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('x');
      setImmediate(() => stream.destroy(ABORT));
    },
    outcome: 'down',
    reason: 'the server reset the stream: CANCEL',
  },
  {
    server: 'ends the session with an error',
    does: (stream) => stream.session?.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM),
    outcome: 'down',
    reason: 'the server ended the session: ENHANCE_YOUR_CALM',
  },
  {
    server: 'closes the connection',
    does: (stream) => stream.session?.socket.destroy(),
    outcome: 'down',
    reason: 'connection closed before an answer',
  },
];
for (const { server, does, check, outcome, reason } of cases)
  for (const secure of [false, true])
    test(`a server that ${server}, ${secure ? 'over TLS' : 'h2c'}: ${reason}`, async (t) => {
      const { port, open, accepted } = await serveHttp2(t, does, secure);
      const prober = createHttpProber(
        httpCheck({ version: '2', ...(secure ? { type: 'https', verify: false } : {}), ...check }),
        targetOf(port),
      );
      for (const round of [1, 2]) {
        const result = await prober.run();
        assert.deepEqual({ outcome: result.outcome, reason: result.reason }, { outcome, reason });
        await until(() => accepted() === round && open() === 0, 'one connection a probe, and none left open');
      }
      prober.close();
    });

test('the request is what the check says', async (t) => {
  let seen: Headers = {};
  let body = '';
  const { port } = await serveHttp2(t, (stream, headers) => {
    seen = headers;
    stream.on('data', (bytes) => {
      body += bytes;
    });
    stream.on('end', () => respond(200)(stream, headers));
  });
  const said = {
    method: 'PUT',
    host: 'shop.example.test',
    requestBody: 'é',
    headers: { 'X-A': 'b', accept: 'text/plain' },
  };
  assert.equal((await probeOnce(port, { ...said, paths: ['/x?y'] })).outcome, 'up');
  assert.equal(body, 'é');
  assert.deepEqual(Object.fromEntries(Object.entries(seen)), {
    ...{ ':method': 'PUT', ':path': '/x?y', ':scheme': 'http', ':authority': 'shop.example.test' },
    ...{ 'user-agent': 'lvskeeper', 'x-a': 'b', accept: 'text/plain', 'content-length': '2' },
  });
});

test('a server that speaks HTTP/1.1 alone is down, with words for it', async (t) => {
  const plain = await serve(
    t,
    http.createServer((_request, response) => response.end('ok')),
  );
  const { outcome, reason } = await probeOnce(plain.port);
  assert.equal(outcome, 'down');
  assert.match(reason, /^(not HTTP\/2: |connection closed before an answer)/);
  for (const ALPNProtocols of [[], ['http/1.1']]) {
    const secure = await serve(t, tls.createServer({ cert: pem, key: pem, ALPNProtocols }), 'secureConnection');
    const refused = await probeOnce(secure.port, { type: 'https', verify: false });
    assert.equal(refused.outcome, 'down');
    assert.equal(refused.reason, 'TLS: the server does not offer HTTP/2');
  }
});

test('a server that closes, resets, stalls or talks nonsense is down', async (t) => {
  for (const [does, reason] of [
    [(socket: net.Socket) => socket.end(), 'connection closed before an answer'],
    [(socket: net.Socket) => socket.resetAndDestroy(), 'connection reset before an answer'],
    [() => undefined, 'connected, but no answer in 120 ms'],
  ] as const) {
    const { port, open } = await onRequest(t, does);
    assert.deepEqual(await probeOnce(port, { timeout: SHORT }), { outcome: 'down', reason });
    await until(() => open() === 0, 'the connection ended');
  }
  const nonsense = await onRequest(t, (socket) => socket.write('220 mail.example.test ESMTP\r\n'.repeat(10)));
  const { outcome, reason } = await probeOnce(nonsense.port);
  assert.equal(outcome, 'down');
  assert.match(reason, /^not HTTP\/2: /);
});

test('several paths are asked on one connection', async (t) => {
  const { port, asked } = await serveHttp2(t, (stream, headers) =>
    respond(headers[':path'] === '/c' ? 404 : 200)(stream, headers),
  );
  assert.deepEqual(await probeOnce(port, { paths: ['/a', '/b', '/c'] }), {
    outcome: 'down',
    reason: '/c: HTTP 404, expected 200-299',
  });
  assert.deepEqual(asked, ['1 /a', '1 /b', '1 /c']);
});

test('keep_alive: one connection for all probes; one that the server ended is opened again', async (t) => {
  const { port, asked, open, sessions } = await serveHttp2(t, respond(200));
  const prober = createHttpProber(httpCheck({ version: '2', keepAlive: true }), targetOf(port));
  for (let i = 0; i < 3; i++) assert.equal((await prober.run()).outcome, 'up');
  assert.equal(open(), 1);
  sessions[0]?.close();
  await until(() => open() === 0, 'the connection ended');
  assert.equal((await prober.run()).outcome, 'up');
  sessions[1]?.socket.destroy();
  assert.equal((await prober.run()).outcome, 'up');
  assert.deepEqual(asked, ['1 /healthz', '1 /healthz', '1 /healthz', '2 /healthz', '3 /healthz']);
  prober.close();
  await until(() => open() === 0, 'the connection ended');
});

test('closing settles a probe under way at once', async (t) => {
  const { port, open, asked } = await serveHttp2(t, () => undefined);
  const prober = createHttpProber(httpCheck({ version: '2' }), targetOf(port));
  const running = prober.run();
  await until(() => asked.length === 1, 'a request');
  prober.close();
  assert.equal((await running).outcome, 'local-error');
  await until(() => open() === 0, 'the connection ended');
});

test('a thousand probes leave nothing open', async (t) => {
  const { port, open } = await serveHttp2(t, respond(200));
  const handles = (): number => process.getActiveResourcesInfo().length;
  const before = handles();
  for (const keepAlive of [false, true]) {
    const check = httpCheck({ version: '2', keepAlive });
    const probers = Array.from({ length: 20 }, () => createHttpProber(check, targetOf(port)));
    for (let i = 0; i < 25; i++)
      for (const { outcome } of await Promise.all(probers.map((prober) => prober.run()))) assert.equal(outcome, 'up');
    for (const prober of probers) prober.close();
    await until(() => open() === 0, 'every connection ended');
  }
  await until(() => handles() <= before, 'every socket and timer gone');
});
