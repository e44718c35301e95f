/** What the golden messages do not show: masks, tunnels, and kernels that say less. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Family, ip } from '../../../src/base/address.ts';
import {
  type DestinationEntry,
  destinationAttributes,
  destinationEntry,
  SERVICE_FLAGS,
  type ServiceEntry,
  type ServiceKey,
  serviceAttributes,
  serviceEntry,
  type TunnelEntry,
} from '../../../src/wire/netlink-ipvs.ts';

const WEB: ServiceKey = { protocol: 'tcp', address: { address: ip('192.0.2.10'), port: 80 } };
const WEB6: ServiceKey = { protocol: 'tcp', address: { address: ip('2001:db8::10'), port: 80 } };
const service = (change: Partial<ServiceEntry> = {}): ServiceEntry => ({
  ...{ id: WEB, scheduler: 'wlc', persistence: 60, granularity: 32, engine: null, flags: 0 },
  ...change,
});
const server = (change: Partial<DestinationEntry> = {}): DestinationEntry => ({
  address: { address: ip('10.0.0.21'), port: 80 },
  ...{ forward: 'dr', weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnel: null },
  ...change,
});
const maskOf = (id: ServiceKey, granularity: number): readonly number[] => [
  ...(serviceAttributes(service({ id, granularity })).IPVS_SVC_ATTR_NETMASK ?? []),
];
const read = (mask: readonly number[], id = WEB) =>
  serviceEntry({ ...serviceAttributes(service({ id })), IPVS_SVC_ATTR_NETMASK: Uint8Array.from(mask) });

test('a prefix length is a mask in IPv4, and itself in IPv6', () => {
  assert.deepEqual(maskOf(WEB, 0), [0, 0, 0, 0]);
  assert.deepEqual(maskOf(WEB, 1), [128, 0, 0, 0]);
  assert.deepEqual(maskOf(WEB, 25), [255, 255, 255, 128]);
  assert.deepEqual(maskOf(WEB, 32), [255, 255, 255, 255]);
  assert.deepEqual(maskOf(WEB6, 64), [...new Uint8Array(Uint32Array.of(64).buffer)]);
});

test('every prefix length reads back as written', () => {
  for (const [id, most] of [
    [WEB, 32],
    [WEB6, 128],
  ] as const)
    for (let granularity = 0; granularity <= most; granularity++) {
      const entry = service({ id, granularity });
      assert.deepEqual(serviceEntry(serviceAttributes(entry)), { ok: true, value: entry });
    }
});

test('a mask with holes is told as none, and every other mask by its length', () => {
  for (const holes of [
    [255, 0, 255, 0],
    [0, 0, 0, 1],
    [127, 255, 255, 255],
    [255, 255, 255, 253],
  ]) {
    const entry = read(holes);
    assert.ok(entry.ok);
    assert.equal(entry.value?.granularity, null, String(holes));
  }
  const bits = (mask: readonly number[]) => mask.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      const [ones = ''] = /^1*/.exec(bits([...bytes])) ?? [];
      const entry = read([...bytes]);
      assert.ok(entry.ok);
      assert.equal(entry.value?.granularity, bits([...bytes]).includes('01') ? null : ones.length);
    }),
  );
});

const family = fc.constantFrom<Family>(4, 6);
const id: fc.Arbitrary<ServiceKey> = fc.oneof(
  fc.tuple(fc.constantFrom('tcp', 'udp', 'sctp'), family, fc.integer({ min: 0, max: 65535 })).map(
    ([protocol, of, port]): ServiceKey => ({
      ...WEB,
      protocol,
      address: { address: ip(of === 4 ? '192.0.2.10' : '2001:db8::10'), port },
    }),
  ),
  fc
    .tuple(fc.integer({ min: 1, max: 0xffff_ffff }), family)
    .map(([fwmark, of]): ServiceKey => ({ fwmark, family: of })),
);

test('every service reads back as written', () => {
  fc.assert(
    fc.property(
      id,
      fc.constantFrom(null, 'sip'),
      fc.constantFrom(null, 0, 1, 300),
      fc.nat(15),
      (id, engine, persistence, bits) => {
        const entry = service({ id, engine, persistence, flags: (bits << 2) & SERVICE_FLAGS, granularity: 24 });
        assert.deepEqual(serviceEntry(serviceAttributes(entry)), { ok: true, value: entry });
      },
    ),
  );
});

test('without a persistence engine there is no attribute for one, and without a mark none for it', () => {
  assert.ok(!('IPVS_SVC_ATTR_PE_NAME' in serviceAttributes(service())));
  assert.equal(serviceAttributes(service({ engine: 'sip' })).IPVS_SVC_ATTR_PE_NAME, 'sip');
  assert.ok(!('IPVS_SVC_ATTR_FWMARK' in serviceAttributes(service())));
  const marked = serviceAttributes(service({ id: { fwmark: 7, family: 6 } }));
  assert.deepEqual([marked.IPVS_SVC_ATTR_FWMARK, marked.IPVS_SVC_ATTR_AF], [7, 10]);
  for (const key of ['PROTOCOL', 'ADDR', 'PORT'] as const) assert.ok(!(`IPVS_SVC_ATTR_${key}` in marked), key);
});

