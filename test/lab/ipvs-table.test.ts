/** The kernel's own IPVS table through the contract that the fake one passes, with ipvsadm(8) as the witness. */

import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import test from 'node:test';
import { ip } from '../../src/base/address.ts';
import { plan } from '../../src/ipvs/plan.ts';
import { type Destination, SCHEDULERS, type Service, type ServiceId, tableOf } from '../../src/ipvs/table.ts';
import { type Ipvs, openIpvs } from '../../src/system/ipvs.ts';
import { NETLINK, openNetlink } from '../../src/system/netlink.ts';
import { decodeFamily, GENL_ID_CTRL, writeGetFamily } from '../../src/wire/netlink-generic.ts';
import {
  destinationAttributes,
  IPVS_GENL_NAME,
  serviceAttributes,
  serviceKeyAttributes,
  writeIpvs,
} from '../../src/wire/netlink-ipvs.ts';
import type { Sink } from '../../src/wire/netlink-sink.ts';
import { saved, uncounted } from '../contract/fake-ipvs.ts';
import { ipvsContract } from '../contract/ipvs.ts';
import { must, run } from './process.ts';

async function open(): Promise<Ipvs> {
  const opened = await openIpvs();
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}

const rules = async (): Promise<readonly string[]> =>
  (await must(['ipvsadm', '-S', '-n']))
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .sort();

/** Those that ipvsadm can use here, so that what is refused to us is compared with what is refused to it. */
async function availableSchedulers(): Promise<readonly string[]> {
  const available: string[] = [];
  for (const scheduler of SCHEDULERS) {
    const { code } = await run(['ipvsadm', '-A', '-t', '192.0.2.250:1', '-s', scheduler]);
    if (code === 0) available.push(scheduler);
    await run(['ipvsadm', '-D', '-t', '192.0.2.250:1']);
  }
  return available;
}

const schedulers = await availableSchedulers();

ipvsContract('the kernel', async () => {
  await must(['ipvsadm', '-C']);
  const ipvs = await open();
  return {
    ipvs,
    schedulers,
    saved: rules,
    end: async () => {
      ipvs.close();
      await must(['ipvsadm', '-C']);
    },
  };
});

test('the kernel has every scheduler of ours but, at most, the newest', () => {
  assert.deepEqual(
    SCHEDULERS.filter((name) => !schedulers.includes(name) && name !== 'twos'),
    [],
  );
});

const WEB = { protocol: 'tcp', address: { address: ip('192.0.2.10'), port: 80 } } as const;
const server = (address: string): Destination => ({
  address: { address: ip(address), port: 80 },
  forward: 'nat',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: null,
});
const service = (id: ServiceId, destinations: readonly Destination[]): Service => ({
  id,
  scheduler: 'rr',
  persistence: null,
  granularity: 32,
  engine: null,
  flags: 0,
  destinations,
});

test('services that ipvsadm made are read, and those that are not ours are left alone', async () => {
  const made = [
    '-A --sctp-service 192.0.2.10:80 -s rr',
    '-A -f -1 -s rr',
    '-A -f 7 -6 -s rr',
    '-A -f 7 -s rr',
    '-A -t 192.0.2.10:80 -s mh -p 77 -b mh-fallback,mh-port',
    '-A -u 192.0.2.10:5060 -s rr -p 60 -M 255.255.255.0 --pe sip -o',
    '-A -u [2001:db8::10]:5060 -s sh -p 60 -M 64 -b sh-fallback,sh-port',
    '-a -f 7 -6 -r 10.0.0.1:0 -i -w 1 --tun-type gre --tun-csum',
    '-a -f 7 -r 10.0.0.1:80 -g -w 1',
    '-a -t 192.0.2.10:80 -r 10.0.0.21:80 -i -w 9 --tun-type ipip',
    '-a -t 192.0.2.10:80 -r [fd00::21]:80 -i -w 9 --tun-type gue --tun-port 6080 --tun-remcsum',
  ];
  await must(['ipvsadm', '-R'], `${made.map((line) => line.replace('-f -1', '-f 4294967295')).join('\n')}\n`);
  const ipvs = await open();
  try {
    const read = await ipvs.read();
    assert.ok(read.ok);
    assert.deepEqual(saved(read.value), made);
    const ours = 'tcp 192.0.2.10:80';
    const results = await ipvs.apply(plan(read.value, new Map(), new Set([ours])));
    assert.deepEqual(results, [{ ok: true, value: null }]);
    assert.deepEqual(
      await rules(),
      made.filter((line) => !line.includes('-t ')),
    );
  } finally {
    ipvs.close();
    await must(['ipvsadm', '-C']);
  }
});

