import assert from 'node:assert/strict';
import test from 'node:test';
import { type Endpoint, parseEndpoint } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createReconciler } from '../../../src/daemon/reconciler.ts';
import { type Service, serviceKey, type Table, tableOf } from '../../../src/ipvs/table.ts';
import { fakeIpvs } from '../../contract/fake-ipvs.ts';

const endpoint = (text: string): Endpoint => parseEndpoint(text) as Endpoint;

const service = (address: string, ...weights: readonly number[]): Service => ({
  id: { protocol: 'tcp', address: endpoint(address) },
  scheduler: 'wlc',
  persistence: null,
  granularity: 32,
  engine: null,
  flags: 0,
  destinations: weights.map((weight, i) => ({
    address: endpoint(`10.0.0.${21 + i}:80`),
    forward: 'nat',
    weight,
    upperThreshold: 0,
    lowerThreshold: 0,
    tunnel: null,
  })),
});
const keyOf = (s: Service): string => serviceKey(s.id);

const WEB = service('192.0.2.10:80', 1, 1);
const MAIL = service('192.0.2.10:25', 1);
const HIDDEN = { ...service('192.0.2.10:80', 1), id: { fwmark: 7, family: 4 } } as const;
const FOREIGN = service('198.51.100.1:80', 1);

/** A reconciler over a kernel in memory, with the timer and the record of what is ours in the hands of the test. */
function bench(wanted: readonly Service[], options: { present?: readonly Service[]; owned?: readonly string[] } = {}) {
  const kernel = fakeIpvs();
  kernel.table = tableOf(options.present ?? []);
  const happened: Happening[] = [];
  const saved: string[][] = [];
  const b = {
    kernel,
    happened,
    saved,
    wanted: tableOf(wanted) as Table,
    absent: false,
    full: false,
    ending: false,
    opened: 0,
    asked: [] as string[],
    due: undefined as { after: number; work: () => void } | undefined,
    /** Whether and when what was changed is read back. */
    readBacks: [] as { cancelled: boolean; work: () => void }[],
  };
  const reconciler = createReconciler<Service>({
    open: async () => {
      b.opened += 1;
      return b.absent ? err({ message: 'the kernel module ip_vs is not loaded: modprobe ip_vs' }) : ok(kernel);
    },
    desired: (actual, _, parts) => {
      b.asked.push(`${parts === undefined ? 'all' : parts.map(keyOf).join(' and ')}, seeing ${actual.size}`);
      return parts === undefined
        ? b.wanted
        : tableOf([...b.wanted.values()].filter((s) => parts.map(keyOf).includes(keyOf(s))));
    },
    idsOf: (s) => [s.id],
    ending: () => b.ending,
    isHidden: ({ fwmark }) => fwmark === HIDDEN.id.fwmark,
    owned: {
      load: () => new Set(options.owned ?? []),
      save: (owned) => {
        if (b.full) throw new Error('ENOSPC: no space left on device');
        saved.push([...owned].sort());
      },
    },
    report: (h) => void happened.push(h),
    later: (after, work) => {
      const readBack = { cancelled: false, work };
      if (after === 1000) b.readBacks.push(readBack);
      else b.due = { after, work };
      return {
        cancel: () => {
          readBack.cancelled = true;
        },
      };
    },
  });
  return Object.assign(b, { reconciler });
}

const shape = (table: Table): Record<string, number[]> =>
  Object.fromEntries([...table].map(([key, s]) => [key, s.destinations.map((d) => d.weight)]));

test('an empty kernel gets the table, and a second round writes nothing', async () => {
  const b = bench([WEB, MAIL]);
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1], [keyOf(MAIL)]: [1] });
  const writes = b.kernel.sent.writes;
  await b.reconciler.request();
  assert.equal(b.kernel.sent.writes, writes);
});

test('a restart with the same config writes nothing', async () => {
  const b = bench([WEB], { present: [WEB], owned: [keyOf(WEB)] });
  await b.reconciler.request();
  assert.equal(b.kernel.sent.writes, 0);
  assert.deepEqual(b.saved, []);
});

