import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { seconds } from '../../../src/base/time.ts';
import type { CheckConfig } from '../../../src/config/config.ts';
import { type ProbeWish, shareProbes } from '../../../src/daemon/shared-probes.ts';
import { defaults } from '../checkers/loopback.ts';

const target = {
  address: { address: ip('10.0.0.21'), port: 80 },
  ...{ source: null, sourcePort: null, device: null, mark: null },
};
const tcp: CheckConfig = defaults('tcp');
const wish = (
  key: string,
  check: CheckConfig = { ...tcp },
  where: Partial<typeof target> | object = {},
): ProbeWish => ({
  key,
  check,
  target: { ...target, ...where },
});
/** How many probes come of two wishes. */
const probes = (a: ProbeWish, b: ProbeWish): number => shareProbes([a, b]).orders.length;

test('services that probe one server alike share one probe, and each is told of it', () => {
  const { orders, readers } = shareProbes([wish('web'), wish('other', { ...tcp, port: 81 }), wish('shop')]);
  assert.equal(orders.length, 2);
  assert.deepEqual(readers.get(orders[0]?.key ?? ''), ['web', 'shop']);
  assert.deepEqual(readers.get(orders[1]?.key ?? ''), ['other']);
});

test('fifty services with one set of ten servers cost ten probes', () => {
  const wishes = Array.from({ length: 500 }, (_, i) =>
    wish(String(i), tcp, { address: { address: ip(`10.0.0.${i % 10}`), port: 80 } }),
  );
  assert.equal(shareProbes(wishes).orders.length, 10);
});

test('what is done with the results is no part of a probe', () => {
  const other = { ...tcp, name: 'x', rise: 7, fall: 7, flapWindow: seconds(1), latencyTarget: seconds(1) };
  assert.equal(probes(wish('a'), wish('b', other)), 1);
});

test('another server, port, source, device or mark is another probe', () => {
  for (const where of [
    { address: { address: ip('10.0.0.22'), port: 80 } },
    { address: { address: ip('10.0.0.21'), port: 81 } },
    { source: ip('10.0.0.1') },
    { sourcePort: 9000 },
    { device: 'eth1' },
    { mark: 7 },
  ])
    assert.equal(probes(wish('a'), wish('b', tcp, where)), 2, JSON.stringify(where));
});

test('so is another interval, timeout, or anything that is asked or expected', () => {
  const http = defaults('http');
  for (const [one, other] of [
    [tcp, { ...tcp, interval: seconds(9) }],
    [tcp, { ...tcp, timeout: seconds(1) }],
    [tcp, http],
    [http, { ...http, body: /ok/ }],
    [
      { ...http, body: /good/ },
      { ...http, body: /ok/ },
    ],
    [
      { ...http, body: /ok/ },
      { ...http, body: /ok/i },
    ],
  ] as const)
    assert.equal(probes(wish('a', one), wish('b', other)), 2, JSON.stringify(other));
});

test('keys are the same from one time to the next, so that a reload keeps the probes', () => {
  const keys = () =>
    shareProbes([wish('a'), wish('b', { ...defaults('http'), body: /ok/ })]).orders.map(({ key }) => key);
  assert.deepEqual(keys(), keys());
});
