import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import {
  packLinkAddress,
  packMembership,
  packMulticastInterface,
  packSockaddr,
  packSource,
  packUnixAddress,
  readSockaddr,
} from '../../../src/system/sockaddr.ts';

const is = (bytes: Uint8Array, hex: string): void => assert.equal(toHex(bytes), toHex(fromHex(hex)));

test('struct sockaddr_in: family in host order, port and address in network order', () => {
  const name = { address: ip('192.0.2.10'), port: 80, scope: 0 };
  is(packSockaddr(name), '0200 0050 c000020a 0000000000000000');
  assert.deepEqual(readSockaddr(packSockaddr(name)), name);
});

test('struct sockaddr_in6: family, port, flow, address, scope in host order', () => {
  const name = { address: ip('fe80::1'), port: 0, scope: 3 };
  is(packSockaddr(name), '0a00 0000 00000000 fe800000000000000000000000000001 03000000');
  assert.deepEqual(readSockaddr(packSockaddr(name)), name);
});

test('struct sockaddr_ll: family, protocol in network order, index', () => {
  is(packLinkAddress(258, 0x0806), '1100 0806 02010000 0000 00 00 0000000000000000');
});

test('struct sockaddr_un: a path ends with zero, an abstract name begins with it', () => {
  is(packUnixAddress('/a'), '0100 2f61 00');
  is(packUnixAddress('@a'), '0100 00 61');
});

test('memberships: struct ip_mreqn and struct ipv6_mreq', () => {
  is(packMembership(ip('224.0.0.18'), 3), 'e0000012 00000000 03000000');
  is(packMembership(ip('ff02::12'), 3), 'ff020000000000000000000000000012 03000000');
});

test('the interface for multicast: struct ip_mreqn, and an int for IPv6', () => {
  is(packMulticastInterface(4, 3), '00000000 00000000 03000000');
  is(packMulticastInterface(6, 3), '03000000');
});

test('the source of a message: struct in_pktinfo and struct in6_pktinfo', () => {
  is(packSource(ip('192.0.2.1'), 3), '03000000 c0000201 00000000');
  is(packSource(ip('fe80::1'), 3), 'fe800000000000000000000000000001 03000000');
});
