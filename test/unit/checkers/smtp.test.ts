import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { createSmtpProber } from '../../../src/checkers/smtp/probe.ts';
import type { SmtpCheckConfig } from '../../../src/config/config.ts';
import { closedPort, SHORT, serve, silentPort, smtpCheck, targetOf, until } from './loopback.ts';

const fixture = (name: string): string => new URL(`fixtures/${name}.pem`, import.meta.url).pathname;
const ca = fixture('authority');
const certificate = (name: string): tls.TlsOptions => ({
  cert: readFileSync(fixture(name)),
  key: readFileSync(fixture(name)),
});

/** What a mail server says: on its own (`null`) or to a command; `null`: nothing. */
type Script = Readonly<Record<string, string | null>>;
const GOOD: Script = {
  greeting: '220 mx.example.test ESMTP\r\n',
  EHLO: '250-mx.example.test\r\n250-PIPELINING\r\n250 SIZE 1000\r\n',
  QUIT: '221 Bye\r\n',
};
const WITH_TLS: Script = { ...GOOD, EHLO: '250-mx.example.test\r\n250 STARTTLS\r\n', STARTTLS: '220 Go ahead\r\n' };

/** A mail server that keeps to a script; after QUIT it closes. `heard` has every line that came. */
async function mailServer(t: TestContext, script: Script, secured: tls.TlsOptions = certificate('good')) {
  const heard: string[] = [];
  function talk(socket: net.Socket, greeting: string | null | undefined): void {
    socket.on('error', () => undefined);
    if (greeting) socket.write(greeting);
    socket.on('data', function answer(bytes) {
      const line = bytes.toString().trimEnd();
      heard.push(line);
      const said = script[line.split(' ')[0] ?? ''];
      if (said === 'close') return socket.end();
      if (said === 'reset') return socket.resetAndDestroy();
      if (said) socket.write(said);
      if (line === 'QUIT' && said) socket.end();
      if (line !== 'STARTTLS' || said !== WITH_TLS.STARTTLS) return;
      socket.off('data', answer);
      talk(new tls.TLSSocket(socket, { isServer: true, ...secured }), null);
    });
  }
  const server = net.createServer((socket) => talk(socket, script.greeting));
  return { ...(await serve(t, server)), heard };
}

async function probe(port: number, changes: Partial<SmtpCheckConfig> = {}) {
  const prober = createSmtpProber(smtpCheck({ ca, ...changes }), targetOf(port));
  const { took: _, ...finding } = await prober.run();
  prober.close();
  return finding;
}
const up = (reason: string) => ({ outcome: 'up', reason });
const down = (reason: string) => ({ outcome: 'down', reason });
/** notAfter of the fixture `good`. */
const certificateExpires = Date.parse('2125-01-01T00:00:00Z');

test('a mail server that greets and answers EHLO is up, and is bid goodbye', async (t) => {
  const { port, heard, open } = await mailServer(t, GOOD);
  assert.deepEqual(await probe(port), up('250 mx.example.test'));
  assert.deepEqual(heard, ['EHLO lb1', 'QUIT']);
  await until(() => open() === 0, 'the connection ended');
});

test('the name in EHLO is the one that is given', async (t) => {
  const { port, heard } = await mailServer(t, GOOD);
  await probe(port, { heloName: '[192.0.2.1]' });
  assert.equal(heard[0], 'EHLO [192.0.2.1]');
});