test('what we own and no longer want goes; what somebody else made stays', async () => {
  const b = bench([WEB], { present: [WEB, MAIL, FOREIGN], owned: [keyOf(WEB), keyOf(MAIL)] });
  await b.reconciler.request();
  assert.deepEqual(Object.keys(shape(b.kernel.table)).sort(), [keyOf(WEB), keyOf(FOREIGN)].sort());
  assert.deepEqual(b.saved.at(-1), [keyOf(WEB)]);
});

test('a service is written down as ours before the kernel has it', async () => {
  const b = bench([WEB]);
  const apply = b.kernel.apply;
  let known: string[] | undefined;
  b.kernel.apply = async (operations) => {
    known = b.saved.at(-1);
    return apply(operations);
  };
  await b.reconciler.request();
  assert.deepEqual(known, [keyOf(WEB)]);
});

test('what somebody changed is put back, with an event that says what', async () => {
  const b = bench([WEB]);
  await b.reconciler.request();
  b.kernel.table = new Map();
  b.due?.work();
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1] });
  const drifts = b.happened.flatMap((h) => (h.kind === 'drift' ? [h.detail] : []));
  assert.equal(drifts.length, 3);
  assert.match(drifts[0] ?? '', /192\.0\.2\.10:80/);
});

test('what somebody took away that nobody asked for is put back too, and told in one line', async () => {
  const b = bench([WEB, HIDDEN]);
  await b.reconciler.request();
  b.kernel.table = new Map([...b.kernel.table].filter(([key]) => key !== keyOf(HIDDEN)));
  await b.reconciler.request();
  assert.deepEqual(Object.keys(shape(b.kernel.table)), [keyOf(WEB), keyOf(HIDDEN)]);
  assert.deepEqual(
    b.happened.flatMap((h) => (h.kind === 'drift' ? [h.detail] : [])),
    ['services of probes: 2 changes'],
  );
});

test('the servers of services that nobody asked for are read once, and again when they are suspected', async () => {
  const b = bench([WEB, HIDDEN]);
  await b.reconciler.request();
  const reads = async (): Promise<number> => {
    const before = b.kernel.sent.reads;
    await b.reconciler.request();
    return b.kernel.sent.reads - before;
  };
  assert.equal(await reads(), 2);
  b.kernel.table = new Map([...b.kernel.table, [keyOf(HIDDEN), { ...HIDDEN, destinations: [] }]]);
  assert.equal(await reads(), 2);
  const before = b.kernel.sent.reads;
  await b.reconciler.suspect();
  assert.equal(b.kernel.sent.reads - before, 3);
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1], [keyOf(HIDDEN)]: [1] });
});

test('a preview says nothing of services that nobody asked for', async () => {
  const b = bench([WEB, HIDDEN]);
  await b.reconciler.request();
  assert.deepEqual(await b.reconciler.preview(() => tableOf([WEB])), []);
});

test('a change of our own is no drift', async () => {
  const b = bench([WEB]);
  await b.reconciler.request();
  b.wanted = tableOf([service('192.0.2.10:80', 1, 0)]);
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 0] });
  assert.deepEqual(b.happened, []);
});

test('without IPVS in the kernel it says so once and tries again', async () => {
  const b = bench([WEB]);
  b.absent = true;
  await b.reconciler.request();
  await b.reconciler.request();
  assert.equal(b.happened.length, 1);
  assert.match(JSON.stringify(b.happened[0]), /modprobe ip_vs/);
  assert.equal(b.due?.after, 5000);
  b.absent = false;
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1] });
  assert.equal(b.due?.after, 30_000);
});

test('a refused change is named, the others are made, and it is tried again', async () => {
  const b = bench([{ ...WEB, scheduler: 'nosuch' }, MAIL]);
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(MAIL)]: [1] });
  assert.match(JSON.stringify(b.happened), /nosuch/);
  assert.equal(b.due?.after, 5000);
});

test('requests that come during a round are answered by one more', async () => {
  const b = bench([WEB]);
  let rounds = 0;
  const read = b.kernel.read;
  b.kernel.read = async () => {
    rounds++;
    return read();
  };
  await b.reconciler.request();
  const each = rounds;
  rounds = 0;
  await Promise.all(Array.from({ length: 50 }, () => b.reconciler.request()));
  assert.ok(rounds <= 2 * each, `${rounds} reads`);
});