test('a service of a protocol without a name here, or of mark 0 and no protocol, has no key', () => {
  const web = serviceAttributes(service());
  assert.deepEqual(serviceEntry({ ...web, IPVS_SVC_ATTR_PROTOCOL: 50 }), { ok: true, value: undefined });
  assert.deepEqual(serviceEntry({ ...web, IPVS_SVC_ATTR_FWMARK: 0 }), { ok: true, value: service() });
  const { IPVS_SVC_ATTR_PROTOCOL: _, ...without } = web;
  assert.deepEqual(serviceEntry({ ...without, IPVS_SVC_ATTR_FWMARK: 0 }), { ok: true, value: undefined });
});

test('a service without what makes it one is refused; without a mask every client counts by itself', () => {
  const web = serviceAttributes(service());
  for (const [key, error] of [
    ['IPVS_SVC_ATTR_AF', 'value'],
    ['IPVS_SVC_ATTR_ADDR', 'missing'],
    ['IPVS_SVC_ATTR_PORT', 'missing'],
    ['IPVS_SVC_ATTR_FLAGS', 'missing'],
    ['IPVS_SVC_ATTR_SCHED_NAME', 'missing'],
  ] as const)
    assert.deepEqual(serviceEntry({ ...web, [key]: undefined }), { ok: false, error }, key);
  for (const [id, whole] of [
    [WEB, 32],
    [WEB6, 128],
  ] as const) {
    const { IPVS_SVC_ATTR_NETMASK: _, ...older } = serviceAttributes(service({ id, granularity: 1 }));
    assert.deepEqual(serviceEntry(older), { ok: true, value: service({ id, granularity: whole }) });
  }
});

test('every tunnel reads back as written, and only a tunnel has its attributes', () => {
  for (const tunnel of [
    { type: 'ipip', port: 0, checksum: 'none' },
    { type: 'gue', port: 6080, checksum: 'remcsum' },
    { type: 'gre', port: 0, checksum: 'csum' },
  ] as const satisfies readonly TunnelEntry[]) {
    const entry = server({ forward: 'tun', tunnel });
    assert.deepEqual(destinationEntry(destinationAttributes(entry), WEB), { ok: true, value: entry });
  }
  const about = (tunnel: TunnelEntry | null) => {
    const all = destinationAttributes(server({ forward: tunnel ? 'tun' : 'dr', tunnel }));
    return [all.IPVS_DEST_ATTR_TUN_TYPE, all.IPVS_DEST_ATTR_TUN_PORT, all.IPVS_DEST_ATTR_TUN_FLAGS];
  };
  // linux/ip_vs.h: IP_VS_CONN_F_TUNNEL_TYPE_GUE 1, _GRE 2; IP_VS_TUNNEL_ENCAP_FLAG_CSUM 1, _REMCSUM 2
  assert.deepEqual(about({ type: 'gue', port: 6080, checksum: 'remcsum' }), [1, 6080, 2]);
  assert.deepEqual(about({ type: 'gre', port: 0, checksum: 'csum' }), [2, 0, 1]);
  assert.deepEqual(about(null), [undefined, undefined, undefined]);
  const direct = { ...destinationAttributes(server()), IPVS_DEST_ATTR_TUN_TYPE: 1, IPVS_DEST_ATTR_TUN_PORT: 6080 };
  assert.deepEqual(destinationEntry(direct, WEB), { ok: true, value: server() });
});

test('a kernel before 5.3 says nothing of tunnels and means IP in IP; a tunnel without a name here is told as none', () => {
  const tun = destinationAttributes(server({ forward: 'tun' }));
  assert.deepEqual(destinationEntry(tun, WEB), {
    ok: true,
    value: server({ forward: 'tun', tunnel: { type: 'ipip', port: 0, checksum: 'none' } }),
  });
  for (const strange of [{ IPVS_DEST_ATTR_TUN_TYPE: 3 }, { IPVS_DEST_ATTR_TUN_TYPE: 2, IPVS_DEST_ATTR_TUN_FLAGS: 3 }])
    assert.deepEqual(destinationEntry({ ...tun, ...strange }, WEB), { ok: true, value: server({ forward: 'tun' }) });
});

test('a server of which no family is said (Linux before 3.18) is of that of its service, also by mark', () => {
  const address = { address: ip('2001:db8::21'), port: 80 };
  for (const id of [WEB6, { fwmark: 7, family: 6 } as const]) {
    const { IPVS_DEST_ATTR_ADDR_FAMILY: _, ...older } = destinationAttributes(server({ address }));
    assert.deepEqual(destinationEntry(older, id), { ok: true, value: server({ address }) });
  }
});