test('replies in several lines and in pieces are one each', async (t) => {
  const { port } = await serve(
    t,
    net.createServer(async (socket) => {
      for (const piece of '220-mx\r\n220-welcomes you\r\n220 now\r\n') {
        socket.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.once('data', () => {
        socket.write('250\r\n');
        socket.once('data', () => socket.end('221 Bye\n'));
      });
    }),
  );
  assert.deepEqual(await probe(port), up('250'));
});

test('to QUIT any answer will do, or the end of the connection', async (t) => {
  for (const QUIT of ['500 What?\r\n', 'close', 'reset'])
    assert.deepEqual(await probe((await mailServer(t, { ...GOOD, QUIT })).port), up('250 mx.example.test'));
});

for (const [what, script, reason] of [
  ['greets with a refusal', { greeting: '554 No service here\r\n' }, 'greeting: 554 No service here, expected 220'],
  ['refuses in several lines', { greeting: '421-Too\r\n421 busy\r\n' }, 'greeting: 421 Too busy, expected 220'],
  ['does not speak SMTP', { greeting: 'SSH-2.0-OpenSSH_9.2\r\n' }, 'greeting: not SMTP: SSH-2.0-OpenSSH_9.2'],
  ['changes its mind', { greeting: '220-mx\r\n250 mx\r\n' }, 'greeting: not SMTP: 250 in the middle of a 220'],
  ['says a line that is too long', { greeting: `220 ${'x'.repeat(5000)}` }, 'greeting: a line of more than 4 KiB'],
  [
    'does not come to an end',
    { greeting: `220-${'x'.repeat(1000)}\r\n`.repeat(100) },
    'greeting: more than 64 KiB without an end',
  ],
  [
    'refuses EHLO',
    { EHLO: '502 Command not implemented\r\n' },
    'answer to EHLO: 502 Command not implemented, expected 250',
  ],
  ['closes after EHLO', { EHLO: 'close' }, 'connection closed before an answer to EHLO'],
  ['resets after EHLO', { EHLO: 'reset' }, 'connection reset before an answer to EHLO'],
] as const)
  test(`a mail server that ${what} is down`, async (t) => {
    const { port, open } = await mailServer(t, { ...GOOD, ...script });
    assert.deepEqual(await probe(port), down(reason));
    await until(() => open() === 0, 'the connection ended');
  });

test('a server that closes before its greeting is down', async (t) => {
  const { port } = await serve(
    t,
    net.createServer((socket) => socket.end()),
  );
  assert.deepEqual(await probe(port), down('connection closed before a greeting'));
});

for (const [silent, reason] of [
  ['greeting', 'no greeting in 120 ms'],
  ['EHLO', 'no answer to EHLO in 120 ms'],
  ['QUIT', 'no answer to QUIT in 120 ms'],
] as const)
  test(`silence in place of ${silent} is down when the timeout is over`, async (t) => {
    const { port, open } = await mailServer(t, { ...GOOD, [silent]: null });
    assert.deepEqual(await probe(port, { timeout: SHORT }), down(reason));
    await until(() => open() === 0, 'the connection ended');
  });

test('no connection is as for `tcp`, and each phase has its limit', async (t) => {
  assert.deepEqual(await probe(await closedPort()), down('connection refused'));
  const silent = await silentPort(t);
  assert.deepEqual(await probe(silent, { timeout: SHORT }), down('no answer in 120 ms'));
  assert.deepEqual(await probe(silent, { connectTimeout: milliseconds(60) }), down('no connection in 60 ms'));
  const plain = await mailServer(t, { ...GOOD, greeting: null });
  const limit = { tls: true, tlsTimeout: milliseconds(60) };
  assert.deepEqual(await probe(plain.port, limit), down('TLS handshake not finished in 60 ms'));
});

test('STARTTLS: EHLO is said again over TLS', async (t) => {
  const { port, heard, open } = await mailServer(t, WITH_TLS);
  const finding = await probe(port, { starttls: true });
  assert.deepEqual(finding, { ...up('250 mx.example.test, over TLS'), certificateExpires });
  assert.deepEqual(heard, ['EHLO lb1', 'STARTTLS', 'EHLO lb1', 'QUIT']);
  await until(() => open() === 0, 'the connection ended');
});

test('STARTTLS that is not offered, or refused, is down', async (t) => {
  const without = await mailServer(t, GOOD);
  assert.deepEqual(await probe(without.port, { starttls: true }), down('STARTTLS is not offered'));
  // The first line of the answer is a name, not a keyword.
  const named = await mailServer(t, { ...GOOD, EHLO: '250 STARTTLS\r\n' });
  assert.deepEqual(await probe(named.port, { starttls: true }), down('STARTTLS is not offered'));
  const refused = await mailServer(t, { ...WITH_TLS, STARTTLS: '454 TLS not available\r\n' });
  assert.deepEqual(
    await probe(refused.port, { starttls: true }),
    down('answer to STARTTLS: 454 TLS not available, expected 220'),
  );
});

test('STARTTLS: a certificate that is not valid is down, with when it expires, unless verify is off', async (t) => {
  const { port } = await mailServer(t, WITH_TLS, certificate('expired'));
  const expired = { certificateExpires: Date.parse('2021-01-02T00:00:00Z') };
  assert.deepEqual(await probe(port, { starttls: true }), {
    ...down('TLS: certificate has expired (2021-01-02)'),
    ...expired,
  });
  assert.deepEqual(await probe(port, { starttls: true, verify: false }), {
    ...up('250 mx.example.test, over TLS'),
    ...expired,
  });
});

test('STARTTLS: a handshake that the server does not take part in is down by its limit', async (t) => {
  const { port, open } = await mailServer(t, { ...WITH_TLS, STARTTLS: '220 Ready, or not\r\n' });
  assert.deepEqual(
    await probe(port, { starttls: true, tlsTimeout: milliseconds(60) }),
    down('TLS handshake not finished in 60 ms'),
  );
  assert.deepEqual(await probe(port, { starttls: true, timeout: SHORT }), down('TLS handshake not finished in 120 ms'));
  await until(() => open() === 0, 'the connections ended');
});

test('STARTTLS: a server that closes in the handshake is down with words for that', async (t) => {
  const server = net.createServer((socket) => {
    socket.write('220 mx\r\n');
    let turn = 0;
    const said = ['250-mx\r\n250 STARTTLS\r\n', '220 Go ahead\r\n'];
    socket.on('data', () => (turn < said.length ? socket.write(said[turn++] ?? '') : socket.end()));
  });
  const { port } = await serve(t, server);
  assert.deepEqual(await probe(port, { starttls: true }), down('TLS: connection closed during the handshake'));
});

test('STARTTLS: silence after it is down with what is missing, and with when the certificate expires', async (t) => {
  let said = 0;
  const script = { ...WITH_TLS };
  Object.defineProperty(script, 'EHLO', { get: () => (said++ === 0 ? WITH_TLS.EHLO : null) });
  const { port } = await mailServer(t, script);
  assert.deepEqual(await probe(port, { starttls: true, timeout: milliseconds(500) }), {
    ...down('no answer to EHLO over TLS in 500 ms'),
    certificateExpires,
  });
});

test('TLS from the start of the connection', async (t) => {
  const server = tls.createServer(certificate('good'), (socket) => {
    socket.write('220 mx.example.test\r\n');
    socket.on('data', (bytes) => socket.write(`${bytes}`.startsWith('EHLO') ? '250 mx\r\n' : '221 Bye\r\n'));
  });
  const { port } = await serve(t, server, 'secureConnection');
  assert.deepEqual(await probe(port, { tls: true }), { ...up('250 mx, over TLS'), certificateExpires });
});

test('closing settles a probe under way at once, and not as a failure', async (t) => {
  const { port, open, heard } = await mailServer(t, { ...GOOD, EHLO: null });
  const prober = createSmtpProber(smtpCheck({ timeout: seconds(60) }), targetOf(port));
  const running = prober.run();
  await until(() => heard.length === 1, 'a command');
  prober.close();
  assert.equal((await running).outcome, 'local-error');
  await until(() => open() === 0, 'the connection ended');
});

test('a few hundred probes, with STARTTLS and without, leave no descriptor and no timer behind', async (t) => {
  const { port, open } = await mailServer(t, WITH_TLS);
  const count = () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  });
  const limits = { connectTimeout: seconds(2), tlsTimeout: seconds(2) };
  await probe(port, { starttls: true });
  await until(() => open() === 0, 'the connection ended');
  const before = count();
  for (let i = 0; i < 15; i++)
    await Promise.all(Array.from({ length: 20 }, (_, n) => probe(port, { starttls: n % 4 === 0, ...limits })));
  await until(() => open() === 0, 'every connection ended');
  await until(() => count().descriptors <= before.descriptors, 'no descriptor is left');
  assert.ok(count().timers <= before.timers);
});
