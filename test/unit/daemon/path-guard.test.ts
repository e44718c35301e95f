import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { instant, milliseconds } from '../../../src/base/time.ts';
import type { ProbeOutcome, ProbeResult, ProbeTarget } from '../../../src/checkers/probe.ts';
import { createPathGuard } from '../../../src/daemon/path-guard.ts';
import { probeServices } from '../../../src/ipvs/probe-services.ts';
import { type ServiceId, serviceKey, type Table } from '../../../src/ipvs/table.ts';

const VIP = ip('192.0.2.10');
const target = (mark: number, more: Partial<ProbeTarget> = {}): ProbeTarget => ({
  address: { address: VIP, port: 80 },
  ...{ source: ip('192.0.2.1'), sourcePort: null, device: null, mark },
  ...more,
});
const ended = (outcome: ProbeOutcome, took = 100): ProbeResult => ({
  ...{ outcome, reason: 'as it was', took: milliseconds(took) },
});

/** A guard before a kernel that has the services of these marks, on a machine with these addresses. */
function bench(...marks: readonly number[]) {
  const b = {
    at: 0,
    marks: new Set(marks),
    empty: false,
    readable: true,
    own: new Set<string>(),
    idle: null as string | null,
    deaf: null as string | null,
    restored: [] as string[],
    complaints: [] as string[],
    looks: [] as (readonly ServiceId[])[],
    /** Lets the look that is under way end. */
    answer: undefined as (() => void) | undefined,
    slow: false,
  };
  const guard = createPathGuard({
    now: () => instant(b.at),
    async read(ids) {
      b.looks.push(ids);
      const answered = Promise.withResolvers<void>();
      b.answer = answered.resolve;
      if (b.slow) await answered.promise;
      return b.readable ? tableOf(ids) : undefined;
    },
    own: async () => b.own,
    idle: () => b.idle,
    deaf: () => b.deaf,
    restore: (what) => void b.restored.push(what),
    complain: (_, detail) => void b.complaints.push(detail),
  });
  function tableOf(ids: readonly ServiceId[]): Table {
    const path = { family: 4, server: ip('10.0.0.21'), forward: 'dr', tunnel: null } as const;
    const there = ids.filter(({ fwmark }) => fwmark !== undefined && b.marks.has(fwmark));
    const [one] = probeServices([path], new Map([['4 10.0.0.21 dr', 1]])).values();
    assert.ok(one);
    return new Map(there.map((id) => [serviceKey(id), { ...one, id, ...(b.empty ? { destinations: [] } : {}) }]));
  }
  const vouch = async (of: ProbeTarget, result: ProbeResult): Promise<readonly [ProbeOutcome, string]> => {
    const { outcome, reason } = await guard.vouch(of, result);
    return [outcome, reason];
  };
  return Object.assign(b, { vouch, became: guard.became });
}

test('what is well, and what is the server’s, goes by as it is', async () => {
  const b = bench(7);
  assert.deepEqual(await b.vouch(target(7), ended('up')), ['up', 'as it was']);
  assert.deepEqual(await b.vouch(target(7), ended('local-error')), ['local-error', 'as it was']);
  assert.deepEqual(b.looks, []);
  assert.deepEqual(await b.vouch(target(7), ended('down')), ['down', 'as it was']);
  assert.deepEqual(b.looks, [[{ fwmark: 7, family: 4 }]]);
  assert.deepEqual(b.complaints, []);
});

test('a failure by a service that the kernel has lost is ours, and it is missed', async () => {
  const b = bench(7);
  const said = 'cannot probe through IPVS: the kernel has lost its service, fwmark 8';
  assert.deepEqual(await b.vouch(target(8), ended('down')), ['local-error', said]);
  assert.deepEqual(b.restored, ['service']);
  b.empty = true;
  assert.deepEqual((await b.vouch(target(7), ended('down')))[0], 'local-error');
  assert.deepEqual(b.restored, ['service', 'service']);
  b.readable = false;
  assert.deepEqual(await b.vouch(target(7), ended('down')), [
    'local-error',
    'cannot probe through IPVS: the IPVS table cannot be read',
  ]);
  assert.deepEqual(b.restored, ['service', 'service']);
});

test('answers that this machine does not take are no fault of the server, once the address is here', async () => {
  const b = bench(7);
  b.deaf = 'accept_local is off on eth0';
  assert.deepEqual(await b.vouch(target(7), ended('down')), ['down', 'as it was']);
  b.own.add(VIP);
  const said = 'cannot probe through IPVS: accept_local is off on eth0';
  assert.deepEqual(await b.vouch(target(7), ended('down')), ['local-error', said]);
  assert.deepEqual(b.complaints, ['accept_local is off on eth0']);
  assert.deepEqual(b.restored, ['setting']);
});

test('IPv6 takes answers from its own addresses', async () => {
  const b = bench(7);
  const six = target(7, { address: { address: ip('2001:db8::10'), port: 80 }, source: ip('2001:db8::1') });
  b.deaf = 'accept_local is off on eth0';
  b.own.add('2001:db8::10');
  assert.deepEqual(await b.vouch(six, ended('down')), ['down', 'as it was']);
});

test('while IPVS directs nothing here even an answer says nothing: the other director gave it', async () => {
  const b = bench(7);
  b.idle = 'this one is backup';
  for (const outcome of ['up', 'down'] as const)
    assert.deepEqual(await b.vouch(target(7), ended(outcome)), [
      'local-error',
      'cannot probe through IPVS: this one is backup',
    ]);
  b.idle = null;
  const said = 'cannot probe through IPVS: this director has no address of its own to probe from';
  assert.deepEqual(await b.vouch(target(7, { source: null }), ended('down')), ['local-error', said]);
});

test('when nothing comes back from the take-over on, that is said, and no server fails for it', async () => {
  const b = bench(7, 8);
  for (const mark of [7, 8]) await b.vouch(target(mark), ended('up'));
  b.at = 1000;
  b.became([VIP]);
  b.at = 3000;
  const said = 'nothing by 192.0.2.10 comes back since this director became master';
  for (const mark of [7, 8])
    assert.deepEqual(await b.vouch(target(mark), ended('down')), ['local-error', `cannot probe through IPVS: ${said}`]);
  assert.deepEqual(b.complaints, [said, said]);
  await b.vouch(target(8), ended('up'));
  assert.deepEqual(await b.vouch(target(7), ended('down')), ['down', 'as it was']);
});

test('failures that come while the kernel is read share one more reading', async () => {
  const b = bench(7, 8, 9);
  b.slow = true;
  const all = [b.vouch(target(7), ended('down'))];
  await new Promise(setImmediate);
  all.push(b.vouch(target(8), ended('down')), b.vouch(target(9), ended('down')), b.vouch(target(8), ended('down')));
  await new Promise(setImmediate);
  assert.equal(b.looks.length, 1);
  b.slow = false;
  b.answer?.();
  assert.deepEqual(await Promise.all(all), Array(4).fill(['down', 'as it was']));
  assert.deepEqual(
    b.looks.map((ids) => ids.map(({ fwmark }) => fwmark)),
    [[7], [8, 9]],
  );
});
