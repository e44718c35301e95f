import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { httpSource } from '../../../src/discovery/http/source.ts';
import { discovery, folder, never, shown } from './fakes.ts';

const LIST = JSON.stringify([{ targets: ['10.0.0.1:80'], labels: { weight: '5' } }]);
const fixture = (name: string): string => new URL(`../checkers/fixtures/${name}.pem`, import.meta.url).pathname;

/** A web server on 127.0.0.1, and the requests that it got. */
async function serve(t: TestContext, answer: http.RequestListener, certificate?: string) {
  const asked: http.IncomingMessage[] = [];
  const listener: http.RequestListener = (request, response) => {
    asked.push(request);
    answer(request, response);
  };
  const pem = certificate === undefined ? undefined : readFileSync(fixture(certificate));
  const server =
    pem === undefined ? http.createServer(listener) : https.createServer({ key: pem, cert: pem }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

const source = (url: string, more = '') => httpSource(discovery('http', `url = "${url}"\n${more}`));
const at = (port: number, path = '/web?zone=a'): string => `http://127.0.0.1:${port}${path}`;

test('a list is had by GET, and its query is not shown', async (t) => {
  const { port, asked } = await serve(t, (_, response) => response.end(LIST));
  const one = source(at(port));
  assert.deepEqual(shown(await one.ask(never)), ['10.0.0.1:80*5']);
  assert.equal(one.what, `http://127.0.0.1:${port}/web`);
  const [request] = asked;
  assert.deepEqual([request?.method, request?.url], ['GET', '/web?zone=a']);
  assert.equal(request?.headers.authorization, undefined);
  assert.equal(request?.headers['x-prometheus-refresh-interval-seconds'], '30');
});

test('a list that has not changed need not be sent again', async (t) => {
  let tag = '"1"';
  const { port, asked } = await serve(t, (request, response) => {
    if (request.headers['if-none-match'] === tag) return void response.writeHead(304).end();
    response.setHeader('etag', tag).end(LIST);
  });
  const one = source(at(port));
  for (let i = 0; i < 2; i++) assert.deepEqual(shown(await one.ask(never)), ['10.0.0.1:80*5']);
  tag = '"2"';
  assert.deepEqual(shown(await one.ask(never)), ['10.0.0.1:80*5']);
  assert.deepEqual(
    asked.map(({ headers }) => headers['if-none-match']),
    [undefined, '"1"', '"1"'],
  );
});

test('a token is read anew for each request, and is not sent when it is none', async (t) => {
  const { port, asked } = await serve(t, (_, response) => response.end(LIST));
  const file = join(folder(t), 'token');
  const one = source(at(port), `bearer_token_file = "${file}"`);
  assert.equal(shown(await one.ask(never)), `bearer_token_file ${file} cannot be read: it is not there (ENOENT)`);
  for (const token of ['first', 'second']) {
    writeFileSync(file, `${token}\n`);
    assert.deepEqual(shown(await one.ask(never)), ['10.0.0.1:80*5']);
    assert.equal(asked.at(-1)?.headers.authorization, `Bearer ${token}`);
  }
  for (const bad of ['', 'two words', 'a\r\nx-header: b']) {
    writeFileSync(file, bad);
    assert.equal(shown(await one.ask(never)), `bearer_token_file ${file} holds no token`);
  }
});

const BAD: readonly (readonly [what: string, answer: http.RequestListener, why: RegExp])[] = [
  ['HTTP 503', (_, response) => response.writeHead(503).end(LIST), /^answers HTTP 503$/],
  [
    'a redirect',
    (_, response) => response.writeHead(302, { location: '/other' }).end(),
    /^answers HTTP 302, a redirect to \/other, which is not followed$/,
  ],
  ['HTTP 204', (_, response) => response.writeHead(204).end(), /^answers HTTP 204$/],
  ['HTTP 304 out of the blue', (_, response) => response.writeHead(304).end(), /^answers HTTP 304 to a first request$/],
  ['no JSON', (_, response) => response.end('<html>'), /^its answer: it is no JSON, or was cut short$/],
  ['nothing', (_, response) => response.end(), /^its answer: it is empty/],
  [
    'half a body',
    (_, response) => void response.writeHead(200, { 'content-length': 500 }).write(LIST, () => response.destroy()),
    /./,
  ],
  ['a reset', (request) => request.socket.resetAndDestroy(), /./],
  [
    'too large a body',
    (_, response) => response.end('x'.repeat((8 << 20) + 1)),
    /^answers with more than 8388608 bytes$/,
  ],
  ['a silent one', () => {}, /^no answer in 300 ms$/],
  ['a slow body', (_, response) => void response.writeHead(200).write('['), /^no answer in 300 ms$/],
  ['another protocol', (request) => void request.socket.end('SSH-2.0-x\r\n'), /./],
];

for (const [what, answer, why] of BAD)
  test(`a server that gives ${what} has said nothing of servers`, { timeout: 20_000 }, async (t) => {
    const { port } = await serve(t, answer);
    const limit = what === 'too large a body' ? 'timeout = "10s"' : 'timeout = "300ms"';
    assert.match(String(shown(await source(at(port), limit).ask(never))), why);
  });

test('nobody listening is told as it is', async (t) => {
  const { port } = await serve(t, () => {});
  const closed = http.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const gone = (closed.address() as AddressInfo).port;
  await new Promise((resolve) => closed.close(resolve));
  assert.match(String(shown(await source(at(gone)).ask(never))), /ECONNREFUSED/);
  assert.ok(port > 0);
});

test('over TLS the certificate must be good for the name in the URL', async (t) => {
  const { port, asked } = await serve(t, (_, response) => response.end(LIST), 'good');
  const url = `https://127.0.0.1:${port}/`;
  const ca = `ca = "${fixture('authority')}"`;
  assert.deepEqual(shown(await source(url, ca).ask(never)), ['10.0.0.1:80*5']);
  assert.equal(asked.length, 1);
  assert.equal(typeof shown(await source(url).ask(never)), 'string');
  assert.equal(typeof shown(await source(url.replace('127.0.0.1', 'localhost'), ca).ask(never)), 'string');
  assert.match(String(shown(await source(url, 'ca = "/nowhere.pem"').ask(never))), /^ca \/nowhere\.pem/);
  assert.equal(asked.length, 1);
});

test('it gives up at once when it is told to', { timeout: 10_000 }, async (t) => {
  const { port } = await serve(t, () => {});
  const stop = new AbortController();
  const asking = source(at(port), 'timeout = "1m"').ask(stop.signal);
  setTimeout(() => stop.abort(), 50);
  assert.equal(shown(await asking), 'given up');
});

test('nothing is left behind by many requests, good and bad', { timeout: 60_000 }, async (t) => {
  let count = 0;
  const { port } = await serve(t, (request, response) => {
    count += 1;
    if (count % 4 === 0) request.socket.destroy();
    else if (count % 4 === 1) response.writeHead(500).end(LIST);
    else response.end(LIST);
  });
  const one = source(at(port));
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  await one.ask(never);
  const before = [descriptors(), timers()] as const;
  for (let i = 0; i < 300; i++) await one.ask(never);
  // The server's ends close a moment later.
  for (let i = 0; i < 200 && descriptors() > before[0]; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(descriptors() <= before[0], `${descriptors()} descriptors, ${before[0]} before`);
  assert.ok(timers() <= before[1] + 1, `${timers()} timers, ${before[1]} before`);
});
