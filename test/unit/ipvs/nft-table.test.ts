import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { type Listener, type Masquerading, masqueradingOf, type Rule } from '../../../src/ipvs/masquerade.ts';
import { decodeNftTable, type NftObject, nftCommands, nftObjects } from '../../../src/ipvs/nft-table.ts';

const address = (virtual: boolean): fc.Arbitrary<IpAddress> =>
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 9 }))
    .map(([six, n]) => ip(six ? `${virtual ? '2001:db8' : 'fd00'}::${n}` : `${virtual ? '192.0.2' : '10.0.0'}.${n}`));
const listener: fc.Arbitrary<Listener> = fc.oneof(
  fc
    .tuple(fc.constantFrom('tcp', 'udp', 'sctp'), address(true), fc.nat(65535), fc.nat(20))
    .map(([protocol, at, port, more]) => ({
      protocol,
      range: { address: at, port, lastPort: port === 0 ? 0 : Math.min(65535, port + more) },
    })),
  fc.tuple(fc.integer({ min: 1, max: 0xffff_ffff }), fc.constantFrom(4, 6)).map(([fwmark, family]) => ({
    fwmark,
    family,
  })),
);
const rule: fc.Arbitrary<Rule> = fc.record(
  {
    listener,
    source: fc.oneof(fc.constantFrom('interface' as const, 'client' as const), address(false)),
  },
  { noNullPrototype: true },
);
const masquerading: fc.Arbitrary<Masquerading> = fc
  .tuple(fc.array(rule), fc.array(address(false)))
  .map(([rules, servers]) => masqueradingOf(rules, servers));

/** As the kernel lists it: with handles, elements in its own order, and what is alone perhaps not in a list. */
function listed(objects: readonly NftObject[], salt: number): string {
  const handles = objects.map((object, i) => {
    const [[kind = '', fields = {}] = []] = Object.entries(object);
    const elem = Array.isArray(fields.elem) && {
      elem: [...fields.elem.slice(salt % 3), ...fields.elem.slice(0, salt % 3)],
    };
    const flags = fields.flags !== undefined && salt % 2 === 1 && { flags: 'interval' };
    return { [kind]: { handle: i + salt, ...fields, ...elem, ...flags } };
  });
  const sorted = handles.sort((a, b) => order(a) - order(b));
  return JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6', json_schema_version: 1 } }, ...sorted] });
}
const order = (object: object): number =>
  ['table', 'map', 'set', 'chain', 'rule'].indexOf(Object.keys(object)[0] ?? '');

test('whatever is made of services is recognized in the listing of the kernel', () => {
  fc.assert(
    fc.property(masquerading, fc.nat(1000), (wanted, salt) => {
      const read = decodeNftTable(listed(nftObjects(wanted), salt));
      assert.ok(read.ok);
      assert.ok(read.value.whole);
      const sorted = (all: Masquerading) => [[...all.rules].sort(), [...all.servers].sort()];
      assert.deepEqual(sorted(read.value.masquerading), sorted(wanted));
    }),
  );
});

const SOME = masqueradingOf(
  [
    {
      listener: { protocol: 'tcp', range: { address: ip('192.0.2.10'), port: 80, lastPort: 80 } },
      source: 'interface',
    },
    {
      listener: { protocol: 'udp', range: { address: ip('2001:db8::1'), port: 0, lastPort: 0 } },
      source: ip('fd00::5'),
    },
  ],
  [ip('10.0.0.1'), ip('fd00::1')],
);

test('anything that somebody has added, changed or taken away is noticed', () => {
  const objects = nftObjects(SOME);
  for (const [i, object] of objects.entries()) {
    const [[kind = '', fields = {}] = []] = Object.entries(object);
    if (kind !== 'table') {
      const without = decodeNftTable(listed(objects.toSpliced(i, 1), 0));
      assert.ok(
        without.ok &&
          !(
            without.value.whole &&
            without.value.masquerading.rules.size === 2 &&
            without.value.masquerading.servers.size === 2
          ),
        `without ${JSON.stringify(object)}`,
      );
    }
    const twice = decodeNftTable(listed(objects.toSpliced(i, 0, object), 0));
    assert.ok(twice.ok && !twice.value.whole, `twice ${JSON.stringify(object)}`);
    const marked = decodeNftTable(listed(objects.with(i, { [kind]: { ...fields, comment: 'mine' } }), 0));
    assert.ok(marked.ok && !marked.value.whole, `changed ${JSON.stringify(object)}`);
  }
});

