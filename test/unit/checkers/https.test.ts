import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { createHttpProber } from '../../../src/checkers/http/probe.ts';
import type { HttpCheckConfig } from '../../../src/config/config.ts';
import { httpCheck, onRequest, SHORT, serve, targetOf, until } from './loopback.ts';

const fixture = (name: string): string => new URL(`fixtures/${name}.pem`, import.meta.url).pathname;
const ca = fixture('authority');

/** A TLS server with one of the fixtures' certificates; answers every request with 200 and `secret`. */
async function serveTls(t: TestContext, certificate: string, options: tls.TlsOptions = {}) {
  const pem = readFileSync(fixture(certificate));
  const names: (string | false | null)[] = [];
  const server = tls.createServer({ cert: pem, key: pem, ...options }, (socket) => {
    names.push(socket.servername);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret'));
  });
  return { ...(await serve(t, server, 'secureConnection')), names };
}

async function probe(port: number, changes: Partial<HttpCheckConfig>) {
  const prober = createHttpProber(httpCheck({ type: 'https', ca, ...changes }), targetOf(port));
  const { outcome, reason } = await prober.run();
  prober.close();
  return { outcome, reason };
}
const good = { outcome: 'up', reason: 'HTTP 200 OK' };
const bad = (reason: string) => ({ outcome: 'down', reason: `TLS: ${reason}` });

test('a certificate that is valid for the server address is accepted, and no name is sent', async (t) => {
  const { port, names } = await serveTls(t, 'good');
  assert.deepEqual(await probe(port, {}), good);
  assert.deepEqual(names, [false]);
});

test('the name sent and verified is that of `host`, without its port', async (t) => {
  const { port, names } = await serveTls(t, 'good');
  assert.deepEqual(await probe(port, { host: 'www.example.test:8443' }), good);
  assert.deepEqual(names, ['www.example.test']);
});

test('`sni` comes before `host`', async (t) => {
  const { port, names } = await serveTls(t, 'good');
  assert.deepEqual(await probe(port, { host: 'other.example.test', sni: 'www.example.test' }), good);
  assert.deepEqual(names, ['www.example.test']);
});

test('a certificate for other names is refused and says for which', async (t) => {
  const { port } = await serveTls(t, 'good');
  const names = 'DNS:www.example.test, IP Address:127.0.0.1';
  const refused = bad(`certificate is not for shop.example.test but for ${names}`);
  assert.deepEqual(await probe(port, { host: 'shop.example.test' }), refused);
  assert.deepEqual(await probe(port, { host: '127.0.0.2' }), bad(`certificate is not for 127.0.0.2 but for ${names}`));
});

for (const [certificate, reason] of [
  ['expired', 'certificate has expired (2021-01-02)'],
  ['early', 'certificate is not valid before 2124-01-02'],
  ['self-signed', 'certificate is self-signed and not among the trusted ones'],
] as const)
  test(`a certificate that is ${certificate} is refused, unless \`verify\` is off`, async (t) => {
    const { port } = await serveTls(t, certificate);
    assert.deepEqual(await probe(port, {}), bad(reason));
    assert.deepEqual(await probe(port, { verify: false }), good);
  });

test('a certificate of an authority that the system does not know is refused', async (t) => {
  const { port } = await serveTls(t, 'good');
  assert.deepEqual(await probe(port, { ca: null }), bad('certificate is not from a trusted authority'));
});

test('a refused certificate is refused before any request is sent', async (t) => {
  const pem = readFileSync(fixture('expired'));
  let heard = 0;
  const server = tls.createServer({ cert: pem, key: pem }, (socket) => socket.on('data', () => heard++));
  const { port, open } = await serve(t, server, 'secureConnection');
  assert.equal((await probe(port, {})).outcome, 'down');
  await until(() => open() === 0, 'the connection ended');
  assert.equal(heard, 0);
});

test('a server that does not speak TLS is down with words for it', async (t) => {
  const { port } = await onRequest(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  assert.deepEqual(await probe(port, {}), bad('the server does not speak TLS on this port'));
});

test('a server that closes or resets in the handshake is down', async (t) => {
  const closed = bad('connection closed during the handshake');
  const closes = await onRequest(t, (socket) => socket.end());
  assert.deepEqual(await probe(closes.port, {}), closed);
  const resets = await onRequest(t, (socket) => socket.resetAndDestroy());
  assert.deepEqual(await probe(resets.port, {}), closed);
});

test('a server that stalls in the handshake is down when the timeout is over, and holds nothing', async (t) => {
  const { port, open } = await onRequest(t, () => undefined);
  assert.deepEqual(await probe(port, { timeout: SHORT }), {
    outcome: 'down',
    reason: 'TLS handshake not finished in 120 ms',
  });
  await until(() => open() === 0, 'the connection ended');
});

test('a server that refuses the versions or wants a certificate of ours is down with its own words', async (t) => {
  const old = await serveTls(t, 'good', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  const { outcome, reason } = await probe(old.port, {});
  assert.equal(outcome, 'down');
  assert.match(reason, /^TLS: .*protocol version/);
  const mutual = await serveTls(t, 'good', { requestCert: true, rejectUnauthorized: true, ca: readFileSync(ca) });
  assert.equal((await probe(mutual.port, {})).outcome, 'down');
});

test('the probe comes from the address it was told to come from', async (t) => {
  const { port, clients } = await serveTls(t, 'good');
  const prober = createHttpProber(httpCheck({ type: 'https', ca }), targetOf(port, '127.9.9.9'));
  assert.equal((await prober.run()).outcome, 'up');
  prober.close();
  assert.deepEqual(clients, ['127.9.9.9']);
});

test('probes leave no connection behind', async (t) => {
  const { port, open, accepted } = await serveTls(t, 'good');
  const prober = createHttpProber(httpCheck({ type: 'https', ca }), targetOf(port));
  for (let i = 1; i <= 3; i++) {
    assert.equal((await prober.run()).outcome, 'up');
    await until(() => accepted() === i && open() === 0, 'the connection ended');
  }
  prober.close();
});

test('a `ca` that cannot be read is our own fault; once read, the last good one stays, and a changed one is taken', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  const { port } = await serveTls(t, 'good');

  const missing = await probe(port, { ca: file });
  assert.equal(missing.outcome, 'local-error');
  assert.match(missing.reason, new RegExp(`^cannot probe: ca ${file}: .*no such file`));

  writeFileSync(file, 'not a certificate\n');
  assert.equal((await probe(port, { ca: file })).outcome, 'local-error');
  copyFileSync(ca, file);
  assert.deepEqual(await probe(port, { ca: file }), good);
  rmSync(file);
  assert.deepEqual(await probe(port, { ca: file }), good);
  copyFileSync(fixture('self-signed'), file);
  assert.equal((await probe(port, { ca: file })).outcome, 'down');
});