test('a preview changes nothing', async () => {
  const b = bench([WEB], { present: [WEB], owned: [keyOf(WEB)] });
  const changes = await b.reconciler.preview(() => tableOf([MAIL]));
  assert.deepEqual(
    changes?.map((c) => c.sign),
    ['+', '+', '-'],
  );
  assert.equal(b.kernel.sent.writes, 0);
  assert.deepEqual(b.saved, []);
});

test('a kernel that no longer answers is opened anew: its IPVS may have been loaded again', async () => {
  const b = bench([WEB]);
  await b.reconciler.request();
  const read = b.kernel.read;
  b.kernel.read = async () => err({ code: 'ENOENT', message: 'no such family' });
  await b.reconciler.request();
  b.kernel.read = read;
  b.kernel.table = new Map();
  await b.reconciler.request();
  assert.equal(b.opened, 2);
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1] });
});

test('a run directory that is full does not stop the table from being kept', async () => {
  const b = bench([WEB]);
  b.full = true;
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1] });
  assert.match(JSON.stringify(b.happened), /ENOSPC/);
  b.full = false;
  await b.reconciler.request();
  assert.deepEqual(b.saved.at(-1), [keyOf(WEB)]);
});

/** Many services in the kernel as wanted, and then another weight of the second server of the one in the middle. */
async function many(count: number, change: Partial<ReturnType<typeof bench>> = {}) {
  const all = Array.from({ length: count }, (_, i) => service(`198.18.${i >> 8}.${i & 255}:80`, 1, 1));
  const b = bench(all);
  Object.assign(b, change);
  await b.reconciler.request();
  const before = all[count >> 1] as Service;
  const next: Service = {
    ...before,
    destinations: before.destinations.map((d, i) => ({ ...d, weight: i === 1 ? 7 : 1 })),
  };
  b.wanted = new Map(b.wanted).set(keyOf(next), next);
  const { reads, writes } = b.kernel.sent;
  b.asked.splice(0);
  const sent = () => ({ reads: b.kernel.sent.reads - reads, writes: b.kernel.sent.writes - writes });
  return Object.assign(b, { next, sent });
}

for (const count of [2, 500])
  test(`a look at one of ${count} services reads that one, and writes what has changed`, async () => {
    const b = await many(count);
    const { due } = b;
    await b.reconciler.look([b.next]);
    assert.deepEqual(b.sent(), { reads: 2, writes: 1 });
    assert.deepEqual(b.asked, [`${keyOf(b.next)}, seeing 1`]);
    assert.deepEqual(shape(b.kernel.table)[keyOf(b.next)], [1, 7]);
    assert.equal(b.reconciler.table().size, count);
    assert.deepEqual(b.reconciler.table().get(keyOf(b.next)), b.next);
    assert.deepEqual(b.happened, []);
    assert.equal(b.saved.length, 1);
    assert.equal(b.due, due, 'the round about all is not put off');
  });

test('looks that are asked for meanwhile are one round, and a request makes it one about all', async () => {
  const b = await many(6);
  const others = [...b.wanted.values()].slice(0, 2);
  await Promise.all([b.reconciler.look([b.next]), ...others.map((one) => b.reconciler.look([one]))]);
  assert.deepEqual(b.asked, [`${keyOf(b.next)}, seeing 1`, `${others.map(keyOf).join(' and ')}, seeing 2`]);
  await Promise.all([b.reconciler.look([b.next]), b.reconciler.look(others), b.reconciler.request()]);
  assert.deepEqual(b.asked.slice(2), [`${keyOf(b.next)}, seeing 1`, 'all, seeing 6']);
});

test('before a first round has ended well, a look is a round about all', async () => {
  const b = bench([WEB, MAIL]);
  b.absent = true;
  await b.reconciler.request();
  b.absent = false;
  await b.reconciler.look([WEB]);
  assert.deepEqual(b.asked, ['all, seeing 0']);
  assert.equal(Object.keys(shape(b.kernel.table)).length, 2);
});

