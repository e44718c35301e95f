import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { receiversAt } from '../../../src/daemon/probe-receivers.ts';
import type { Link } from '../../../src/system/rtnetlink.ts';

const own = (index: number, text: string) => ({ index, prefix: parsePrefix(text) as Prefix, scope: 0, flags: 0 });
const link = (index: number, name: string): Link => ({
  ...{ index, name, mac: '02:00:00:00:00:01', up: true, running: true, lowerUp: true, loopback: false },
  ...{ multicast: true, mtu: 1500 },
});

function machine() {
  const asked: string[] = [];
  return {
    asked,
    async addresses() {
      asked.push('addresses');
      return ok([own(1, '127.0.0.1/8'), own(2, '192.0.2.11/24'), own(3, '10.0.0.11/24'), own(3, '2001:db8::11/64')]);
    },
    async links() {
      asked.push('links');
      return ok([link(1, 'lo'), link(2, 'eth0'), link(3, 'eth1.100')]);
    },
  };
}

test('the interface with each address that probes leave from', async () => {
  assert.deepEqual(await receiversAt(machine(), new Set([ip('10.0.0.11')])), ['eth1.100']);
  assert.deepEqual(await receiversAt(machine(), new Set([ip('10.0.0.11'), ip('192.0.2.11')])), ['eth0', 'eth1.100']);
  assert.deepEqual(await receiversAt(machine(), new Set([ip('198.51.100.1')])), []);
});

test('IPv6 needs none, and without any the kernel is not asked', async () => {
  const kernel = machine();
  assert.deepEqual(await receiversAt(kernel, new Set([ip('2001:db8::11')])), []);
  assert.deepEqual(kernel.asked, []);
});

test('a kernel that cannot be read names none', async () => {
  const broken = { ...machine(), links: async () => err({ code: 'ENOBUFS', errno: 105, message: 'no room' }) };
  assert.deepEqual(await receiversAt(broken, new Set([ip('10.0.0.11')])), []);
});
