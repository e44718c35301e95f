import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import test from 'node:test';
import v8 from 'node:v8';
import fc from 'fast-check';
import { milliseconds } from '../../../src/base/time.ts';
import { planOf } from '../../../src/checkers/http/plan.ts';
import { createHttpProber } from '../../../src/checkers/http/probe.ts';
import type { ProbeResult } from '../../../src/checkers/probe.ts';
import type { HttpCheckConfig } from '../../../src/config/config.ts';
import { closedPort, httpCheck, onRequest, SHORT, serve, silentPort, targetOf, until } from './loopback.ts';

// As the checker process is started; without it no pattern is matched at all.
v8.setFlagsFromString('--enable-experimental-regexp-engine');

async function probe(port: number, changes: Partial<HttpCheckConfig> = {}, source?: string): Promise<ProbeResult> {
  const prober = createHttpProber(httpCheck(changes), targetOf(port, source ?? null));
  const result = await prober.run();
  prober.close();
  return result;
}

const answer = (text: string) => (socket: net.Socket) => socket.end(text.replaceAll('\n', '\r\n'));
const ok = 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok';

const says = (body: string) => answer(`HTTP/1.1 200 OK\ncontent-length: ${body.length}\n\n${body}`);

/** What a server does with the connection once the request has come, and what the check is to make of it. */
const cases: readonly {
  readonly server: string;
  readonly does: (socket: net.Socket) => void;
  readonly check?: Partial<HttpCheckConfig>;
  readonly outcome: 'up' | 'down';
  readonly reason: string | RegExp;
}[] = [
  { server: 'answers 200', does: answer(ok), outcome: 'up', reason: 'HTTP 200 OK' },
  {
    server: 'answers 200 without a reason phrase',
    does: answer('HTTP/1.1 200 \ncontent-length: 0\n\n'),
    outcome: 'up',
    reason: 'HTTP 200',
  },
  {
    server: 'speaks HTTP/1.0 and ends the body by closing',
    does: answer('HTTP/1.0 200 OK\n\nfine'),
    check: { body: /^fine$/ },
    outcome: 'up',
    reason: 'HTTP 200 OK, body matches',
  },
  {
    server: 'answers 503',
    does: answer('HTTP/1.1 503 Service Unavailable\ncontent-length: 0\n\n'),
    outcome: 'down',
    reason: 'HTTP 503 Service Unavailable, expected 200-299',
  },
  {
    server: 'answers 503 with a body that never ends',
    does: (socket) => socket.write('HTTP/1.1 503 Service Unavailable\r\n\r\nsorry'),
    outcome: 'down',
    reason: 'HTTP 503 Service Unavailable, expected 200-299',
  },
  {
    server: 'redirects, which is a status like any other',
    does: answer('HTTP/1.1 302 Found\nlocation: /login\ncontent-length: 0\n\n'),
    outcome: 'down',
    reason: 'HTTP 302 Found, expected 200-299',
  },
  {
    server: 'answers a status that is in the second of several ranges',
    does: answer('HTTP/1.1 401 Unauthorized\ncontent-length: 0\n\n'),
    check: {
      status: [
        { from: 200, to: 204 },
        { from: 401, to: 401 },
      ],
    },
    outcome: 'up',
    reason: 'HTTP 401 Unauthorized',
  },
  {
    server: 'answers a status that is in none of several ranges',
    does: answer('HTTP/1.1 404 Not Found\ncontent-length: 0\n\n'),
    check: {
      status: [
        { from: 200, to: 204 },
        { from: 401, to: 401 },
      ],
    },
    outcome: 'down',
    reason: 'HTTP 404 Not Found, expected 200-204, 401',
  },
  {
    server: 'sends a body that matches, in chunks that split a character',
    does: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([0xc3]), Buffer.from('\r\n')]));
      socket.end(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([0xa9]), Buffer.from('\r\n0\r\n\r\n')]));
    },
    check: { body: /^é$/ },
    outcome: 'up',
    reason: 'HTTP 200 OK, body matches',
  },
  {
    server: 'sends a body that does not match',
    does: answer('HTTP/1.1 200 OK\ncontent-length: 13\n\nout\tof order\u0007'),
    check: { body: /ok/ },
    outcome: 'down',
    reason: 'body does not match /ok/ (it begins: out of order)',
  },
  {
    server: 'sends a long body that does not match',
    does: answer(`HTTP/1.1 200 OK\ncontent-length: 100\n\n${'x'.repeat(100)}`),
    check: { body: /ok/ },
    outcome: 'down',
    reason: `body does not match /ok/ (it begins: ${'x'.repeat(60)}…)`,
  },
  {
    server: 'sends an empty body',
    does: answer('HTTP/1.1 204 No Content\n\n'),
    check: { body: /ok/ },
    outcome: 'down',
    reason: 'body does not match /ok/ (it is empty)',
  },
  {
    server: 'sends without end: the first 64 KiB decide',
    does: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nok');
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(16384, 'x')));
      };
      socket.on('drain', more);
      more();
    },
    check: { body: /^okx+$/ },
    outcome: 'up',
    reason: 'HTTP 200 OK, body matches',
  },
  {
    server: 'says what is looked for only after 64 KiB',
    does: answer(`HTTP/1.1 200 OK\n\n${'x'.repeat(65536)}ok`),
    check: { body: /ok/ },
    outcome: 'down',
    reason: /^body does not match \/ok\//,
  },
  {
    server: 'sends 102 and 103 before its answer',
    does: answer(`HTTP/1.1 102 Processing\n\nHTTP/1.1 103 Early Hints\nlink: </a>\n\n${ok}`),
    outcome: 'up',
    reason: 'HTTP 200 OK',
  },
  {
    server: 'sends 100 Continue that nobody asked for, which is passed over (RFC 9110, 15.2)',
    does: answer(`HTTP/1.1 100 Continue\n\n${ok}`),
    outcome: 'up',
    reason: 'HTTP 200 OK',
  },
  {
    server: 'switches protocols that nobody asked to switch',
    does: answer('HTTP/1.1 101 Switching Protocols\nupgrade: websocket\nconnection: upgrade\n\n'),
    outcome: 'down',
    reason: 'HTTP 101, a switch of protocols that was not asked for',
  },
  {
    server: 'never answers',
    does: () => undefined,
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'connected, but no answer in 120 ms',
  },
  {
    server: 'answers half a status line',
    does: (socket) => socket.write('HTTP/1.1 2'),
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'connected, but no answer in 120 ms',
  },
  {
    server: 'answers half a body',
    does: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'HTTP 200 OK, but no end of body in 120 ms',
  },
  {
    server: 'trickles its headers, one byte at a time',
    does: (socket) => {
      let i = 0;
      const text = `HTTP/1.1 200 OK\r\nx-slow: ${'x'.repeat(10_000)}`;
      const timer = setInterval(() => socket.write(text[i++] ?? ''), 5);
      socket.on('close', () => clearInterval(timer));
    },
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'connected, but no answer in 120 ms',
  },
  {
    server: 'trickles its body',
    does: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    },
    check: { timeout: SHORT },
    outcome: 'down',
    reason: 'HTTP 200 OK, but no end of body in 120 ms',
  },
  {
    server: 'closes without a word',
    does: (socket) => socket.end(),
    outcome: 'down',
    reason: 'connection closed before an answer',
  },
  {
    server: 'resets after accepting',
    does: (socket) => socket.resetAndDestroy(),
    outcome: 'down',
    reason: 'connection reset before an answer',
  },
  {
    server: 'closes in the middle of the headers',
    does: answer('HTTP/1.1 200 OK\ncontent-'),
    outcome: 'down',
    reason: 'connection closed before an answer',
  },
  {
    server: 'closes in the middle of a body of known length',
    does: answer('HTTP/1.1 200 OK\ncontent-length: 10\n\nhalf'),
    outcome: 'down',
    reason: 'connection closed in the middle of the body',
  },
  {
    server: 'closes in the middle of a chunk',
    does: answer('HTTP/1.1 200 OK\ntransfer-encoding: chunked\nconnection: close\n\n10\nhalf'),
    outcome: 'down',
    reason: 'connection closed in the middle of the body',
  },
  {
    server: 'sends garbage for a chunk length',
    does: answer('HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\nzz\nhalf\n0\n\n'),
    outcome: 'down',
    reason: 'not HTTP: chunk length "zz"',
  },
  {
    server: 'speaks another protocol',
    does: answer('220 mail.example.test ESMTP\n'),
    outcome: 'down',
    reason: 'not HTTP: it begins "220 mail.example.test ESMTP"',
  },
  {
    server: 'sends headers without end',
    does: answer(`HTTP/1.1 200 OK\n${'x-filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(2000)}`),
    outcome: 'down',
    reason: 'more than 64 KiB of headers',
  },
  {
    server: 'says what it must not say',
    does: says('maintenance until 6'),
    check: { bodyAbsent: /maintenance/ },
    outcome: 'down',
    reason: 'body matches /maintenance/, which it must not (it begins: maintenance until 6)',
  },
  {
    server: 'says what it must and not what it must not',
    does: says('ok'),
    check: { body: /ok/, bodyAbsent: /maintenance/ },
    outcome: 'up',
    reason: 'HTTP 200 OK, body matches',
  },
  {
    server: 'has the JSON values that are expected',
    does: says('{"state":"ok","a/b":{"~":[1,true,2.5]}}'),
    check: { json: { '/state': 'ok', '/a~1b/~0/0': 1, '/a~1b/~0/1': true, '/a~1b/~0/2': 2.5 } },
    outcome: 'up',
    reason: 'HTTP 200 OK, JSON as expected',
  },
  {
    server: 'has another JSON value',
    does: says('{"state":"degraded"}'),
    check: { json: { '/state': 'ok' } },
    outcome: 'down',
    reason: 'JSON has "degraded" at /state, expected "ok"',
  },
  {
    server: 'has a JSON value of another type',
    does: says('{"ready":"true"}'),
    check: { json: { '/ready': true } },
    outcome: 'down',
    reason: 'JSON has "true" at /ready, expected true',
  },
  {
    server: 'lacks a JSON value',
    does: says('{"state":{}}'),
    check: { json: { '/state/db': 'ok' } },
    outcome: 'down',
    reason: 'JSON has nothing at /state/db, expected "ok"',
  },
  {
    server: 'has another JSON value as the whole of its body',
    does: says('null'),
    check: { json: { '': 1 } },
    outcome: 'down',
    reason: 'JSON has null at the top, expected 1',
  },
  {
    server: 'answers no JSON where some is expected',
    does: says('<html>'),
    check: { json: { '/state': 'ok' } },
    outcome: 'down',
    reason: 'body is not JSON (it begins: <html>)',
  },
  {
    server: 'answers JSON of exactly max_body',
    does: says('{"a":1}'),
    check: { json: { '/a': 1 }, maxBody: 7 },
    outcome: 'up',
    reason: 'HTTP 200 OK, JSON as expected',
  },
  {
    server: 'answers JSON longer than max_body',
    does: says('{"a":1}'),
    check: { json: { '/a': 1 }, maxBody: 6 },
    outcome: 'down',
    reason: 'JSON body is longer than max_body, 6 bytes',
  },
  {
    server: 'says what is looked for only after max_body',
    does: says('123ok'),
    check: { body: /ok/, maxBody: 4 },
    outcome: 'down',
    reason: 'body does not match /ok/ (it begins: 123o)',
  },
];