test('the order of rules counts', () => {
  const objects = nftObjects(SOME);
  const first = objects.findIndex(({ rule }) => rule?.chain === 'ipv4');
  const [a, b] = objects.slice(first);
  assert.ok(a && b);
  const read = decodeNftTable(listed(objects.with(first, b).with(first + 1, a), 0));
  assert.ok(read.ok && !read.value.whole);
});

test('an element that nobody here makes is noticed, and what is no listing is refused', () => {
  const strange = (map: string, elem: unknown) => {
    const objects = nftObjects(SOME).map((object) =>
      object.map?.name === map ? ({ map: { ...object.map, elem: [elem] } } as NftObject) : object,
    );
    return decodeNftTable(listed(objects, 0));
  };
  const to = { goto: { target: 'by-interface' } };
  for (const elem of [
    [{ concat: ['192.0.2.10', 80] }, { drop: null }],
    [{ concat: ['192.0.2.10', 80] }, { goto: { target: 'by-nobody' } }],
    [{ concat: ['192.0.2.10', 80] }, { jump: { target: 'by-interface' } }],
    [{ concat: ['192.0.2.0/24', 80] }, to],
    [{ concat: ['192.0.2.10'] }, to],
    [{ concat: ['192.0.2.10', { range: ['a', 'b'] }] }, to],
    [{ elem: { val: 3 } }, to],
    'text',
    null,
  ]) {
    const read = strange('tcp4', elem);
    assert.ok(read.ok && !read.value.whole, JSON.stringify(elem));
  }
  for (const elem of [
    ['7', to],
    [{ concat: [7] }, to],
  ]) {
    const read = strange('marks4', elem);
    assert.ok(read.ok && !read.value.whole, JSON.stringify(elem));
  }
  const wide = strange('every-port6', [{ concat: ['2001:db8::1', 47] }, to]);
  assert.ok(wide.ok && !wide.value.whole);
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{}',
    '{"nftables":3}',
    '{"nftables":[1,null]}',
    '{"nftables":[{"map":3}]}',
    '{"nftables":[{"map":null}]}',
    '{"nftables":[{"rule":null}]}',
  ])
    assert.doesNotThrow(() => decodeNftTable(text), text);
  for (const text of ['', '{', '[]', 'null', '{}', '{"nftables":3}'])
    assert.equal(decodeNftTable(text).ok, false, text);
});

test('the commands replace the table whole, or take it away, whether it is there or not', () => {
  const table = { table: { family: 'inet', name: 'lvskeeper' } };
  assert.deepEqual(nftCommands(null), { nftables: [{ add: table }, { delete: table }] });
  const { nftables } = nftCommands(SOME) as unknown as { readonly nftables: readonly object[] };
  assert.deepEqual(nftables.slice(0, 3), [{ add: table }, { delete: table }, { add: table }]);
});

test('however many services and servers there are, the rules are as many', () => {
  const many = masqueradingOf(
    Array.from(
      { length: 1000 },
      (_, i): Rule => ({
        listener: { protocol: 'tcp', range: { address: ip(`192.0.${i >> 8}.${i & 255}`), port: 80, lastPort: 80 } },
        source: 'interface',
      }),
    ),
    Array.from({ length: 10_000 }, (_, i) => ip(`10.0.${i >> 8}.${i & 255}`)),
  );
  const rules = (of: Masquerading) => nftObjects(of).filter(({ rule }) => rule !== undefined).length;
  assert.equal(rules(many), rules(masqueradingOf([...many.rules.values()].slice(0, 1), [])));
});