test('a mask with holes keeps nobody from reading; it is left alone, and put right where it is ours', async () => {
  const add = (address: string) => [
    'ipvsadm',
    '-A',
    '-t',
    `${address}:80`,
    '-s',
    'rr',
    '-p',
    '60',
    '-M',
    '255.0.255.0',
  ];
  await must(add('192.0.2.9'));
  await must(add('192.0.2.10'));
  const ipvs = await open();
  try {
    const read = await ipvs.read();
    assert.ok(read.ok, JSON.stringify(read));
    assert.equal(read.value.get('tcp 192.0.2.10:80')?.granularity, null);
    const wanted = { ...service(WEB, []), persistence: 60, granularity: 24 };
    const results = await ipvs.apply(plan(read.value, tableOf([wanted]), new Set()));
    assert.deepEqual(results, [{ ok: true, value: null }]);
    assert.deepEqual(await rules(), [
      '-A -t 192.0.2.10:80 -s rr -p 60 -M 255.255.255.0',
      '-A -t 192.0.2.9:80 -s rr -p 60 -M 255.0.255.0',
    ]);
  } finally {
    ipvs.close();
    await must(['ipvsadm', '-C']);
  }
});

test('a tunnel and a protocol that have no name here keep nobody from reading', async () => {
  const ipvs = await open();
  try {
    const [made] = await ipvs.apply([{ op: 'add-service', service: service(WEB, []) }]);
    assert.deepEqual(made, { ok: true, value: null });
    const tunnelled = { ...server('10.0.0.21'), forward: 'tun', tunnel: IPIP } as const;
    const about = { IPVS_DEST_ATTR_TUN_TYPE: 2, IPVS_DEST_ATTR_TUN_FLAGS: 3 };
    await ask('NEW_DEST', serviceKeyAttributes(WEB), { ...destinationAttributes(tunnelled), ...about });
    const other = serviceAttributes({
      ...service(WEB, []),
      id: { ...WEB, address: { address: ip('192.0.2.11'), port: 1 } },
    });
    await ask('NEW_SERVICE', { ...other, IPVS_SVC_ATTR_PROTOCOL: 50 });

    const read = await ipvs.read();
    assert.ok(read.ok, JSON.stringify(read));
    assert.deepEqual([...read.value.keys()], ['tcp 192.0.2.10:80']);
    assert.equal(read.value.get('tcp 192.0.2.10:80')?.destinations[0]?.tunnel, null);
    const results = await ipvs.apply(plan(read.value, tableOf([service(WEB, [tunnelled])]), new Set()));
    assert.deepEqual(results, [{ ok: true, value: null }]);
    const [line] = (await rules()).filter((one) => one.startsWith('-a'));
    assert.equal(line, '-a -t 192.0.2.10:80 -r 10.0.0.21:80 -i -w 1 --tun-type ipip');
  } finally {
    ipvs.close();
    await must(['ipvsadm', '-C']);
  }
});

const IPIP = { type: 'ipip', port: 0, checksum: 'none' } as const;

/** One request as no `Ipvs` of ours makes it. */
async function ask(
  ...[command, about, destination]: Parameters<typeof writeIpvs> extends [Sink, ...infer R] ? R : never
) {
  const opened = openNetlink(NETLINK.GENERIC);
  assert.ok(opened.ok);
  const netlink = opened.value;
  const found = await netlink.request({ type: GENL_ID_CTRL, payload: (sink) => writeGetFamily(sink, IPVS_GENL_NAME) });
  assert.ok(found.ok);
  const family = decodeFamily(found.value[0]?.payload ?? new Uint8Array(0));
  assert.ok(family.ok);
  const payload = (sink: Sink) => writeIpvs(sink, command, about, destination);
  assert.deepEqual(await netlink.batch([{ type: family.value.id, payload }]), [{ ok: true, value: null }]);
  netlink.close();
}

