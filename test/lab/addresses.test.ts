/** rtnetlink against the kernel, with ip(8) as the witness and, where something has to change, as the somebody else. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test, { after, before } from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../src/base/address.ts';
import { type NetworkEvent, type OwnAddress, openRtnetlink, watchNetwork } from '../../src/system/rtnetlink.ts';
import { eventually, must } from './process.ts';

const DEVICE = 'lvsk0';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

function rtnetlink() {
  const opened = openRtnetlink();
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}

async function index(): Promise<number> {
  const client = rtnetlink();
  const link = await client.link(DEVICE);
  client.close();
  assert.ok(link.ok, JSON.stringify(link));
  return link.value.index;
}

type Shown = { local: string; prefixlen: number; scope: string; nodad?: boolean };
async function shown(): Promise<readonly Shown[]> {
  const text = await must(['ip', '-j', 'address', 'show', 'dev', DEVICE]);
  return (JSON.parse(text) as { addr_info: Shown[] }[])[0]?.addr_info ?? [];
}

before(() =>
  must(['ip', 'link', 'add', DEVICE, 'address', '02:00:00:00:00:77', 'type', 'veth', 'peer', 'name', 'lvsk1']),
);
after(() => must(['ip', 'link', 'delete', DEVICE]));

test('a link is told as ip shows it, up or down, with and without carrier', async () => {
  const client = rtnetlink();
  try {
    const state = async () => {
      const link = await client.link(DEVICE);
      assert.ok(link.ok, JSON.stringify(link));
      const { up, running, lowerUp, mac, mtu } = link.value;
      assert.deepEqual({ mac, mtu }, { mac: '02:00:00:00:00:77', mtu: 1500 });
      return { up, running, lowerUp };
    };
    assert.deepEqual(await state(), { up: false, running: false, lowerUp: false });
    await must(['ip', 'link', 'set', DEVICE, 'up']);
    assert.deepEqual(await state(), { up: true, running: false, lowerUp: false });
    await must(['ip', 'link', 'set', 'lvsk1', 'up']);
    await eventually('the carrier', 5000, async () => ((await state()).running ? true : undefined));
    assert.deepEqual(await state(), { up: true, running: true, lowerUp: true });

    const links = await client.links();
    assert.ok(links.ok);
    const names = (JSON.parse(await must(['ip', '-j', 'link'])) as { ifname: string }[]).map((one) => one.ifname);
    assert.deepEqual(links.value.map((one) => one.name).sort(), names.sort());
    const none = await client.link('nope');
    assert.ok(!none.ok);
    assert.equal(none.error.code, 'ENODEV');
  } finally {
    client.close();
  }
});

test('addresses are added and deleted in one go; what needs nothing says so', async () => {
  const client = rtnetlink();
  try {
    const on = await index();
    const wanted: readonly OwnAddress[] = [
      { index: on, prefix: prefix('192.0.2.100/24') },
      { index: on, prefix: prefix('192.0.2.101/32'), scope: 'host' },
      { index: on, prefix: prefix('2001:db8::100/64'), noDad: true },
    ];
    const values = (results: readonly { ok: boolean; value?: string }[]) => results.map((result) => result.value);
    const own = async () => (await shown()).filter((one) => one.scope !== 'link');

    assert.deepEqual(values(await client.addAddresses(wanted)), ['added', 'added', 'added']);
    assert.deepEqual(
      (await own()).map((one) => `${one.local}/${one.prefixlen} ${one.scope}${one.nodad ? ' nodad' : ''}`).sort(),
      ['192.0.2.100/24 global', '192.0.2.101/32 host', '2001:db8::100/64 global nodad'],
    );
    const read = await client.addresses(on);
    assert.ok(read.ok);
    assert.deepEqual(
      read.value
        .map((one) => `${one.prefix.address}/${one.prefix.length}`)
        .filter((one) => !one.startsWith('fe80'))
        .sort(),
      ['192.0.2.100/24', '192.0.2.101/32', '2001:db8::100/64'],
    );
    assert.deepEqual(values(await client.addAddresses(wanted)), ['already-there', 'already-there', 'already-there']);
    assert.deepEqual(values(await client.deleteAddresses(wanted)), ['deleted', 'deleted', 'deleted']);
    assert.deepEqual(await own(), []);
    assert.deepEqual(values(await client.deleteAddresses(wanted)), ['absent', 'absent', 'absent']);
    assert.equal(client.sent.writes, 12);
  } finally {
    client.close();
  }
});

test('an address for an interface that is not there is refused on adding, absent on deleting', async () => {
  const client = rtnetlink();
  try {
    const nowhere = { index: 9999, prefix: prefix('192.0.2.100/24') };
    const [added] = await client.addAddresses([nowhere]);
    assert.ok(added !== undefined && !added.ok);
    assert.equal(added.error.code, 'ENODEV');
    assert.deepEqual(await client.deleteAddresses([nowhere]), [{ ok: true, value: 'absent' }]);
  } finally {
    client.close();
  }
});

test('the way to a destination names the interface, the source and the gateway', async () => {
  const client = rtnetlink();
  try {
    const on = await index();
    await must(['ip', 'address', 'add', '198.51.100.1/24', 'dev', DEVICE]);
    await must(['ip', 'route', 'add', '203.0.113.0/24', 'via', '198.51.100.254', 'dev', DEVICE]);
    assert.deepEqual(await client.route(ip('198.51.100.7')), {
      ok: true,
      value: { interfaceIndex: on, source: '198.51.100.1', gateway: undefined },
    });
    assert.deepEqual(await client.route(ip('203.0.113.7')), {
      ok: true,
      value: { interfaceIndex: on, source: '198.51.100.1', gateway: '198.51.100.254' },
    });
    const nowhere = await client.route(ip('233.252.0.1'));
    assert.ok(!nowhere.ok);
    assert.equal(nowhere.error.code, 'ENETUNREACH');
  } finally {
    client.close();
    await must(['ip', 'address', 'flush', 'dev', DEVICE]);
  }
});

test('what somebody else does to links and addresses is told', async () => {
  const events: NetworkEvent[] = [];
  const watch = watchNetwork((event) => events.push(event));
  assert.ok(watch.ok);
  try {
    const on = await index();
    const told = (kind: 'address' | 'link', gone: boolean, name: string) =>
      eventually(`${kind} ${name} ${gone ? 'gone' : 'there'}`, 5000, () =>
        events.find(
          (event) =>
            event.kind !== 'overrun' &&
            event.kind === kind &&
            event.gone === gone &&
            (event.kind === 'link' ? event.link.name : event.address.prefix.address) === name,
        ),
      );
    await must(['ip', 'address', 'add', '192.0.2.1/24', 'dev', DEVICE]);
    const added = await told('address', false, '192.0.2.1');
    assert.ok(added.kind === 'address');
    assert.deepEqual([added.address.index, added.address.prefix.length], [on, 24]);
    await must(['ip', 'address', 'delete', '192.0.2.1/24', 'dev', DEVICE]);
    await told('address', true, '192.0.2.1');
    await must(['ip', 'address', 'add', '2001:db8::1/64', 'dev', DEVICE, 'nodad']);
    await told('address', false, '2001:db8::1');
    await must(['ip', 'link', 'add', 'lvsk2', 'type', 'veth', 'peer', 'name', 'lvsk3']);
    await told('link', false, 'lvsk2');
    await must(['ip', 'link', 'delete', 'lvsk2']);
    await told('link', true, 'lvsk2');
  } finally {
    watch.value.close();
  }
});

test('more notifications than the buffer holds are told as an overrun, and the process lives', async () => {
  let heard = 0;
  const overruns: NetworkEvent[] = [];
  const watch = watchNetwork((event) => (event.kind === 'overrun' ? overruns.push(event) : heard++));
  assert.ok(watch.ok);
  try {
    // The buffer holds some 11,000: 8 MiB, and each takes 768 bytes of it.
    const flaps = 8_000;
    const flap = `address add 192.0.2.9/32 dev ${DEVICE}\naddress delete 192.0.2.9/32 dev ${DEVICE}\n`;
    execFileSync('ip', ['-batch', '-'], { input: flap.repeat(flaps) });
    await eventually('the overrun', 10_000, () => overruns[0]);
    assert.ok(heard < 2 * flaps, `${heard} notifications were heard, so none was lost`);
    await must(['ip', 'address', 'add', '192.0.2.9/32', 'dev', DEVICE]);
    const lost = heard;
    await eventually('a notification after the overrun', 5000, () => (heard > lost ? true : undefined));
  } finally {
    watch.value.close();
  }
});

test('an address with a lifetime goes by itself, unless it is renewed; renewed without one it stays for good', async () => {
  const client = rtnetlink();
  try {
    const on = await index();
    const leased = { index: on, prefix: prefix('192.0.2.110/32'), lifetime: 2 };
    const kept = { index: on, prefix: prefix('192.0.2.111/32'), lifetime: 2 };
    assert.deepEqual(
      (await client.addAddresses([leased, kept])).map((one) => one.ok),
      [true, true],
    );
    const lives = async (): Promise<Record<string, number>> => {
      const text = await must(['ip', '-j', 'address', 'show', 'dev', DEVICE]);
      const [link] = JSON.parse(text) as { addr_info: { local: string; valid_life_time: number }[] }[];
      return Object.fromEntries((link?.addr_info ?? []).map((one) => [one.local, one.valid_life_time]));
    };
    assert.ok(((await lives())['192.0.2.110'] ?? 99) <= 2);
    assert.deepEqual(
      (await client.renewAddresses([{ ...kept, lifetime: null }])).map((one) => one.ok),
      [true],
    );
    assert.equal((await lives())['192.0.2.111'], 4294967295);
    await eventually('the address to go', 10_000, async () => ('192.0.2.110' in (await lives()) ? undefined : true));
    assert.ok('192.0.2.111' in (await lives()));
  } finally {
    client.close();
  }
});
