import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { createDispatcher } from '../../../src/alerts/dispatch.ts';
import { webhookSender } from '../../../src/alerts/webhook/send.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { WebhookAlertConfig } from '../../../src/config/config.ts';
import { logTo } from '../control/fake-director.ts';
import { alertOf } from './sample.ts';

type Seen = { readonly request: IncomingMessage; readonly body: string };

/** A receiver on loopback that keeps what it gets and answers with `answer`. */
async function receiver(t: TestContext, answer: (response: ServerResponse, seen: Seen, count: number) => void) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    seen.push({ request, body: await text(request) });
    answer(response, seen.at(-1) as Seen, seen.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, port: (server.address() as { port: number }).port };
}

const configOf = (url: string, more: Partial<WebhookAlertConfig> = {}): WebhookAlertConfig => ({
  name: 'hook',
  type: 'webhook',
  url,
  headers: {},
  on: ['vrrp', 'server', 'quorum'],
  timeout: seconds(5),
  attempts: 5,
  ...more,
});
const never = new AbortController().signal;

test('an alert is one POST of its JSON, with the headers of the config', async (t) => {
  const { seen, port } = await receiver(t, (response) => response.writeHead(204).end());
  const send = webhookSender(
    configOf(`http://user:p%40ss@127.0.0.1:${port}/hook?team=ops`, { headers: { 'X-Key': 'k', 'User-Agent': 'mine' } }),
  );
  assert.deepEqual(await send(alertOf(7), never), { ok: true });
  const [{ request, body } = assert.fail('nothing came')] = seen;
  assert.equal(`${request.method} ${request.url}`, 'POST /hook?team=ops');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers['x-key'], 'k');
  assert.equal(request.headers['user-agent'], 'mine');
  assert.equal(request.headers.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  assert.deepEqual(JSON.parse(body), alertOf(7));
});

/** status, tried again */
const ANSWERS = [
  [200, undefined],
  [202, undefined],
  [301, false],
  [400, false],
  [401, false],
  [404, false],
  [408, true],
  [425, true],
  [429, true],
  [500, true],
  [503, true],
] as const;
for (const [status, again] of ANSWERS)
  test(`HTTP ${status} is ${again === undefined ? 'a delivery' : again ? 'a failure to try again' : 'a refusal for good'}`, async (t) => {
    const { port } = await receiver(t, (response) =>
      response.writeHead(status, status === 301 ? { location: '/new' } : {}).end('its words'),
    );
    const sent = await webhookSender(configOf(`http://127.0.0.1:${port}/`))(alertOf(1), never);
    assert.equal(sent.ok, again === undefined);
    if (sent.ok) return;
    assert.equal(sent.again, again);
    assert.equal(sent.reason, status === 301 ? 'HTTP 301: redirect to /new: its words' : `HTTP ${status}: its words`);
  });

test('a receiver that is not there is a failure to try again', async () => {
  const sent = await webhookSender(configOf('http://127.0.0.1:1/'))(alertOf(1), never);
  assert.ok(!sent.ok);
  assert.equal(sent.again, true);
  assert.match(sent.reason, /ECONNREFUSED/);
});

for (const [what, answer] of [
  ['never answers', () => {}],
  ['begins an answer and stalls', (response: ServerResponse) => void response.writeHead(500).write('…')],
] as const)
  test(`a receiver that ${what} is given up after the timeout`, async (t) => {
    const { port } = await receiver(t, answer);
    const started = performance.now();
    const sent = await webhookSender(configOf(`http://127.0.0.1:${port}/`, { timeout: milliseconds(150) }))(
      alertOf(1),
      never,
    );
    const took = performance.now() - started;
    assert.ok(!sent.ok);
    assert.equal(sent.reason, 'no answer in 150 ms');
    assert.ok(took >= 145 && took < 2000, `${took} ms`);
  });

test('a receiver that never begins TLS is given up after the timeout, as one that is still being connected to', async (t) => {
  const server = createTcpServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const started = performance.now();
  const sent = await webhookSender(configOf(`https://127.0.0.1:${port}/`, { timeout: milliseconds(150) }))(
    alertOf(1),
    never,
  );
  const took = performance.now() - started;
  assert.deepEqual(sent, { ok: false, reason: 'no answer in 150 ms', again: true });
  assert.ok(took >= 145 && took < 2000, `${took} ms`);
});

const fixture = (name: string) => readFileSync(new URL(`../checkers/fixtures/${name}.pem`, import.meta.url), 'utf8');
tls.setDefaultCACertificates([...tls.getCACertificates('default'), fixture('authority')]);

test('over TLS the certificate is verified', async (t) => {
  for (const [name, host, delivered] of [
    ['good', '127.0.0.1', true],
    ['good', 'localhost', false],
    ['self-signed', '127.0.0.1', false],
    ['expired', '127.0.0.1', false],
  ] as const) {
    const pem = fixture(name);
    const server = createTlsServer({ cert: pem, key: pem }, (_, response) => response.writeHead(204).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const sent = await webhookSender(configOf(`https://${host}:${port}/`))(alertOf(1), never);
    assert.equal(sent.ok, delivered, `${name} ${host}: ${sent.ok ? 'delivered' : sent.reason}`);
  }
});

test('an abort ends the attempt at once', async (t) => {
  const { port } = await receiver(t, () => {});
  const stop = new AbortController();
  const sending = webhookSender(configOf(`http://127.0.0.1:${port}/`))(alertOf(1), stop.signal);
  setTimeout(() => stop.abort(), 20);
  const sent = await sending;
  assert.ok(!sent.ok);
  assert.equal(sent.reason, 'cancelled');
});

test('alerts reach a receiver that fails n times in order, each once it answers well', async (t) => {
  const { seen, port } = await receiver(t, (response, _, count) =>
    response.writeHead([1, 2, 4].includes(count) ? 503 : 200).end(),
  );
  const dispatcher = createDispatcher({ log: logTo([]), random: () => 0, wait: async () => {} });
  dispatcher.configure([configOf(`http://127.0.0.1:${port}/`)]);
  for (const seq of [1, 2, 3]) dispatcher.offer(alertOf(seq));
  while ((dispatcher.counts()[0]?.delivered ?? 0) < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    seen.map(({ body }) => (JSON.parse(body) as { seq: number }).seq),
    [1, 1, 1, 2, 2, 3],
  );
});
