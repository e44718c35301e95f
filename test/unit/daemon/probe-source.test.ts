import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { ok } from '../../../src/base/result.ts';
import { chooseSource, probeSources } from '../../../src/daemon/probe-source.ts';

const own = (index: number, text: string, scope = 0) => ({
  index,
  prefix: parsePrefix(text) as Prefix,
  scope,
  flags: 0,
});

const ADDRESSES = [
  own(1, '127.0.0.1/8', 254),
  own(2, '192.0.2.11/24'),
  own(3, '10.0.0.11/24'),
  own(3, 'fe80::1/64', 253),
  own(3, '2001:db8::11/64'),
];

const cases: readonly [string, number, string | null, string][] = [
  ['10.0.0.21', 3, '10.0.0.11', 'the address of the same network'],
  ['10.0.0.21', 2, '10.0.0.11', 'the same network before the outgoing interface'],
  ['198.51.100.1', 2, '192.0.2.11', 'an address of the outgoing interface'],
  ['198.51.100.1', 9, '192.0.2.11', 'any own address, when the interface has none'],
  ['2001:db8:1::1', 2, '2001:db8::11', 'an address of the same family'],
];
for (const [to, outgoing, expected, why] of cases)
  test(`towards ${to} by interface ${outgoing}: ${why}`, () =>
    assert.equal(chooseSource(ip(to), ADDRESSES, outgoing), expected));

test('with no own address of the family the kernel is left to choose', () => {
  assert.equal(chooseSource(ip('10.0.0.21'), [own(1, '127.0.0.1/8', 254)], 1), null);
});

/** What is asked of a kernel that would send from 10.0.0.1 by interface 3, and what comes of it. */
async function aimed(virtual: readonly string[], ...servers: readonly string[]) {
  const asked: (readonly IpAddress[])[] = [];
  const sources = await probeSources(
    {
      addresses: async () => ok([...ADDRESSES, own(3, '10.0.0.1/24')]),
      routesTo: async (destinations) => {
        asked.push(destinations);
        return destinations.map(() => ok({ interfaceIndex: 3, source: ip('10.0.0.1'), gateway: undefined }));
      },
    },
    servers.map(ip),
    new Set(virtual),
  );
  return { asked, sources: servers.map((server) => sources.get(ip(server)) ?? null) };
}

test('all ways are asked for in one go, each destination once', async () => {
  const { asked, sources } = await aimed(['10.0.0.1'], '10.0.0.21', '198.51.100.1', '10.0.0.21');
  assert.deepEqual(asked, [['10.0.0.21', '198.51.100.1']]);
  assert.deepEqual(sources, ['10.0.0.11', '10.0.0.11', '10.0.0.11']);
});

test('a source that is not virtual is taken', async () => {
  assert.deepEqual((await aimed(['10.0.0.2'], '10.0.0.21')).sources, ['10.0.0.1']);
});

test('where there is no virtual address of the family the kernel is left to choose, and not asked', async () => {
  assert.deepEqual(await aimed([], '10.0.0.21'), { asked: [], sources: [null] });
  const { asked, sources } = await aimed(['2001:db8::1'], '10.0.0.21', '2001:db8::21');
  assert.deepEqual(asked, [['2001:db8::21']]);
  assert.equal(sources[0], null);
});
