/** The client against the kernel's rtnetlink, with requests that need no privilege. */

import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import type { Result } from '../../../src/base/result.ts';
import { NETLINK, netlinkOver, openNetlink } from '../../../src/system/netlink.ts';
import { type Link, openRtnetlink } from '../../../src/system/rtnetlink.ts';
import { decodeMessages, type Message, NLM_F, NLMSG, writeMessage } from '../../../src/wire/netlink.ts';
import { decodeLink, writeGetLink } from '../../../src/wire/netlink-link.ts';
import { RTM } from '../../../src/wire/netlink-rtnl.ts';
import { newSink, reserve, written } from '../../../src/wire/netlink-sink.ts';

function client() {
  const opened = openNetlink(NETLINK.ROUTE);
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}
const linkByName = (name: string) => ({
  type: RTM.GETLINK,
  payload: (sink: Parameters<typeof writeGetLink>[0]) => writeGetLink(sink, name),
});

test('a request is answered with data, or with the kernel’s errno by name', async () => {
  const netlink = client();
  try {
    const [lo, nope] = await Promise.all([netlink.request(linkByName('lo')), netlink.request(linkByName('nope'))]);
    assert.ok(lo.ok && lo.value[0] !== undefined);
    const link = decodeLink(lo.value[0].payload);
    assert.ok(link.ok);
    assert.equal(link.value.name, 'lo');
    assert.ok(!nope.ok);
    assert.deepEqual([nope.error.code, nope.error.errno], ['ENODEV', 19]);
    assert.deepEqual(netlink.sent, { reads: 2, writes: 0 });
  } finally {
    netlink.close();
  }
});

test('a batch longer than what may be outstanding has one answer for each request, in order', async () => {
  const netlink = client();
  try {
    // Two kinds of request that change nothing, need no privilege, and are refused each in its own way.
    const unknown = { type: 4095, payload: () => {} };
    const requests = Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? linkByName('nope') : unknown));
    const results = await netlink.batch(requests);
    assert.equal(
      results.map((result) => (result.ok ? 'done' : result.error.code)).join(' '),
      requests.map((_, i) => (i % 3 === 0 ? 'ENODEV' : 'ENOTSUP')).join(' '),
    );
    assert.equal(netlink.sent.writes, 5000);
    assert.deepEqual(await netlink.batch([]), []);
  } finally {
    netlink.close();
  }
});

test('what the kernel answers at once is there in the same turn of the event loop', async () => {
  const netlink = client();
  try {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const [lo] = await netlink.batch([linkByName('lo')]);
    const found = await netlink.request(linkByName('lo'));
    assert.ok(lo?.ok && found.ok);
    assert.equal(found.value.length, 1);
    assert.equal(turned, false);
  } finally {
    netlink.close();
  }
});

test('what is under way when the client closes is told that it was canceled, and so is what comes after', async () => {
  const netlink = client();
  const under = netlink.dump({ type: RTM.GETLINK, payload: (sink) => writeGetLink(sink) });
  await null;
  netlink.close();
  for (const result of [
    await under,
    await netlink.request(linkByName('lo')),
    ...(await netlink.batch([linkByName('lo')])),
  ]) {
    assert.ok(!result.ok);
    assert.equal(result.error.code, 'ECANCELED');
  }
  netlink.close();
});

test('links and addresses are those that Node sees too', async () => {
  const opened = openRtnetlink();
  assert.ok(opened.ok);
  const rtnetlink = opened.value;
  try {
    const [links, addresses] = await Promise.all([rtnetlink.links(), rtnetlink.addresses()]);
    assert.ok(links.ok && addresses.ok);
    for (const [name, seen] of Object.entries(networkInterfaces())) {
      const link: Link | undefined = links.value.find((one) => one.name === name);
      assert.ok(link?.up, name);
      for (const { address, mac } of seen ?? []) {
        assert.equal(link.mac, mac);
        assert.ok(
          addresses.value.some((one) => one.index === link.index && one.prefix.address === address),
          address,
        );
      }
    }
    const route = await rtnetlink.route(ip('127.0.0.1'));
    assert.ok(route.ok);
    assert.equal(route.value.source, '127.0.0.1');
  } finally {
    rtnetlink.close();
  }
});

