import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { fromHex } from '../../../src/base/bytes.ts';
import { createGrpcProber } from '../../../src/checkers/grpc/probe.ts';
import type { GrpcCheckConfig } from '../../../src/config/config.ts';
import { closedPort, defaults, onRequest, SHORT, serve, silentPort, targetOf, until } from './loopback.ts';

const pem = readFileSync(new URL('fixtures/good.pem', import.meta.url));
const grpcCheck = (changes: Partial<GrpcCheckConfig>): GrpcCheckConfig => ({ ...defaults('grpc'), ...changes });

type Seen = { headers: http2.IncomingHttpHeaders; body: string };
type Answer = (stream: http2.ServerHttp2Stream) => void;

async function serveGrpc(t: TestContext, answer: Answer, secure = false) {
  const seen: Seen[] = [];
  const server = secure ? http2.createSecureServer({ cert: pem, key: pem }) : http2.createServer();
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => chunks.push(bytes));
    stream.on('end', () => {
      seen.push({ headers, body: Buffer.concat(chunks).toString('hex') });
      answer(stream);
    });
  });
  return { ...(await serve(t, server as unknown as net.Server)), seen };
}

const GRPC = { ':status': 200, 'content-type': 'application/grpc' };
/** A message, in hexadecimal, and trailers after it. */
const respond =
  (message: string, trailers: http2.OutgoingHttpHeaders = { 'grpc-status': '0' }, head = GRPC): Answer =>
  (stream) => {
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(fromHex(message));
  };
/** Trailers alone, in the head. */
const refuse =
  (status: string, message?: string): Answer =>
  (stream) =>
    stream.respond(
      { ...GRPC, 'grpc-status': status, ...(message === undefined ? {} : { 'grpc-message': message }) },
      { endStream: true },
    );
const SERVING = '00 00000002 0801';

async function once(port: number, changes: Partial<GrpcCheckConfig> = {}) {
  const prober = createGrpcProber(grpcCheck(changes), targetOf(port));
  const { outcome, reason } = await prober.run();
  prober.close();
  return { outcome, reason };
}

/** What a server answers, and what the check is to make of it. */
const cases: readonly {
  readonly server: string;
  readonly does: Answer;
  readonly check?: Partial<GrpcCheckConfig>;
  readonly outcome: 'up' | 'down';
  readonly reason: string;
}[] = [
  { server: 'serves', does: respond(SERVING), outcome: 'up', reason: 'the server is SERVING' },
  {
    server: 'serves the service',
    does: respond(SERVING),
    check: { service: 'shop.v1.Cart' },
    outcome: 'up',
    reason: 'service "shop.v1.Cart" is SERVING',
  },
  {
    server: 'does not serve',
    does: respond('00 00000002 0802'),
    outcome: 'down',
    reason: 'the server is NOT_SERVING',
  },
  {
    server: 'does not know',
    does: respond('00 00000000'),
    outcome: 'down',
    reason: 'the server is UNKNOWN',
  },
  {
    server: 'tells of an unknown service as a watcher would be told',
    does: respond('00 00000002 0803'),
    check: { service: 'x' },
    outcome: 'down',
    reason: 'service "x" is SERVICE_UNKNOWN',
  },
  {
    server: 'is in a state that nobody knows',
    does: respond('00 00000002 0809'),
    outcome: 'down',
    reason: 'the server is in state 9, which there is not in grpc.health.v1',
  },
  {
    server: 'does not know the service',
    does: refuse('5', 'unknown service'),
    check: { service: 'x' },
    outcome: 'down',
    reason: 'the server does not know service "x" (grpc-status 5, NOT_FOUND)',
  },
  {
    server: 'has no health service',
    does: refuse('12'),
    outcome: 'down',
    reason: 'the server has no health service (grpc-status 12, UNIMPLEMENTED)',
  },
  {
    server: 'fails, with a message in percent-encoding',
    does: refuse('14', 'not%20yet%0A'),
    outcome: 'down',
    reason: 'grpc-status 14, UNAVAILABLE: not yet',
  },
  {
    server: 'fails with a message that cannot be decoded',
    does: refuse('2', '%zz'),
    outcome: 'down',
    reason: 'grpc-status 2, UNKNOWN: %zz',
  },
  { server: 'fails in an own way', does: refuse('99'), outcome: 'down', reason: 'grpc-status 99' },
  {
    server: 'fails without saying how',
    does: refuse(''),
    outcome: 'down',
    reason: 'grpc-status "", which is no number',
  },
  {
    server: 'says serving, and fails after it',
    does: respond(SERVING, { 'grpc-status': '13' }),
    outcome: 'down',
    reason: 'grpc-status 13, INTERNAL',
  },
  {
    server: 'says it is well and nothing else',
    does: refuse('0'),
    outcome: 'down',
    reason: 'the answer has no message',
  },
  {
    server: 'has no trailers',
    does: (stream) => {
      stream.respond(GRPC);
      stream.end(fromHex(SERVING));
    },
    outcome: 'down',
    reason: 'the answer has no grpc-status',
  },
  {
    server: 'answers half a message',
    does: respond('00 00000009 0801'),
    outcome: 'down',
    reason: 'the answer ends in the middle of a message',
  },
  {
    server: 'answers a compressed message',
    does: respond('01 00000002 0801'),
    outcome: 'down',
    reason: 'the answer is compressed, which was not asked for',
  },
  {
    server: 'answers something else',
    does: respond('00 00000003 0a0178'),
    outcome: 'down',
    reason: 'the answer is not a HealthCheckResponse',
  },
  {
    server: 'answers without end',
    does: respond('00'.repeat(5000)),
    outcome: 'down',
    reason: 'the answer is longer than 4096 bytes',
  },
  {
    server: 'is a proxy whose server is gone',
    does: (stream) => {
      stream.respond({ ':status': 502, 'content-type': 'text/html' });
      stream.end('bad gateway');
    },
    outcome: 'down',
    reason: 'HTTP 502, expected 200, as gRPC always answers',
  },
  {
    server: 'is a web server',
    does: (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('hello');
    },
    outcome: 'down',
    reason: 'content-type "text/html", expected application/grpc',
  },
  {
    server: 'has no content-type',
    does: (stream) => {
      stream.respond({ ':status': 200 });
      stream.end();
    },
    outcome: 'down',
    reason: 'no content-type, expected application/grpc',
  },
  {
    server: 'serves as application/grpc+proto',
    does: respond(SERVING, { 'grpc-status': '0' }, { ':status': 200, 'content-type': 'application/grpc+proto' }),
    outcome: 'up',
    reason: 'the server is SERVING',
  },
  {
    server: 'never answers',
    does: () => undefined,
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'connected, but no answer in 120 ms',
  },
  {
    server: 'begins and does not end',
    does: (stream) => {
      stream.respond(GRPC);
      stream.write(fromHex(SERVING));
    },
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'the answer has begun, but not ended in 120 ms',
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
      const { port, open, accepted } = await serveGrpc(t, does, secure);
      const prober = createGrpcProber(grpcCheck({ tls: secure, verify: false, ...check }), targetOf(port));
      for (const round of [1, 2]) {
        const result = await prober.run();
        assert.deepEqual({ outcome: result.outcome, reason: result.reason }, { outcome, reason });
        assert.equal(result.certificateExpires !== undefined, secure);
        await until(() => accepted() === round && open() === 0, 'one connection a probe, and none left open');
      }
      prober.close();
    });