for (const { server, does, check = {}, outcome, reason } of cases)
  test(`a server that ${server}: ${outcome}`, async (t) => {
    const { port, accepted, open } = await onRequest(t, does);
    const prober = createHttpProber(httpCheck(check), targetOf(port));
    for (const round of [1, 2]) {
      const result = await prober.run();
      if (typeof reason === 'string') assert.equal(result.reason, reason);
      else assert.match(result.reason, reason);
      assert.equal(result.outcome, outcome);
      assert.ok(result.took <= (check.timeout ?? 2000) + 500, `settled after ${result.took} ms`);
      await until(() => accepted() === round && open() === 0, 'one connection a probe, and none left open');
    }
    prober.close();
  });

test('a request of any length is sent, with or without a body', async (t) => {
  const asked: number[] = [];
  const { port } = await serve(
    t,
    http.createServer({ maxHeaderSize: 100_000 }, (request, response) => {
      asked.push(String(request.headers['x-long']).length);
      request.resume().on('end', () => response.end('ok'));
    }),
  );
  for (const length of [1, 3000, 3600, 4000, 4096, 60_000])
    for (const requestBody of [null, '', 'x'.repeat(16_384)]) {
      const { outcome, reason } = await probe(port, { headers: { 'x-long': 'y'.repeat(length) }, requestBody });
      assert.deepEqual({ outcome, reason }, { outcome: 'up', reason: 'HTTP 200 OK' });
    }
  assert.deepEqual([...new Set(asked)], [1, 3000, 3600, 4000, 4096, 60_000]);
});

