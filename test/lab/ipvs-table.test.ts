/** The kernel's own IPVS table through the contract that the fake one passes, with ipvsadm(8) as the witness. */

import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import test from 'node:test';
import { ip } from '../../src/base/address.ts';
import { plan } from '../../src/ipvs/plan.ts';
import { type Destination, SCHEDULERS, type Service, type ServiceId, tableOf } from '../../src/ipvs/table.ts';
import { type Ipvs, openIpvs } from '../../src/system/ipvs.ts';
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

const WEB: ServiceId = { protocol: 'tcp', address: { address: ip('192.0.2.10'), port: 80 } };
const server = (address: string): Destination => ({
  address: { address: ip(address), port: 80 },
  forward: 'nat',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
});
const service = (id: ServiceId, destinations: readonly Destination[]): Service => ({
  id,
  scheduler: 'rr',
  persistence: null,
  flags: 0,
  destinations,
});

test('services that ipvsadm made are read, and those that have no key here are left alone', async () => {
  await must(
    ['ipvsadm', '-R'],
    [
      '-A -f 7 -s rr',
      '-a -f 7 -r 10.0.0.1:80 -g',
      '-A --sctp-service 192.0.2.10:80 -s rr',
      '-A -t 192.0.2.10:80 -s mh -b mh-fallback,mh-port -p 77',
      '-a -t 192.0.2.10:80 -r 10.0.0.21:80 -i -w 9 -x 4 -y 2\n',
    ].join('\n'),
  );
  const ipvs = await open();
  try {
    const read = await ipvs.read();
    assert.ok(read.ok);
    assert.deepEqual(saved(read.value), [
      '-A -t 192.0.2.10:80 -s mh -p 77 -b mh-fallback,mh-port',
      '-a -t 192.0.2.10:80 -r 10.0.0.21:80 -i -w 9 --tun-type ipip',
    ]);
    const results = await ipvs.apply(plan(read.value, new Map(), new Set(read.value.keys())));
    assert.ok(results.every((result) => result.ok));
    assert.deepEqual(
      (await rules()).map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['-A --sctp-service', '-A -f', '-a -f'],
    );
  } finally {
    ipvs.close();
    await must(['ipvsadm', '-C']);
  }
});

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

test('in a namespace where lo was never up, the refusal of a server says what to do', async () => {
  const source = new URL('../../src/', import.meta.url).pathname;
  const script = `
    import { openIpvs } from '${source}system/ipvs.ts';
    const { value: ipvs } = await openIpvs();
    const id = ${JSON.stringify(WEB)};
    const service = { id, scheduler: 'rr', persistence: null, flags: 0, destinations: [] };
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