test('the request is a call of Check with the name of the service', async (t) => {
  const { port, seen } = await serveGrpc(t, respond(SERVING));
  await once(port, { service: 'a.B', host: 'shop.example.test' });
  await once(port);
  assert.deepEqual(
    seen.map(({ body }) => body),
    ['00000000050a03612e42', '0000000000'],
  );
  assert.deepEqual(Object.fromEntries(Object.entries(seen[0]?.headers ?? {})), {
    ...{
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      ':scheme': 'http',
      ':authority': 'shop.example.test',
    },
    ...{ te: 'trailers', 'content-type': 'application/grpc', 'user-agent': 'lvskeeper', 'content-length': '10' },
  });
  assert.equal(seen[1]?.headers[':authority'], `127.0.0.1:${port}`);
});

test('over TLS the certificate is verified, for `host`', async (t) => {
  const { port } = await serveGrpc(t, respond(SERVING), true);
  const ca = new URL('fixtures/authority.pem', import.meta.url).pathname;
  assert.equal((await once(port, { tls: true, ca, host: 'www.example.test:443' })).outcome, 'up');
  const { outcome, reason } = await once(port, { tls: true, ca, host: 'shop.example.test' });
  assert.equal(outcome, 'down');
  assert.match(reason, /^TLS: certificate is not for shop\.example\.test/);
});

test('a server without HTTP/2 is down, with words for it', async (t) => {
  const plain = await serve(
    t,
    http.createServer((_request, response) => response.end('ok')),
  );
  assert.match((await once(plain.port)).reason, /^(not HTTP\/2: |connection closed before an answer)/);
  const secure = await serve(t, tls.createServer({ cert: pem, key: pem }), 'secureConnection');
  assert.deepEqual(await once(secure.port, { tls: true, verify: false }), {
    outcome: 'down',
    reason: 'TLS: the server does not offer HTTP/2',
  });
});

test('no connection, or one that ends at once', async (t) => {
  assert.equal((await once(await closedPort())).reason, 'connection refused');
  assert.equal((await once(await silentPort(t), { timeout: SHORT })).reason, 'no answer in 120 ms');
  const resets = await onRequest(t, (socket) => socket.resetAndDestroy());
  assert.equal((await once(resets.port)).reason, 'connection reset before an answer');
});

test('closing settles a probe under way at once', async (t) => {
  const { port, open, seen } = await serveGrpc(t, () => undefined);
  const prober = createGrpcProber(grpcCheck({}), targetOf(port));
  const running = prober.run();
  await until(() => seen.length === 1, 'a request');
  prober.close();
  assert.equal((await running).outcome, 'local-error');
  await until(() => open() === 0, 'the connection ended');
});

test('a thousand probes leave nothing open', async (t) => {
  const { port, open } = await serveGrpc(t, respond(SERVING));
  const handles = (): number => process.getActiveResourcesInfo().length;
  const before = handles();
  const probers = Array.from({ length: 20 }, () => createGrpcProber(grpcCheck({}), targetOf(port)));
  for (let i = 0; i < 50; i++)
    for (const { reason } of await Promise.all(probers.map((prober) => prober.run())))
      assert.equal(reason, 'the server is SERVING');
  await until(() => open() === 0 && handles() <= before, 'every connection, socket and timer gone');
});
