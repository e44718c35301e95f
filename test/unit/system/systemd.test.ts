import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { constants as c, native } from '../../../src/system/native.ts';
import { packUnixAddress } from '../../../src/system/sockaddr.ts';
import { notify } from '../../../src/system/systemd.ts';

/** Stands where the service manager listens, while `body` runs. */
function managed(path: string, body: (read: () => string | undefined) => void): void {
  const fd = native.socket(c.AF_UNIX, c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
  native.bind(fd, packUnixAddress(path));
  process.env.NOTIFY_SOCKET = path;
  try {
    body(() => {
      const datagram = native.receive(fd);
      return datagram && new TextDecoder().decode(datagram.payload);
    });
  } finally {
    delete process.env.NOTIFY_SOCKET;
    native.close(fd);
  }
}

test('the service manager is told, one datagram a state', () => {
  const directory = mkdtempSync(join(tmpdir(), 'notify-'));
  managed(join(directory, 'notify'), (read) => {
    assert.equal(notify('READY=1'), true);
    assert.equal(notify('STATUS=two routers, ünïcode\nWATCHDOG=1'), true);
    assert.equal(read(), 'READY=1');
    assert.equal(read(), 'STATUS=two routers, ünïcode\nWATCHDOG=1');
    assert.equal(read(), undefined);
  });
  rmSync(directory, { recursive: true });
});

test('its socket may be in the abstract namespace', () => {
  managed(`@lvskeeper-notify-${process.pid}`, (read) => {
    assert.equal(notify('READY=1'), true);
    assert.equal(read(), 'READY=1');
  });
});

test('without a service manager nobody is told, and nothing fails', () => {
  delete process.env.NOTIFY_SOCKET;
  assert.equal(notify('READY=1'), false);
});

test('a service manager that is gone, or out of reach, does not fail us', () => {
  for (const path of ['/nonexistent/notify', '@nobody-listens-here', 'vsock:2:1', '/', `/${'x'.repeat(200)}`]) {
    process.env.NOTIFY_SOCKET = path;
    assert.equal(notify('READY=1'), false, path);
  }
  delete process.env.NOTIFY_SOCKET;
});
