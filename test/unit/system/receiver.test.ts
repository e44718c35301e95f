import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { instant } from '../../../src/base/time.ts';
import { now } from '../../../src/system/clock.ts';
import { constants as c, type Datagram, native } from '../../../src/system/native.ts';
import { arrival, createReceiver } from '../../../src/system/receiver.ts';
import { packUnixAddress } from '../../../src/system/sockaddr.ts';

let serial = 0;

/** A datagram socket with a name, and what sends to it. */
function mailbox(): { fd: number; post: (text: string) => void; close: () => void } {
  const name = packUnixAddress(`@lvskeeper-test-${process.pid}-${serial++}`);
  const fd = native.socket(c.AF_UNIX, c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
  const sender = native.socket(c.AF_UNIX, c.SOCK_DGRAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
  native.setOption(fd, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1);
  native.bind(fd, name);
  return {
    fd,
    post: (text) => native.send(sender, new TextEncoder().encode(text), name),
    close: () => [fd, sender].forEach(native.close),
  };
}
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test('datagrams come in order, each dated between its sending and its reading', async () => {
  const box = mailbox();
  const got: string[] = [];
  const before = now();
  await new Promise<void>((resolve) => {
    const receiver = createReceiver(
      box.fd,
      ({ payload }, at) => {
        got.push(text(payload));
        assert.ok(at >= before && at <= now());
        if (got.length < 3) return;
        receiver.close();
        resolve();
      },
      assert.fail,
    );
    for (const word of ['one', 'two', 'three']) box.post(word);
  });
  box.close();
  assert.deepEqual(got, ['one', 'two', 'three']);
});

test('the date is that of arrival, not of reading', async () => {
  const box = mailbox();
  const receivedAt = new Promise<number>((resolve) => {
    const date = (_: Datagram, at: number): void => {
      receiver.close();
      resolve(at);
    };
    const receiver = createReceiver(box.fd, date, assert.fail);
  });
  box.post('early');
  const sent = now();
  while (now() < sent + 20);
  // A step of the wall clock in these 20 ms would be seen as an arrival at reading; nothing here steps it.
  assert.ok((await receivedAt) < sent + 10);
  box.close();
});

test('nothing is delivered after close, even of what was waiting', async () => {
  const box = mailbox();
  const got: string[] = [];
  const receiver = createReceiver(
    box.fd,
    ({ payload }) => {
      got.push(text(payload));
      receiver.close();
      box.close();
    },
    assert.fail,
  );
  for (const word of ['one', 'two']) box.post(word);
  while (got.length === 0) await turn();
  await turn();
  assert.deepEqual(got, ['one']);
});

test('a flood leaves room for the rest of the event loop', async () => {
  const box = mailbox();
  let received = 0;
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (received < 1000) setImmediate(count);
  };
  setImmediate(count);
  await new Promise<void>((resolve) => {
    const receiver = createReceiver(
      box.fd,
      () => {
        received += 1;
        // As fast as it is read: the queue is never empty.
        if (received < 1000) return box.post('more');
        receiver.close();
        resolve();
      },
      assert.fail,
    );
    box.post('first');
  });
  box.close();
  assert.ok(turns >= Math.floor(1000 / 64), `${turns} turns for 1000 datagrams`);
});

test('a listener that throws loses no datagram', async () => {
  const box = mailbox();
  const got: string[] = [];
  const receiver = createReceiver(
    box.fd,
    ({ payload }) => {
      got.push(text(payload));
      if (got.length === 1) throw new Error('listener');
      receiver.close();
    },
    assert.fail,
  );
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const thrown = once(process, 'uncaughtException');
  box.post('one');
  box.post('two');
  assert.equal((await thrown)[0].message, 'listener');
  for (const listener of listeners) process.on('uncaughtException', listener);
  while (got.length < 2) await turn();
  box.close();
  assert.deepEqual(got, ['one', 'two']);
});

test('whatever the wall clock did, a date is never before the socket was seen empty nor after it was read', () => {
  const time = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(
      fc.option(time, { nil: undefined }),
      time,
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (claimed, t, d) => {
        const emptyAt = instant(t);
        const readAt = instant(t + d);
        const at = arrival(claimed, emptyAt, readAt);
        assert.ok(at >= emptyAt && at <= readAt);
        if (claimed !== undefined && claimed >= emptyAt && claimed <= readAt) assert.equal(at, claimed);
        if (claimed === undefined) assert.equal(at, readAt);
      },
    ),
  );
});
