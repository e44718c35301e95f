import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { createNetworkView } from '../../../src/daemon/network-view.ts';
import { createSegment } from '../../../src/daemon/segment.ts';
import type { InterfaceAddress, Link } from '../../../src/system/rtnetlink.ts';

const link = (index: number, name: string): Link => ({
  ...{ index, name, mac: '02:00:5e:00:53:01', up: true, running: true, lowerUp: true },
  ...{ loopback: false, multicast: true, mtu: 1500 },
});
const at = (index: number, text: string): InterfaceAddress => ({
  ...{ index, prefix: parsePrefix(text) as Prefix, scope: 0, flags: 0 },
});

/** `did`: what the view said, in order. `turn` ends a turn of the event loop. */
async function world() {
  const did: string[] = [];
  let later: (() => void)[] = [];
  const view = createNetworkView({
    rtnetlink: {
      links: async () => ok([link(2, 'eth0'), link(3, 'eth1')]),
      addresses: async () => ok([at(2, '192.0.2.1/24'), at(3, '198.51.100.1/24')]),
    },
    openSegment: (name) =>
      createSegment(name, {
        trouble() {},
        openTransport() {
          throw new Error('no router is on it');
        },
      }),
    address: (address, device, present) => did.push(`${address} is ${present ? '' : 'not '}on ${device}`),
    reread: () => did.push('reread'),
    changed: (where) => did.push(where === null ? 'changed' : `changed ${[...where].join(' ')}`),
    floats: (address: IpAddress) => address.startsWith('203.0.113.'),
    soon: (work) => later.push(work),
    trouble: (what) => did.push(what),
  });
  view.segment('eth0');
  view.segment('eth1');
  await view.read();
  return {
    view,
    did,
    turn() {
      const all = later;
      later = [];
      for (const work of all) work();
      return did.splice(0);
    },
  };
}

test('what is read is told at once', async () => {
  const w = await world();
  assert.deepEqual(w.did, ['reread', 'changed']);
  assert.equal(w.view.link('eth1')?.index, 3);
  assert.equal(w.view.segment('eth0').has('192.0.2.1' as IpAddress), true);
});

test('own addresses that change in one turn are told together, with their interfaces', async () => {
  const w = await world();
  w.turn();
  w.view.note({ kind: 'address', address: at(2, '192.0.2.9/24'), gone: false });
  w.view.note({ kind: 'address', address: at(2, '192.0.2.1/24'), gone: true });
  w.view.note({ kind: 'address', address: at(3, '198.51.100.1/24'), gone: true });
  assert.deepEqual(w.turn(), [
    '192.0.2.9 is on eth0',
    '192.0.2.1 is not on eth0',
    '198.51.100.1 is not on eth1',
    'changed eth0 eth1',
  ]);
  assert.deepEqual(w.turn(), []);
});

test('addresses that float change nothing for anybody, however many come', async () => {
  const w = await world();
  w.turn();
  for (let host = 1; host <= 3; host++)
    w.view.note({ kind: 'address', address: at(2, `203.0.113.${host}/32`), gone: false });
  assert.deepEqual(w.turn(), ['203.0.113.1 is on eth0', '203.0.113.2 is on eth0', '203.0.113.3 is on eth0']);
});

test('a link concerns all, before and after addresses in the same turn', async () => {
  const w = await world();
  w.turn();
  w.view.note({ kind: 'address', address: at(2, '192.0.2.9/24'), gone: false });
  w.view.note({ kind: 'link', link: { ...link(3, 'eth1'), mtu: 1400 }, gone: false });
  w.view.note({ kind: 'address', address: at(2, '192.0.2.9/24'), gone: true });
  assert.deepEqual(w.turn(), ['192.0.2.9 is on eth0', '192.0.2.9 is not on eth0', 'changed']);
});

test('that a link is lost is told at once, before the addresses that go with it', async () => {
  const w = await world();
  w.turn();
  w.view.note({ kind: 'address', address: at(2, '192.0.2.9/24'), gone: false });
  w.view.note({ kind: 'link', link: { ...link(2, 'eth0'), running: false }, gone: false });
  w.view.note({ kind: 'address', address: at(2, '192.0.2.9/24'), gone: true });
  assert.deepEqual(w.did.slice(0, 3), ['192.0.2.9 is on eth0', 'changed', '192.0.2.9 is not on eth0']);
});

test('events that were lost are made up for by reading, after which nothing is left to tell', async () => {
  const w = await world();
  w.turn();
  w.view.note({ kind: 'address', address: at(2, '192.0.2.9/24'), gone: false });
  w.did.length = 0;
  w.view.note({ kind: 'overrun' });
  await new Promise(setImmediate);
  assert.deepEqual(w.turn(), ['reread', 'changed']);
});

/** A kernel whose links can be read when the test says so, and a clock for what is read again. */
function restless(links: () => ReturnType<Parameters<typeof createNetworkView>[0]['rtnetlink']['links']>) {
  const did: string[] = [];
  const w = { again: [] as (() => void)[], reads: 0 };
  const view = createNetworkView({
    rtnetlink: {
      links: () => {
        w.reads += 1;
        return links();
      },
      addresses: async () => ok([at(2, '192.0.2.1/24')]),
    },
    openSegment: (name) =>
      createSegment(name, { trouble() {}, openTransport: () => assert.fail('no router is on it') }),
    ...{ address() {}, reread() {}, changed: () => did.push('changed'), trouble: (what) => did.push(what) },
    soon: () => {},
    later: (_, work) => {
      w.again.push(work);
      return { cancel: () => void w.again.splice(w.again.indexOf(work), 1) };
    },
  });
  view.segment('eth0');
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) await Promise.resolve();
  };
  const again = async (): Promise<void> => {
    for (const work of w.again.splice(0)) work();
    await settle();
  };
  return { w, view, did, again };
}
const BROKEN = err({ errno: 11, code: 'EAGAIN', message: 'it changed' });

test('what could not be read is read again until it can be', async () => {
  let broken = true;
  const { w, view, did, again } = restless(async () => (broken ? BROKEN : ok([link(2, 'eth0')])));
  await view.read();
  assert.deepEqual(
    [did.splice(0), view.link('eth0'), w.again.length],
    [['links and addresses could not be read'], undefined, 1],
  );
  await again();
  assert.equal(w.again.length, 1, 'and once more');
  broken = false;
  did.length = 0;
  await again();
  assert.deepEqual([did, view.link('eth0')?.index, w.again.length], [['changed'], 2, 0]);
});

test('what changed during every read is taken, and read once more a little later', async () => {
  let busy = true;
  const { w, view, again } = restless(async () => {
    if (busy) view.note({ kind: 'link', link: link(7, 'other'), gone: false });
    return ok([link(2, 'eth0')]);
  });
  await view.read();
  assert.deepEqual([view.link('eth0')?.index, w.reads, w.again.length], [2, 5, 1]);
  busy = false;
  await again();
  assert.deepEqual([w.reads, w.again.length], [6, 0]);
});

test('closed, it reads nothing again', async () => {
  const { w, view } = restless(async () => BROKEN);
  await view.read();
  view.close();
  assert.equal(w.again.length, 0);
  await view.read();
  assert.equal(w.again.length, 0);
});