test('a look that finds what somebody changed has all of the table looked at', async () => {
  const b = await many(6);
  b.kernel.table = new Map();
  await b.reconciler.look([b.next]);
  await b.reconciler.look([]);
  assert.deepEqual(b.asked, [`${keyOf(b.next)}, seeing 0`, 'all, seeing 1']);
  assert.equal(b.kernel.table.size, 6);
  assert.deepEqual(b.saved.length, 1);
});

test('a look after which something is wanted no more takes it away, and it is ours no more', async () => {
  const b = await many(3);
  b.wanted = new Map([...b.wanted].filter(([key]) => key !== keyOf(b.next)));
  await b.reconciler.look([b.next]);
  assert.deepEqual(b.sent(), { reads: 2, writes: 1 });
  assert.deepEqual(Object.keys(shape(b.kernel.table)), [...b.wanted.keys()]);
  assert.deepEqual(b.saved.at(-1), [...b.wanted.keys()].sort());
  b.wanted = new Map(b.wanted).set(keyOf(b.next), b.next);
  await b.reconciler.look([b.next]);
  assert.deepEqual(b.saved.at(-1), [...b.wanted.keys()].sort());
  assert.deepEqual(b.sent(), { reads: 3, writes: 4 });
});

test('what a look is refused is tried again with all of the table', async () => {
  const b = await many(3);
  b.wanted = new Map(b.wanted).set(keyOf(b.next), { ...b.next, scheduler: 'nosuch' });
  await b.reconciler.look([b.next]);
  assert.match(JSON.stringify(b.happened), /nosuch/);
  assert.equal(b.due?.after, 5000);
  b.asked.splice(0);
  b.due?.work();
  await b.reconciler.look([]);
  assert.equal(b.asked[0], 'all, seeing 3');
});

test('a look at a part of the config before, asked for while a request reads, is one about all', async () => {
  const b = await many(3);
  const { kernel, next } = b;
  const read = kernel.read;
  let looked: Promise<void> | undefined;
  kernel.read = async (only) => {
    await null;
    looked ??= b.reconciler.look([next]);
    return read(only);
  };
  // Without that service, which is what a reload may be about.
  const after = new Map([...b.wanted].filter(([key]) => key !== keyOf(next)));
  await b.reconciler.request(() => {
    b.wanted = after;
  });
  await looked;
  assert.deepEqual(b.asked, ['all, seeing 3', 'all, seeing 2']);
  assert.equal(b.kernel.table.size, 2);
});

test('looks that are refused, as often as they may be, do not put off the round that is tried again', async () => {
  const b = await many(3);
  const before = b.kernel.table.get(keyOf(b.next)) as Service;
  b.wanted = new Map(b.wanted).set(keyOf(b.next), { ...before, scheduler: 'nosuch' });
  await b.reconciler.look([b.next]);
  const { due } = b;
  await b.reconciler.look([b.next]);
  await b.reconciler.look([b.next]);
  assert.equal(b.due, due);
  assert.equal(due?.after, 5000);
});

test('a service keeps the servers that it has while those that are to come are refused', async () => {
  const b = bench([WEB, MAIL]);
  await b.reconciler.request();
  const [first, ...rest] = WEB.destinations;
  assert.ok(first);
  const refused = { ...first, address: endpoint('224.0.0.1:80') };
  b.wanted = tableOf([{ ...WEB, destinations: [refused] }]);
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1] }, 'and the other service goes');
  assert.match(JSON.stringify(b.happened), /224\.0\.0\.1:80/);
  assert.equal(b.due?.after, 5000);
  // One that is there is enough: what failed goes, whatever else is refused.
  b.wanted = tableOf([{ ...WEB, destinations: [{ ...first, weight: 0 }, ...rest, refused] }]);
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [0, 1] });
  // And where none is to serve nothing is kept serving.
  b.wanted = tableOf([{ ...WEB, destinations: [{ ...refused, weight: 0 }] }]);
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [] });
});

