import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { defaultRoute } from '../../../src/system/default-route.ts';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
/** As fib_route_seq_show writes it, each line filled up to 127 characters. */
const line = (name: string, to: string, via: string, flags: string, metric: number, mask: string): string =>
  `${name}\t${to}\t${via}\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0`.padEnd(127);

function read(t: TestContext, ...lines: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-route-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'route'), [HEAD.padEnd(127), ...lines, ''].join('\n'));
  return defaultRoute(join(folder, 'route'));
}

const NET = line('eth0', '000200C0', '00000000', '0001', 0, '00FFFFFF');

test('the default route has its gateway in the order of the network', async (t) => {
  assert.deepEqual(await read(t, line('eth0', '00000000', '010200C0', '0003', 0, '00000000'), NET), {
    ok: true,
    value: { gateway: ip('192.0.2.1'), interface: 'eth0' },
  });
});

test('of several it is the one with the lowest metric; refused ones, and those that are down, are none', async (t) => {
  const routes = [
    line('*', '00000000', '00000000', '0201', 0, '00000000'),
    line('eth3', '00000000', '040200C0', '0002', 1, '00000000'),
    line('eth0', '00000000', '010200C0', '0003', 200, '00000000'),
    line('eth1', '00000000', '02006433', '0003', 100, '00000000'),
    line('eth2', '00000000', '030200C0', '0003', 100, '00000000'),
  ];
  const { value } = (await read(t, ...routes)) as { value: unknown };
  assert.deepEqual(value, { gateway: ip('51.100.0.2'), interface: 'eth1' });
});

test('one without a gateway says so; half of the world is no default', async (t) => {
  assert.deepEqual(await read(t, line('ppp0', '00000000', '00000000', '0001', 0, '00000000')), {
    ok: true,
    value: { gateway: null, interface: 'ppp0' },
  });
  assert.deepEqual(await read(t, line('tun0', '00000000', '010200C0', '0003', 0, '00000080'), NET), {
    ok: true,
    value: null,
  });
});

test('however many routes follow, it is found; and a file that is not there is a refusal', async (t) => {
  const many = Array.from({ length: 2000 }, () => NET);
  const { value } = (await read(t, line('eth0', '00000000', '010200C0', '0003', 0, '00000000'), ...many)) as {
    value: unknown;
  };
  assert.deepEqual(value, { gateway: ip('192.0.2.1'), interface: 'eth0' });
  assert.deepEqual(await defaultRoute('/none'), { ok: false, error: 'ENOENT' });
});

test('the machine’s own can be read', async () => assert.equal((await defaultRoute()).ok, true));