test('many requests are answered in a few sends, each by what the kernel has for it', async () => {
  const netlink = client();
  try {
    const names = Array.from({ length: 3000 }, (_, i) => (i % 3 === 1 ? 'nope' : 'lo'));
    const answers = await netlink.requests(names.map(linkByName));
    assert.deepEqual(
      answers.map((answer) => (answer.ok ? answer.value.length : answer.error.code)),
      names.map((name) => (name === 'lo' ? 1 : 'ENODEV')),
    );
    assert.deepEqual(netlink.sent, { reads: 3000, writes: 0 });
    assert.deepEqual(await netlink.requests([]), []);
  } finally {
    netlink.close();
  }
});

/** A kernel of bytes: keeps what is sent, and answers what `answer` gives for each message. */
function fakeWire(answer: (sequence: number, asked: boolean, index: number) => Uint8Array | undefined) {
  const sent: (readonly Message[])[] = [];
  const waiting: Uint8Array[] = [];
  const netlink = netlinkOver({
    ...{ port: 77, room: 4 << 20 },
    listen: () => {},
    send(bytes) {
      const decoded = decodeMessages(bytes.slice());
      assert.ok(decoded.ok);
      sent.push(decoded.value);
      for (const [i, { sequence, flags }] of decoded.value.entries()) {
        const bytes = answer(sequence, (flags & NLM_F.ACK) !== 0, i);
        if (bytes !== undefined) waiting.push(bytes);
      }
    },
    receive() {
      const bytes = waiting.shift();
      return bytes && { bytes, port: 0 };
    },
    close: () => {},
  });
  return { sent, netlink };
}

/** NLMSG_ERROR to port 77, capped: minus the errno, and the header of the request. */
function answerTo(sequence: number, errno: number): Uint8Array {
  const sink = newSink();
  writeMessage(sink, { type: NLMSG.ERROR, flags: NLM_F.CAPPED, sequence, port: 77 }, (to) => {
    const at = reserve(to, 20);
    to.view.setInt32(at, -errno, true);
  });
  return written(sink).slice();
}

const some = (count: number) => Array.from({ length: count }, () => ({ type: 30, payload: () => {} }));
const codes = (results: readonly Result<unknown, { code: string }>[]) =>
  results.map((result) => (result.ok ? 'done' : result.error.code));

test('only the last of a send asks to be acknowledged, and a refusal is that of the request which it answers', async () => {
  const refused = new Map([
    [0, 17],
    [2, 2],
  ]);
  const { sent, netlink } = fakeWire((sequence, asked, i) => {
    const errno = refused.get(i);
    return errno !== undefined || asked ? answerTo(sequence, errno ?? 0) : undefined;
  });
  const reads = netlink.requests(some(2));
  const [results] = await Promise.all([netlink.batch(some(5)), reads]);
  assert.deepEqual(codes(results), ['EEXIST', 'done', 'ENOENT', 'done', 'done']);
  const { REQUEST, ACK } = NLM_F;
  assert.deepEqual(
    sent.map((messages) => messages.map(({ flags }) => flags)),
    [
      [REQUEST, REQUEST | ACK],
      [REQUEST, REQUEST, REQUEST, REQUEST, REQUEST | ACK],
    ],
  );
  refused.set(4, 22);
  assert.deepEqual(codes(await netlink.batch(some(5))), ['EEXIST', 'done', 'ENOENT', 'done', 'EINVAL']);
  // A send for each time that the answers would fill the receive buffer; of each its last asks.
  refused.clear();
  const before = sent.length;
  assert.equal(codes(await netlink.batch(some(5000))).join(''), 'done'.repeat(5000));
  assert.deepEqual(
    sent.slice(before).map((messages) => messages.flatMap(({ flags }, i) => ((flags & ACK) === 0 ? [] : [i]))),
    [[2047], [2047], [903]],
  );
});

test('an answer that cannot be read leaves no request of its send as done', async () => {
  const { netlink } = fakeWire((sequence, asked, i) => {
    if (i === 1) return answerTo(sequence, 17).subarray(0, 30);
    return asked ? answerTo(sequence, 0) : undefined;
  });
  assert.deepEqual(codes(await netlink.batch(some(3))), ['errno 74', 'errno 74', 'errno 74']);
});