test('only what is certain to fit into a send buffer goes over a bare line', () => {
  const brief = (changes: Partial<HttpCheckConfig>): boolean => planOf(httpCheck(changes)).brief;
  assert.equal(brief({ headers: { x: 'y'.repeat(3000) } }), true);
  for (const changes of [
    { headers: { x: 'y'.repeat(4096) } },
    { paths: ['/', `/${'y'.repeat(4096)}`] },
    { requestBody: '' },
  ])
    assert.equal(brief(changes), false);
});

test('connect_timeout leaves no timer behind', async (t) => {
  const { port } = await onRequest(t, answer(ok));
  const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
  const before = timers();
  assert.equal(
    (await probe(port, { connectTimeout: milliseconds(60_000), timeout: milliseconds(60_000) })).outcome,
    'up',
  );
  assert.equal(timers(), before);
});

test('connect_timeout ends the wait for a connection, and not that for an answer', async (t) => {
  const silent = await probe(await silentPort(t), { connectTimeout: SHORT });
  assert.deepEqual([silent.outcome, silent.reason], ['down', 'no connection in 120 ms']);
  const { port } = await onRequest(t, (socket) => setTimeout(() => answer(ok)(socket), 2 * SHORT));
  assert.equal((await probe(port, { connectTimeout: SHORT })).outcome, 'up');
});

