import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import type { ProbeOutcome, ProbeResult, ProbeTarget } from '../../../src/checkers/probe.ts';
import { createThroughProber } from '../../../src/checkers/through.ts';

const target = (address: string, mark: number | null): ProbeTarget => ({
  address: { address: ip(address), port: 80 },
  ...{ source: null, sourcePort: null, device: null, mark },
});
const SERVER = target('10.0.0.21', null);
const VIP = target('192.0.2.10', 7);
const OTHER_VIP = target('192.0.2.11', 7);

/** A prober whose probes end as `states` says at that moment, by address, and are written down in `asked`. */
function world(targets: readonly ProbeTarget[], both: boolean) {
  const states = new Map<string, ProbeOutcome>();
  let asked: string[] = [];
  const closed: string[] = [];
  const prober = createThroughProber(
    SERVER,
    { forward: 'dr', both, targets },
    {
      create: ({ address: { address } }) => ({
        run: async () => {
          asked.push(address);
          return { outcome: states.get(address) ?? 'up', reason: 'said', took: milliseconds(1) };
        },
        close: () => void closed.push(address),
      }),
      vouch: async (_, result) => result,
    },
  );
  return {
    states,
    closed,
    close: prober.close,
    async run(): Promise<[ProbeOutcome, string[]]> {
      asked = [];
      const { outcome } = await prober.run();
      return [outcome, asked];
    },
  };
}

test('while all is well it is direct too at first, and then once in ten times', async () => {
  const { run } = world([VIP], true);
  const direct: number[] = [];
  for (let i = 0; i < 21; i++) {
    const [outcome, asked] = await run();
    assert.equal(outcome, 'up');
    if (asked.includes('10.0.0.21')) direct.push(i);
    assert.ok(asked.includes('192.0.2.10'));
  }
  assert.deepEqual(direct, [0, 10, 20]);
});

test('while it fails through IPVS it is probed both ways each time, from the failure on', async () => {
  const { run, states } = world([VIP], true);
  await run();
  states.set('192.0.2.10', 'down');
  assert.deepEqual(await run(), ['down', ['192.0.2.10']]);
  for (let i = 0; i < 3; i++) assert.deepEqual(await run(), ['down', ['192.0.2.10', '10.0.0.21']]);
  states.delete('192.0.2.10');
  assert.deepEqual(await run(), ['up', ['192.0.2.10', '10.0.0.21']]);
  assert.deepEqual(await run(), ['up', ['192.0.2.10']]);
});

test('a fault of our own on the way through IPVS leaves the direct probe to judge', async () => {
  const { run, states } = world([VIP], true);
  await run();
  states.set('192.0.2.10', 'local-error');
  assert.deepEqual(await run(), ['local-error', ['192.0.2.10']]);
  assert.deepEqual(await run(), ['up', ['192.0.2.10', '10.0.0.21']]);
  states.set('10.0.0.21', 'down');
  assert.deepEqual(await run(), ['down', ['192.0.2.10', '10.0.0.21']]);
});

test('through IPVS alone, the server is never probed directly', async () => {
  const { run, states } = world([VIP], false);
  assert.deepEqual(await run(), ['up', ['192.0.2.10']]);
  states.set('192.0.2.10', 'down');
  for (let i = 0; i < 3; i++) assert.deepEqual(await run(), ['down', ['192.0.2.10']]);
});

test('of several virtual addresses each has its turn, and one that fails is probed until it is well', async () => {
  const { run, states } = world([VIP, OTHER_VIP], false);
  assert.deepEqual(await run(), ['up', ['192.0.2.10']]);
  assert.deepEqual(await run(), ['up', ['192.0.2.11']]);
  states.set('192.0.2.10', 'down');
  for (let i = 0; i < 5; i++) assert.deepEqual(await run(), ['down', ['192.0.2.10']]);
  states.delete('192.0.2.10');
  assert.deepEqual(await run(), ['up', ['192.0.2.10']]);
  assert.deepEqual(await run(), ['up', ['192.0.2.11']]);
});

test('a fault of our own at one virtual address does not hold up the others', async () => {
  const { run, states } = world([VIP, OTHER_VIP], false);
  states.set('192.0.2.10', 'local-error');
  assert.deepEqual(await run(), ['local-error', ['192.0.2.10']]);
  assert.deepEqual(await run(), ['up', ['192.0.2.11']]);
});

test('what the way through IPVS found out is vouched for, what the direct one found out is not', async () => {
  const vouched: (number | null)[] = [];
  const prober = createThroughProber(
    SERVER,
    { forward: 'tun', both: true, targets: [VIP] },
    {
      create: ({ mark }) => ({
        run: async (): Promise<ProbeResult> => ({
          outcome: mark === null ? 'up' : 'down',
          ...{ reason: 'connection refused', took: milliseconds(1) },
        }),
        close: () => {},
      }),
      vouch: async ({ mark }, result) => {
        vouched.push(mark);
        return { ...result, outcome: 'local-error', reason: 'cannot probe: our fault' };
      },
    },
  );
  const { outcome, reason } = await prober.run();
  assert.deepEqual([outcome, reason], ['up', 'connection refused; cannot probe: our fault']);
  assert.deepEqual(vouched, [7]);
});

test('closing it closes every probe that it has', () => {
  const { close, closed } = world([VIP, OTHER_VIP], true);
  close();
  assert.deepEqual(closed.sort(), ['10.0.0.21', '192.0.2.10', '192.0.2.11']);
});
