import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import type { InterfaceTrack, VrrpConfig } from '../../../src/config/config.ts';
import { floatingOf } from '../../../src/daemon/floating.ts';

type Router = Parameters<typeof floatingOf>[0][number];
const router = (address: string, more: Partial<Router> = {}): Router => ({
  addresses: [{ address: parsePrefix(address) as Prefix }] as unknown as VrrpConfig['addresses'],
  ...{ priority: 100, routes: [], track: [] },
  ...more,
});
const tracking = (address: string | null): Partial<Router> => {
  const track: InterfaceTrack = {
    ...{ type: 'interface', interface: 'eth1', weight: null },
    address: address === null ? null : ip(address),
  };
  return { track: [track] };
};
const of = (...routers: readonly Router[]): readonly (readonly string[])[] => {
  const { virtual, unminded } = floatingOf(routers);
  return [[...virtual], [...unminded]];
};
const [A, B] = ['192.0.2.1', '192.0.2.2'];

test('addresses float, but for an owner’s', () => {
  assert.deepEqual(of(router(`${A}/24`), router(`${B}/24`, { priority: 255 })), [[A], [A]]);
});

test('an address that a router tracks on an interface is minded by it', () => {
  assert.deepEqual(of(router(`${A}/24`), router(`${B}/24`, tracking(A))), [[A, B], [B]]);
  assert.deepEqual(of(router(`${A}/24`, tracking(null))), [[A], [A]]);
});

test('where there are routes, which may go with any address, every one is minded', () => {
  const routes = [{}] as unknown as VrrpConfig['routes'];
  assert.deepEqual(of(router(`${A}/24`), router(`${B}/24`, { routes })), [[A, B], []]);
});