test('a port where nothing listens is down at once, every time', async () => {
  const prober = createHttpProber(httpCheck(), targetOf(await closedPort()));
  for (let i = 0; i < 3; i++) {
    const { outcome, reason } = await prober.run();
    assert.deepEqual({ outcome, reason }, { outcome: 'down', reason: 'connection refused' });
  }
  prober.close();
});

test('a host that does not answer is down when the timeout is over, every time', async (t) => {
  const prober = createHttpProber(httpCheck({ timeout: SHORT }), targetOf(await silentPort(t)));
  for (let i = 0; i < 2; i++) {
    const { outcome, reason, took } = await prober.run();
    assert.deepEqual({ outcome, reason }, { outcome: 'down', reason: 'no answer in 120 ms' });
    assert.ok(took < SHORT + 500);
  }
  prober.close();
});

test('a server that recovers is up with the next probe', async (t) => {
  let ill = true;
  const { port } = await onRequest(t, (socket) => (ill ? undefined : answer(ok)(socket)));
  const prober = createHttpProber(httpCheck({ timeout: SHORT }), targetOf(port));
  assert.equal((await prober.run()).outcome, 'down');
  ill = false;
  assert.equal((await prober.run()).outcome, 'up');
  prober.close();
});

test('a header list, a body, and any method are sent as the check says; ours give way to its own', async (t) => {
  let heard = '';
  const { port } = await serve(
    t,
    net.createServer((socket) =>
      socket.on('data', (bytes) => {
        heard += bytes;
        if (heard.endsWith('é')) answer(ok)(socket);
      }),
    ),
  );
  const headers = { 'user-agent': 'mine', 'X-Two': 'a b' };
  await probe(port, { method: 'REPORT', headers, requestBody: 'é', host: 'shop.example.test' });
  assert.deepEqual(heard.split('\r\n'), [
    ...['REPORT /healthz HTTP/1.1', 'Host: shop.example.test', 'Accept: */*', 'user-agent: mine', 'X-Two: a b'],
    ...['Content-Length: 2', 'Connection: close', '', 'é'],
  ]);
});

test('a request that could have a body and has none says so', async (t) => {
  let heard = '';
  const { port } = await serve(
    t,
    net.createServer((socket) =>
      socket.once('data', (bytes) => {
        heard = String(bytes);
        answer(ok)(socket);
      }),
    ),
  );
  await probe(port, { method: 'POST' });
  assert.match(heard, /\r\nContent-Length: 0\r\n/);
  await probe(port, { method: 'GET' });
  assert.doesNotMatch(heard, /content-length/i);
});

