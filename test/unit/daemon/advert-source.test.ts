import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { chooseSource } from '../../../src/daemon/advert-source.ts';
import { IFA_F, type InterfaceAddress } from '../../../src/wire/netlink-address.ts';

const own = (text: string, flags = 0): InterfaceAddress => ({
  index: 2,
  prefix: parsePrefix(text) as Prefix,
  scope: 0,
  flags,
});
const { TENTATIVE, DADFAILED, DEPRECATED, SECONDARY } = IFA_F;
const VIRTUAL = new Set(['192.0.2.100', 'fe80::100', '2001:db8::100']);
const V4 = { family: 4, group: ip('224.0.0.18'), peers: [], wanted: null } as const;
const V6 = { family: 6, group: ip('ff02::12'), peers: [], wanted: null } as const;
const UNICAST = { family: 6, group: null, peers: [ip('2001:db8::2')], wanted: null } as const;

type Wanted = Parameters<typeof chooseSource>[3];
const sources: readonly [string, Wanted, readonly InterfaceAddress[], string][] = [
  ['the first', V4, [own('192.0.2.1/24'), own('192.0.2.2/24')], '192.0.2.1'],
  ['the first that is not virtual', V4, [own('192.0.2.100/24'), own('192.0.2.2/24')], '192.0.2.2'],
  ['of its family', V4, [own('fe80::1/64'), own('192.0.2.2/24')], '192.0.2.2'],
  ['the first, though it is a secondary', V4, [own('192.0.2.1/24', SECONDARY), own('10.0.0.1/8')], '192.0.2.1'],
  [
    'the one that the config names',
    { ...V4, wanted: ip('192.0.2.2') },
    [own('192.0.2.1/24'), own('192.0.2.2/24')],
    '192.0.2.2',
  ],
  ['IPv6 multicast: link-local', V6, [own('2001:db8::1/64'), own('fe80::1/64')], 'fe80::1'],
  ['never a virtual link-local one', V6, [own('fe80::100/64'), own('fe80::1/64')], 'fe80::1'],
  ['one that is past duplicate detection', V6, [own('fe80::1/64', TENTATIVE), own('fe80::2/64')], 'fe80::2'],
  ['one that nobody else has', V6, [own('fe80::1/64', DADFAILED | TENTATIVE), own('fe80::2/64')], 'fe80::2'],
  ['the one named, of IPv6', { ...V6, wanted: ip('fe80::2') }, [own('fe80::1/64'), own('fe80::2/64')], 'fe80::2'],
  ['unicast to global peers: global', UNICAST, [own('fe80::1/64'), own('2001:db8::1/64')], '2001:db8::1'],
  ['unicast: never a virtual one', UNICAST, [own('2001:db8::100/64'), own('2001:db8::1/64')], '2001:db8::1'],
  [
    'unicast: rather the lasting one',
    UNICAST,
    [own('2001:db8::a/64', DEPRECATED), own('2001:db8::b/64', SECONDARY), own('2001:db8::1/64')],
    '2001:db8::1',
  ],
  ['unicast: a temporary one when there is no other', UNICAST, [own('2001:db8::b/64', SECONDARY)], '2001:db8::b'],
  [
    'unicast to link-local peers: link-local',
    { ...UNICAST, peers: [ip('fe80::2')] },
    [own('2001:db8::1/64'), own('fe80::1/64')],
    'fe80::1',
  ],
];
for (const [why, wanted, addresses, expected] of sources)
  test(`source: ${why}`, () =>
    assert.deepEqual(chooseSource('eth0', addresses, VIRTUAL, wanted), { source: expected, lacks: null }));

const lacking: readonly [Wanted, readonly InterfaceAddress[], string][] = [
  [V4, [], 'interface eth0 has no address of its own'],
  [V4, [own('192.0.2.100/24'), own('fe80::1/64')], 'interface eth0 has no address of its own'],
  [{ ...V4, wanted: ip('192.0.2.9') }, [own('192.0.2.1/24')], 'interface eth0 has no address 192.0.2.9'],
  [V6, [own('2001:db8::1/64')], 'interface eth0 has no link-local address of its own'],
  [V6, [own('fe80::1/64', TENTATIVE)], 'interface eth0 waits for duplicate address detection of fe80::1'],
  [
    V6,
    [own('fe80::1/64', TENTATIVE | DADFAILED)],
    'interface eth0 cannot use fe80::1: another machine has it (duplicate address detection failed)',
  ],
  [
    V6,
    [own('fe80::1/64', DADFAILED), own('fe80::2/64', TENTATIVE)],
    'interface eth0 waits for duplicate address detection of fe80::2',
  ],
  [{ ...V6, wanted: ip('fe80::9') }, [own('fe80::1/64')], 'interface eth0 has no address fe80::9'],
  [UNICAST, [own('fe80::1/64')], 'interface eth0 has no address of its own'],
];
for (const [wanted, addresses, expected] of lacking)
  test(`lacking: ${expected}`, () =>
    assert.deepEqual(chooseSource('eth0', addresses, VIRTUAL, wanted), { source: null, lacks: expected }));