test('thresholds are what ipvsadm shows of them', async () => {
  const ipvs = await open();
  try {
    const limited = { ...server('10.0.0.21'), upperThreshold: 50, lowerThreshold: 5 };
    const results = await ipvs.apply(plan(new Map(), tableOf([service(WEB, [limited])]), new Set()));
    assert.ok(results.every((result) => result.ok));
    const shown = await must(['ipvsadm', '-L', '-n', '--thresholds']);
    assert.match(shown, /10\.0\.0\.21:80 +50 +5 +/);
  } finally {
    ipvs.close();
    await must(['ipvsadm', '-C']);
  }
});

test('while connections are synchronized, the refusal of a server of another family says so', async () => {
  await must(['ip', 'link', 'add', 'sync0', 'type', 'dummy']);
  await must(['ip', 'address', 'add', '192.0.2.200/24', 'dev', 'sync0']);
  await must(['ip', 'link', 'set', 'sync0', 'up']);
  await must(['ipvsadm', '--start-daemon', 'master', '--mcast-interface', 'sync0']);
  const ipvs = await open();
  try {
    const mixed = { ...server('fd00::21'), forward: 'tun', tunnel: IPIP } as const;
    const [made, refused] = await ipvs.apply(plan(new Map(), tableOf([service(WEB, [mixed])]), new Set()));
    assert.ok(made?.ok);
    assert.ok(refused !== undefined && !refused.ok);
    assert.equal(refused.error.code, 'EINVAL');
    assert.match(refused.error.message, /fd00::21 is no IPv4 address.*synchronized.*of one family/);
  } finally {
    ipvs.close();
    await must(['ipvsadm', '--stop-daemon', 'master']);
    await must(['ip', 'link', 'delete', 'sync0']);
    await must(['ipvsadm', '-C']);
  }
});

test('in a namespace where lo was never up, the refusal of a server says what to do', async () => {
  const source = new URL('../../src/', import.meta.url).pathname;
  const script = `
    import { openIpvs } from '${source}system/ipvs.ts';
    const { value: ipvs } = await openIpvs();
    const id = ${JSON.stringify(WEB)};
    const service = { id, scheduler: 'rr', persistence: null, granularity: 32, engine: null, flags: 0, destinations: [] };
    const results = await ipvs.apply([
      { op: 'add-service', service },
      { op: 'add-destination', service: id, destination: ${JSON.stringify(server('10.0.0.21'))} },
    ]);
    ipvs.close();
    console.log(JSON.stringify(results));`;
  await must(['ip', 'netns', 'add', 'without-lo']);
  try {
    const node = [process.execPath, '--input-type=module', '-e', script];
    const [made, refused] = JSON.parse(await must(['ip', 'netns', 'exec', 'without-lo', ...node]));
    assert.deepEqual(made, { ok: true, value: null });
    assert.equal(refused.error.code, 'EINVAL');
    assert.match(refused.error.message, /server 10\.0\.0\.21:80.*ip link set lo up/);
  } finally {
    await must(['ip', 'netns', 'delete', 'without-lo']);
  }
});

test('1,000 services with 10 servers each are made, read back and taken away', async (t) => {
  const table = tableOf(
    Array.from({ length: 1000 }, (_, s) =>
      service(
        { protocol: 'tcp', address: { address: ip(`192.0.${s >> 8}.${s & 255}`), port: 80 } },
        Array.from({ length: 10 }, (_, d) => server(`10.${d}.${s >> 8}.${s & 255}`)),
      ),
    ),
  );
  const ipvs = await open();
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const value = await work();
    t.diagnostic(`${what}: ${Math.round(performance.now() - start)} ms`);
    return value;
  };
  try {
    const results = await timed('load 11,000 entries', () => ipvs.apply(plan(new Map(), table, new Set())));
    assert.ok(results.every((result) => result.ok));
    const read = await timed('read them back', () => ipvs.read());
    assert.ok(read.ok);
    assert.deepEqual(uncounted(read.value), uncounted(table));
    assert.deepEqual(await rules(), saved(table));
    const gone = await timed('delete 1,000 services', () =>
      ipvs.apply(plan(read.value, new Map(), new Set(table.keys()))),
    );
    assert.ok(gone.every((result) => result.ok));
    assert.deepEqual(await rules(), []);
  } finally {
    ipvs.close();
    await must(['ipvsadm', '-C']);
  }
});