test('a service that is refused costs the others nothing, and what changes in them is no drift', async () => {
  const b = bench([{ ...WEB, scheduler: 'nosuch' }, MAIL]);
  await b.reconciler.request();
  assert.deepEqual(Object.keys(shape(b.reconciler.table())), [keyOf(MAIL)]);
  const before = b.wanted;
  const next = service('192.0.2.10:25', 7);
  b.wanted = new Map(b.wanted).set(keyOf(next), next);
  b.asked.splice(0);
  await b.reconciler.look([next]);
  await b.reconciler.look([]);
  assert.deepEqual(b.asked, [`${keyOf(next)}, seeing 1`, ', seeing 0']);
  assert.deepEqual(b.reconciler.table().get(keyOf(next)), next);
  b.wanted = before;
  await b.reconciler.request();
  b.wanted = tableOf([{ ...WEB, scheduler: 'nosuch' }]);
  await b.reconciler.request();
  assert.equal(b.kernel.table.size, 0);
  assert.deepEqual(b.saved.at(-1), [keyOf(WEB)], 'what was refused stays ours, and what went does not');
  assert.deepEqual(
    b.happened.flatMap((h) => (h.kind === 'drift' ? [h] : [])),
    [],
  );
});

test('to take back what was refused is no drift', async () => {
  const b = bench([WEB, MAIL]);
  await b.reconciler.request();
  const before = b.wanted;
  b.wanted = tableOf([service('192.0.2.10:80', 1, 7), MAIL, { ...FOREIGN, scheduler: 'nosuch' }]);
  await b.reconciler.request();
  b.wanted = before;
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1], [keyOf(MAIL)]: [1] });
  assert.deepEqual(
    b.happened.flatMap((h) => (h.kind === 'drift' ? [h] : [])),
    [],
  );
});

test('what was changed is read back a second later; what the kernel has made of it is put right and said, once', async () => {
  const b = bench([WEB, MAIL]);
  await b.reconciler.request();
  assert.equal(b.readBacks.length, 1);
  b.kernel.table = tableOf([service('192.0.2.10:80', 7, 1), MAIL]);
  b.readBacks[0]?.work();
  await b.reconciler.look([]);
  assert.deepEqual(shape(b.kernel.table), { [keyOf(WEB)]: [1, 1], [keyOf(MAIL)]: [1] });
  assert.equal(b.happened.filter(({ kind }) => kind === 'drift').length, 1);
  assert.equal(
    b.readBacks.length,
    1,
    'a kernel that always makes something else of it is asked no more often than ever',
  );
  await b.reconciler.request();
  assert.equal(b.readBacks.length, 1, 'nothing was changed, and so nothing is read back');
});

test('after a look its services alone are read back', async () => {
  const b = bench([WEB, MAIL]);
  await b.reconciler.request();
  b.readBacks[0]?.work();
  await b.reconciler.look([]);
  b.wanted = tableOf([service('192.0.2.10:80', 1, 0), MAIL]);
  await b.reconciler.look([WEB]);
  assert.equal(b.readBacks.length, 2);
  b.asked.length = 0;
  b.readBacks[1]?.work();
  await b.reconciler.look([]);
  assert.deepEqual(b.asked.slice(0, 1), [`${keyOf(WEB)}, seeing 1`]);
});

test('what is of the config before is not read back', async () => {
  const b = bench([WEB, MAIL]);
  await b.reconciler.request();
  assert.equal(b.readBacks[0]?.cancelled, false);
  await b.reconciler.request(() => {});
  assert.equal(b.readBacks[0]?.cancelled, true);
  b.reconciler.close();
});

test('at the end what is ours goes, and its servers are not read for it', async () => {
  const many = Array.from({ length: 50 }, (_, i) => service(`192.0.2.${i}:80`, 1, 1));
  const b = bench(many, { present: [FOREIGN] });
  await b.reconciler.request();
  assert.equal(b.kernel.table.size, 51);
  b.ending = true;
  b.wanted = new Map();
  const { reads, writes } = b.kernel.sent;
  await b.reconciler.request();
  assert.deepEqual(shape(b.kernel.table), shape(tableOf([FOREIGN])));
  assert.deepEqual([b.kernel.sent.reads - reads, b.kernel.sent.writes - writes], [1, 50]);
  assert.deepEqual(b.saved.at(-1), []);
});
