import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import v8 from 'node:v8';
import { milliseconds } from '../../../src/base/time.ts';
import { createTcpProber } from '../../../src/checkers/tcp/probe.ts';
import type { TcpCheckConfig } from '../../../src/config/config.ts';
import { onRequest, SHORT, serve, silentPort, targetOf, tcpCheck, until } from './loopback.ts';

v8.setFlagsFromString('--enable-experimental-regexp-engine');

const fixture = (name: string): string => new URL(`fixtures/${name}.pem`, import.meta.url).pathname;
const ca = fixture('authority');

/** A TLS server that answers everything with `+PONG`; `shown` has the names of the certificates that clients showed. */
async function serveTls(t: TestContext, name: string, options: tls.TlsOptions = {}) {
  const pem = readFileSync(fixture(name));
  const shown: (string | string[] | undefined)[] = [];
  const server = tls.createServer({ cert: pem, key: pem, ...options }, (socket) => {
    shown.push(socket.getPeerCertificate()?.subject?.CN);
    socket.on('data', () => socket.write('+PONG\r\n'));
  });
  return { ...(await serve(t, server, 'secureConnection')), shown };
}
const MUTUAL: tls.TlsOptions = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(ca) };

const expires = (date: string) => ({ certificateExpires: Date.parse(`${date}T00:00:00Z`) });
const steps = [{ send: 'PING\r\n', sendHex: null, expect: /^\+PONG/s, expectNot: null }];

async function probe(port: number, changes: Partial<TcpCheckConfig> = {}) {
  const prober = createTcpProber(tcpCheck({ tls: true, ca, ...changes }), targetOf(port));
  const { took: _, ...finding } = await prober.run();
  prober.close();
  return finding;
}

/** A folder for the files of one test. */
function folder(t: TestContext): (name: string) => string {
  const path = mkdtempSync(join(tmpdir(), 'lvskeeper-tls-'));
  t.after(() => rmSync(path, { recursive: true }));
  return (name) => join(path, name);
}

test('a server with a valid certificate is up, with when that expires', async (t) => {
  const { port, open } = await serveTls(t, 'good');
  const up = { outcome: 'up', ...expires('2125-01-01') };
  assert.deepEqual(await probe(port), { ...up, reason: 'connected over TLS' });
  assert.deepEqual(await probe(port, { steps }), { ...up, reason: '1 step done, last answer: +PONG' });
  assert.deepEqual(await probe(port, { sni: 'www.example.test' }), { ...up, reason: 'connected over TLS' });
  await until(() => open() === 0, 'the connections ended');
});

test('when the certificate expires is told of a server that is down too, whatever the reason', async (t) => {
  const expired = await serveTls(t, 'expired');
  assert.deepEqual(await probe(expired.port), {
    ...{ outcome: 'down', reason: 'TLS: certificate has expired (2021-01-02)' },
    ...expires('2021-01-02'),
  });
  const silent = { send: null, sendHex: null, expect: /x/, expectNot: null };
  const good = await serveTls(t, 'good');
  assert.deepEqual(await probe(good.port, { steps: [silent], timeout: milliseconds(500) }), {
    ...{ outcome: 'down', reason: 'step 1: no match of /x/ (nothing came) in 500 ms' },
    ...expires('2125-01-01'),
  });
});

test('a certificate for another name is refused and says for which', async (t) => {
  const { port } = await serveTls(t, 'good');
  const { reason } = await probe(port, { sni: 'shop.example.test' });
  const names = 'DNS:www.example.test, IP Address:127.0.0.1';
  assert.equal(reason, `TLS: certificate is not for shop.example.test but for ${names}`);
});

test('a handshake that takes longer than tls_timeout is down by then, and connecting does not count', async (t) => {
  const tlsTimeout = milliseconds(60);
  const { port, open } = await onRequest(t, () => undefined);
  const finding = { outcome: 'down', reason: 'TLS handshake not finished in 60 ms' };
  assert.deepEqual(await probe(port, { tlsTimeout }), finding);
  await until(() => open() === 0, 'the connection ended');
  const silent = await silentPort(t);
  assert.equal((await probe(silent, { tlsTimeout, timeout: SHORT })).reason, 'no answer in 120 ms');
  const both = { connectTimeout: milliseconds(80), tlsTimeout };
  assert.equal((await probe(silent, both)).reason, 'no connection in 80 ms');
  // That of connecting is over when the handshake begins, whether that has one or not.
  const connectTimeout = milliseconds(60);
  assert.equal((await probe(port, { connectTimeout, timeout: SHORT })).reason, 'TLS handshake not finished in 120 ms');
  // The limit of the handshake is over with it.
  const slow = await serveTls(t, 'good');
  const late = [{ send: 'x', sendHex: null, expect: /never/, expectNot: null }];
  const limits = { tlsTimeout: milliseconds(400), timeout: milliseconds(700), steps: late };
  assert.match((await probe(slow.port, limits)).reason, /^step 1: .* in 700 ms$/);
});

test('a server that asks for a certificate is shown ours', async (t) => {
  const { port, shown } = await serveTls(t, 'good', MUTUAL);
  const ours = { certificate: fixture('good'), key: fixture('good') };
  assert.equal((await probe(port, { steps, ...ours })).outcome, 'up');
  assert.equal((await probe(port, { steps, ...ours, verify: false })).outcome, 'up');
  assert.deepEqual(shown, ['good', 'good']);
  const without = await probe(port, { steps });
  assert.equal(without.outcome, 'down');
  assert.match(without.reason, /^step 1: TLS: .*certificate/);
});

for (const [what, certificate, key, why] of [
  ['a certificate that is not there', '/none', fixture('good'), /^certificate \/none: ENOENT: /],
  ['a key that is not there', fixture('good'), '/none', /^key \/none: ENOENT: /],
  ['a file without a certificate', '/dev/null', fixture('good'), /^certificate \/dev\/null: no PEM certificate in it$/],
  ['a file without a key', fixture('good'), fixture('authority'), /^key .*authority\.pem: /],
  [
    'the key of another certificate',
    fixture('good'),
    fixture('expired'),
    /^key .*expired\.pem: not the key of the certificate in .*good\.pem$/,
  ],
] as const)
  test(`${what} is our own fault, and nobody is connected to`, async (t) => {
    const { port, accepted } = await serveTls(t, 'good', MUTUAL);
    const { outcome, reason } = await probe(port, { certificate, key });
    assert.equal(outcome, 'local-error');
    assert.match(reason.replace(/^cannot probe: /, ''), why);
    assert.equal(accepted(), 0);
  });

test('a certificate and key that have changed are shown from then on; until both have, the last ones are', async (t) => {
  const { port, shown } = await serveTls(t, 'good', { ...MUTUAL, rejectUnauthorized: false });
  const at = folder(t);
  const ours = { certificate: at('cert.pem'), key: at('key.pem') };
  copyFileSync(fixture('good'), ours.certificate);
  copyFileSync(fixture('good'), ours.key);
  await probe(port, { steps, ...ours });
  writeFileSync(ours.certificate, `${readFileSync(fixture('self-signed'), 'utf8')}\n`);
  await probe(port, { steps, ...ours });
  writeFileSync(ours.key, `${readFileSync(fixture('self-signed'), 'utf8')}\n`);
  await probe(port, { steps, ...ours });
  rmSync(ours.key);
  assert.equal((await probe(port, { steps, ...ours })).outcome, 'up');
  rmSync(ours.certificate);
  assert.equal((await probe(port, { steps, ...ours })).outcome, 'up');
  assert.deepEqual(shown, ['good', 'good', 'self-signed', 'self-signed', 'self-signed']);
});