test('the request is what the check says', async (t) => {
  const seen: http.IncomingMessage[] = [];
  const { port } = await serve(
    t,
    http.createServer((request, response) => {
      seen.push(request);
      response.end('ok');
    }),
  );
  await probe(port, { paths: ['/ready?deep=1'], method: 'HEAD', host: 'shop.example.test' });
  await probe(port, {});
  const [first, second] = seen;
  assert.equal(first?.method, 'HEAD');
  assert.equal(first?.url, '/ready?deep=1');
  assert.equal(first?.headers.host, 'shop.example.test');
  assert.equal(first?.headers.connection, 'close');
  assert.equal(second?.headers.host, `127.0.0.1:${port}`);
});

test('the probe comes from the address it was told to come from', async (t) => {
  const { port, clients } = await onRequest(t, answer(ok));
  assert.equal((await probe(port, {}, '127.9.9.9')).outcome, 'up');
  assert.deepEqual(clients, ['127.9.9.9']);
});

test('a source that is not on this machine is our own fault', async (t) => {
  const { port } = await onRequest(t, answer(ok));
  const { outcome, reason } = await probe(port, {}, '192.0.2.77');
  assert.equal(outcome, 'local-error');
  assert.match(reason, /192\.0\.2\.77 is not on this machine/);
});

test('the connection ends with a reset, so that nothing of it stays in TIME_WAIT', async (t) => {
  const ends: string[] = [];
  const { port } = await onRequest(t, (socket) => {
    socket.on('error', (error) => ends.push('code' in error ? String(error.code) : error.message));
    socket.on('end', () => ends.push('end'));
    socket.write(ok.replaceAll('\n', '\r\n'));
  });
  assert.equal((await probe(port)).outcome, 'up');
  await until(() => ends.length > 0, 'the connection ended');
  assert.deepEqual(ends, ['ECONNRESET']);
});

test('a pattern that a backtracking matcher would take hours with does not hold up the process', async (t) => {
  const { port } = await onRequest(t, answer(`HTTP/1.1 200 OK\n\n${'a'.repeat(64)}`));
  const { outcome, took } = await probe(port, { body: /(a+)+b/ });
  assert.equal(outcome, 'down');
  assert.ok(took < 1000);
});

test('closing settles a probe under way at once, in whatever phase it is', async (t) => {
  const hanging = await onRequest(t, () => undefined);
  for (const port of [await silentPort(t), hanging.port]) {
    const prober = createHttpProber(httpCheck({ timeout: milliseconds(60_000) }), targetOf(port));
    const running = prober.run();
    if (port === hanging.port) await until(() => hanging.accepted() === 1, 'a connection');
    prober.close();
    const { outcome, took } = await running;
    assert.equal(outcome, 'local-error');
    assert.ok(took < 1000);
  }
  await until(() => hanging.open() === 0, 'the connection ended');
});

test('whatever bytes a server sends, the probe settles in time and the next one works', async (t) => {
  let bytes = '';
  const { port } = await onRequest(t, (socket) => answer(bytes)(socket));
  const prober = createHttpProber(httpCheck({ body: /ok/ }), targetOf(port));
  const piece = fc.oneof(
    fc.constantFrom('HTTP/1.1 ', 'HTTP/1.0 ', '200 OK\n', '100 \n', '101 X\n', '304 X\n', '\n', '0\n\n', '5\nhello\n'),
    fc.constantFrom('content-length: 3\n', 'content-length: -1\n', 'transfer-encoding: chunked\n', 'upgrade: h2c\n'),
    fc.constantFrom('connection: keep-alive\n', 'connection: upgrade\n', 'keep-alive: timeout=1\n', 'ok'),
    fc.string({ maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      bytes = pieces.join('');
      const result = await prober.run();
      assert.ok(result.took < 2500);
      assert.notEqual(result.outcome, 'local-error');
      bytes = ok;
      assert.equal((await prober.run()).outcome === 'up', true);
    }),
    { numRuns: 150 },
  );
  prober.close();
});

for (const check of [{ json: { '/a': 'ok' } }, { weightJson: '/a' }])
  test(`JSON nested 30,000 deep is judged, and ends nothing: ${Object.keys(check)}`, async (t) => {
    const deep = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    const { port } = await onRequest(t, says(deep));
    assert.match((await probe(port, check)).reason, /nested too deeply/);
  });
