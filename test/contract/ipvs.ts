/**
 * What every `Ipvs` does, the kernel's and the fake one. `setUp` gives an empty one, and `saved`: what it holds as
 * `ipvsadm -S -n` prints it, sorted: that has all but the thresholds.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { BITS, type Family, ip, parseEndpoint } from '../../src/base/address.ts';
import { plan } from '../../src/ipvs/plan.ts';
import {
  type Destination,
  familyOfService,
  type Operation,
  type Protocol,
  SCHEDULERS,
  type Service,
  type ServiceId,
  serviceKey,
  type Table,
  type Tunnel,
  tableOf,
} from '../../src/ipvs/table.ts';
import type { Ipvs } from '../../src/system/ipvs.ts';
import { uncounted } from './fake-ipvs.ts';

export type IpvsSetting = {
  readonly ipvs: Ipvs;
  readonly saved: () => Promise<readonly string[]>;
  /** The schedulers that this kernel has. */
  readonly schedulers: readonly string[];
  readonly end: () => Promise<void>;
};

const endpoint = (text: string) => parseEndpoint(text) ?? { address: ip('0.0.0.0'), port: 0 };
const id = (text: string, protocol: Protocol = 'tcp'): ServiceId => ({
  protocol,
  address: endpoint(text),
});
const mark = (fwmark: number, family: Family = 4): ServiceId => ({ fwmark, family });
/** Without the port that it needs. */
const GUE = { type: 'gue', port: 0, checksum: 'none' } as const;
const IPIP = { type: 'ipip', port: 0, checksum: 'none' } as const;
const WEB = id('192.0.2.10:80');
const service = (change: Partial<Service> = {}): Service => ({
  id: WEB,
  scheduler: 'wlc',
  ...{ persistence: null, granularity: BITS[familyOfService(change.id ?? WEB)], engine: null },
  flags: 0,
  destinations: [],
  ...change,
});
const server = (text: string, change: Partial<Destination> = {}): Destination => ({
  address: endpoint(text),
  forward: 'dr',
  weight: 100,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: change.forward === 'tun' ? IPIP : null,
  ...change,
});
const add = (one: Service): readonly Operation[] => [
  { op: 'add-service', service: one },
  ...one.destinations.map((destination): Operation => ({ op: 'add-destination', service: one.id, destination })),
];

export function ipvsContract(name: string, setUp: () => Promise<IpvsSetting>): void {
  /** Runs `body` on an empty table, and ends the setting whatever happens. */
  const on = (title: string, body: (setting: IpvsSetting) => Promise<void>): void =>
    void test(`${name}: ${title}`, async () => {
      const setting = await setUp();
      try {
        await body(setting);
      } finally {
        await setting.end();
      }
    });
  const make = async (ipvs: Ipvs, operations: readonly Operation[]): Promise<void> => {
    for (const result of await ipvs.apply(operations)) assert.ok(result.ok, JSON.stringify(result));
  };
  const tableIn = async (ipvs: Ipvs): Promise<Table> => {
    const read = await ipvs.read();
    assert.ok(read.ok, JSON.stringify(read));
    return read.value;
  };

  on('an empty table reads as empty', async ({ ipvs, saved }) => {
    assert.equal((await tableIn(ipvs)).size, 0);
    assert.deepEqual(await saved(), []);
  });

  on('every protocol, forwarding method, threshold, persistence and family reads back as made', async (setting) => {
    const services = [
      service({ destinations: [server('10.0.0.21:80'), server('10.0.0.22:80', { forward: 'nat', weight: 0 })] }),
      service({ id: id('192.0.2.10:53', 'udp'), scheduler: 'rr', flags: 0x4, destinations: [server('10.0.0.21:53')] }),
      service({
        id: id('192.0.2.10:443'),
        persistence: 300,
        destinations: [server('10.0.0.21:8443', { forward: 'nat' })],
      }),
      service({ id: id('192.0.2.10:0'), persistence: 1, destinations: [server('10.0.0.21:0', { forward: 'tun' })] }),
      service({
        id: id('[2001:db8::10]:80'),
        scheduler: 'sh',
        flags: 0x18,
        persistence: 60,
        destinations: [server('[fd00::21]:80', { forward: 'tun', weight: 65535 }), server('[fd00::22]:80')],
      }),
      service({
        id: id('192.0.2.11:80'),
        destinations: [server('10.0.0.21:80', { upperThreshold: 50, lowerThreshold: 5 })],
      }),
    ];
    await make(setting.ipvs, services.flatMap(add));
    assert.deepEqual(uncounted(await tableIn(setting.ipvs)), uncounted(tableOf(services)));
    assert.deepEqual(await setting.saved(), [
      '-A -t 192.0.2.10:0 -s wlc -p 1',
      '-A -t 192.0.2.10:443 -s wlc -p 300',
      '-A -t 192.0.2.10:80 -s wlc',
      '-A -t 192.0.2.11:80 -s wlc',
      '-A -t [2001:db8::10]:80 -s sh -p 60 -b sh-fallback,sh-port',
      '-A -u 192.0.2.10:53 -s rr -o',
      '-a -t 192.0.2.10:0 -r 10.0.0.21:0 -i -w 100 --tun-type ipip',
      '-a -t 192.0.2.10:443 -r 10.0.0.21:8443 -m -w 100',
      '-a -t 192.0.2.10:80 -r 10.0.0.21:80 -g -w 100',
      '-a -t 192.0.2.10:80 -r 10.0.0.22:80 -m -w 0',
      '-a -t 192.0.2.11:80 -r 10.0.0.21:80 -g -w 100',
      '-a -t [2001:db8::10]:80 -r [fd00::21]:80 -i -w 65535 --tun-type ipip',
      '-a -t [2001:db8::10]:80 -r [fd00::22]:80 -g -w 100',
      '-a -u 192.0.2.10:53 -r 10.0.0.21:53 -g -w 100',
    ]);
  });

  on('a mark is a service of each family, with servers on any port', async (setting) => {
    const services = [
      service({ id: mark(7), destinations: [server('10.0.0.21:0'), server('10.0.0.22:8080', { forward: 'nat' })] }),
      service({ id: mark(7, 6), persistence: 60, destinations: [server('[fd00::21]:0', { forward: 'nat' })] }),
      service({ id: mark(0xffff_ffff) }),
    ];
    await make(setting.ipvs, services.flatMap(add));
    assert.deepEqual(uncounted(await tableIn(setting.ipvs)), uncounted(tableOf(services)));
    assert.deepEqual(await setting.saved(), [
      '-A -f -1 -s wlc',
      '-A -f 7 -6 -s wlc -p 60',
      '-A -f 7 -s wlc',
      '-a -f 7 -6 -r [fd00::21]:0 -m -w 100',
      '-a -f 7 -r 10.0.0.21:0 -g -w 100',
      '-a -f 7 -r 10.0.0.22:8080 -m -w 100',
    ]);
    await make(setting.ipvs, [
      { op: 'delete-destination', service: mark(7), destination: server('10.0.0.21:0') },
      { op: 'delete-service', service: service({ id: mark(7, 6) }) },
    ]);
    assert.deepEqual(await setting.saved(), [
      '-A -f -1 -s wlc',
      '-A -f 7 -s wlc',
      '-a -f 7 -r 10.0.0.22:8080 -m -w 100',
    ]);
  });

  on('sctp, granularity, persistence engine and the flags of a scheduler read back as made', async (setting) => {
    const sip = id('192.0.2.10:5060', 'udp');
    const services = [
      service({ id: id('192.0.2.10:3868', 'sctp'), destinations: [server('10.0.0.21:3868', { forward: 'nat' })] }),
      service({ id: id('192.0.2.10:1'), persistence: 60, granularity: 0 }),
      service({ id: id('192.0.2.10:2'), persistence: 60, granularity: 1 }),
      service({ id: id('192.0.2.10:3'), persistence: 60, granularity: 25 }),
      service({ id: id('[2001:db8::10]:3'), persistence: 60, granularity: 64 }),
      service({ id: sip, persistence: 60, engine: 'sip', flags: 0x4 }),
      service({ id: id('192.0.2.10:4'), scheduler: 'mh', flags: 0x10 }),
      service({ id: id('192.0.2.10:5'), scheduler: 'mh', flags: 0x8 }),
      service({ id: id('192.0.2.10:6', 'udp'), scheduler: 'sh', flags: 0x1c }),
      service({ id: id('192.0.2.10:7'), scheduler: 'rr', flags: 0x20 }),
    ];
    await make(setting.ipvs, services.flatMap(add));
    assert.deepEqual(uncounted(await tableIn(setting.ipvs)), uncounted(tableOf(services)));
    assert.deepEqual(await setting.saved(), [
      '-A --sctp-service 192.0.2.10:3868 -s wlc',
      '-A -t 192.0.2.10:1 -s wlc -p 60 -M 0.0.0.0',
      '-A -t 192.0.2.10:2 -s wlc -p 60 -M 128.0.0.0',
      '-A -t 192.0.2.10:3 -s wlc -p 60 -M 255.255.255.128',
      '-A -t 192.0.2.10:4 -s mh -b mh-port',
      '-A -t 192.0.2.10:5 -s mh -b mh-fallback',
      '-A -t 192.0.2.10:7 -s rr -b flag-3',
      '-A -t [2001:db8::10]:3 -s wlc -p 60 -M 64',
      '-A -u 192.0.2.10:5060 -s wlc -p 60 --pe sip -o',
      '-A -u 192.0.2.10:6 -s sh -o -b sh-fallback,sh-port',
      '-a --sctp-service 192.0.2.10:3868 -r 10.0.0.21:3868 -m -w 100',
    ]);
    const plain = service({ id: sip });
    await make(setting.ipvs, [{ op: 'set-service', service: plain, was: service({ id: sip, engine: 'sip' }) }]);
    assert.deepEqual((await tableIn(setting.ipvs)).get('udp 192.0.2.10:5060'), plain);
  });

  on('every tunnel reads back as made, to a server of either family', async (setting) => {
    const checksums = ['none', 'csum', 'remcsum'] as const;
    const tunnels: readonly Tunnel[] = [
      IPIP,
      ...(['none', 'csum'] as const).map((checksum): Tunnel => ({ type: 'gre', port: 0, checksum })),
      ...checksums.map((checksum): Tunnel => ({ type: 'gue', port: 6080, checksum })),
    ];
    const tunnelled = (text: string, i: number, tunnel: Tunnel): Destination =>
      server(text.replace('N', String(21 + i)), { forward: 'tun', tunnel });
    const web6 = id('[2001:db8::10]:80');
    const services = [
      service({
        destinations: tunnels.flatMap((t, i) => ['10.0.0.N:80', '[fd00::N]:80'].map((a) => tunnelled(a, i, t))),
      }),
      service({ id: web6, destinations: [tunnelled('10.0.0.N:80', 0, IPIP), server('[fd00::9]:80')] }),
    ];
    await make(setting.ipvs, services.flatMap(add));
    assert.deepEqual(uncounted(await tableIn(setting.ipvs)), uncounted(tableOf(services)));
    const saved = await setting.saved();
    const words = [
      'ipip',
      'gre --tun-nocsum',
      'gre --tun-csum',
      ...checksums.map((c) => `gue --tun-port 6080 --tun-${c}`),
    ];
    for (const [i, word] of words.entries())
      for (const address of [`10.0.0.${21 + i}`, `[fd00::${21 + i}]`])
        assert.ok(
          saved.includes(
            `-a -t 192.0.2.10:80 -r ${address}:80 -i -w 100 --tun-type ${word.replace('-none', '-nocsum')}`,
          ),
          `${address} ${word}`,
        );

    const was = server('10.0.0.24:80', { forward: 'tun', tunnel: tunnels[3] as Tunnel });
    const next = server('10.0.0.24:80', { forward: 'tun', tunnel: tunnels[2] as Tunnel });
    await make(setting.ipvs, [{ op: 'set-destination', service: WEB, destination: next, was }]);
    const changed = async () => (await tableIn(setting.ipvs)).get('tcp 192.0.2.10:80')?.destinations;
    const now = async () => (await changed())?.find((d) => d.address.address === ip('10.0.0.24'));
    assert.deepEqual((await now())?.tunnel, tunnels[2]);
    const direct = server('10.0.0.24:80');
    await make(setting.ipvs, [{ op: 'set-destination', service: WEB, destination: direct, was: next }]);
    assert.deepEqual([(await now())?.forward, (await now())?.tunnel], ['dr', null]);
  });

  on('every scheduler is asked for by its name, and one that the kernel lacks is refused by name', async (setting) => {
    const services = SCHEDULERS.map((scheduler, i) => service({ id: id(`192.0.2.10:${1000 + i}`), scheduler }));
    const results = await setting.ipvs.apply(services.flatMap(add));
    for (const [i, scheduler] of SCHEDULERS.entries()) {
      const result = results[i];
      if (setting.schedulers.includes(scheduler)) assert.deepEqual(result, { ok: true, value: null }, scheduler);
      else
        assert.deepEqual(result, {
          ok: false,
          error: {
            code: 'ENOENT',
            message:
              `tcp 192.0.2.10:${1000 + i}: new service, scheduler ${scheduler}: ` +
              `scheduler ${scheduler}: the kernel has no ip_vs_${scheduler} module`,
          },
        });
    }
    const there = services.filter((s) => setting.schedulers.includes(s.scheduler));
    assert.deepEqual(uncounted(await tableIn(setting.ipvs)), uncounted(tableOf(there)));
  });

  on('a service and its servers are changed in place', async ({ ipvs, saved }) => {
    const was = service({ destinations: [server('10.0.0.21:80'), server('10.0.0.22:80')] });
    await make(ipvs, add(was));
    const tunnelled = server('10.0.0.21:80', { forward: 'tun', weight: 7, upperThreshold: 9 });
    const sticky = service({ scheduler: 'rr', persistence: 120 });
    await make(ipvs, [
      { op: 'set-service', service: sticky, was },
      { op: 'set-destination', service: WEB, destination: tunnelled, was: server('10.0.0.21:80') },
    ]);
    assert.deepEqual(await saved(), [
      '-A -t 192.0.2.10:80 -s rr -p 120',
      '-a -t 192.0.2.10:80 -r 10.0.0.21:80 -i -w 7 --tun-type ipip',
      '-a -t 192.0.2.10:80 -r 10.0.0.22:80 -g -w 100',
    ]);
    const changed = (await tableIn(ipvs)).get('tcp 192.0.2.10:80')?.destinations.find((d) => d.forward === 'tun');
    assert.equal(changed?.upperThreshold, 9);
    await make(ipvs, [{ op: 'set-service', service: was, was: sticky }]);
    assert.equal((await saved())[0], '-A -t 192.0.2.10:80 -s wlc');
  });

  on('a server is deleted alone, a service with all its servers', async ({ ipvs, saved }) => {
    const both = service({ destinations: [server('10.0.0.21:80'), server('10.0.0.22:80')] });
    await make(ipvs, [...add(both), { op: 'delete-destination', service: WEB, destination: server('10.0.0.21:80') }]);
    assert.deepEqual(await saved(), ['-A -t 192.0.2.10:80 -s wlc', '-a -t 192.0.2.10:80 -r 10.0.0.22:80 -g -w 100']);
    await make(ipvs, [{ op: 'delete-service', service: both }]);
    assert.deepEqual(await saved(), []);
  });

  on('each refusal has its code, its operation and what to do; what follows it is done', async ({ ipvs, saved }) => {
    const other = id('192.0.2.99:80');
    const good = server('10.0.0.21:80');
    const refusals: readonly (readonly [Operation, string, RegExp])[] = [
      [{ op: 'add-service', service: service() }, 'EEXIST', /^tcp 192\.0\.2\.10:80: new service.*it is there already/],
      [
        { op: 'set-service', service: service({ id: other }), was: service() },
        'ESRCH',
        /no service tcp 192\.0\.2\.99:80/,
      ],
      [{ op: 'delete-service', service: service({ id: other }) }, 'ESRCH', /no service tcp 192\.0\.2\.99:80/],
      [{ op: 'add-destination', service: other, destination: good }, 'ESRCH', /no service tcp 192\.0\.2\.99:80/],
      [{ op: 'add-destination', service: WEB, destination: good }, 'EEXIST', /server 10\.0\.0\.21:80.*there already/],
      [
        { op: 'add-destination', service: WEB, destination: server('224.0.0.5:80') },
        'EINVAL',
        /224\.0\.0\.5 is not a unicast/,
      ],
      [
        { op: 'add-service', service: service({ id: other, engine: 'none' }) },
        'ENOENT',
        /no ip_vs_wlc module, or no ip_vs_pe_none for persistence engine none/,
      ],
      [{ op: 'add-service', service: service({ id: id('[2001:db8::9]:80'), granularity: 0 }) }, 'EINVAL', /EINVAL/],
      [
        { op: 'add-destination', service: WEB, destination: server('[fd00::21]:80') },
        'EINVAL',
        /fd00::21 is no IPv4 address, and the service is: only forward tun reaches it/,
      ],
      [
        { op: 'add-destination', service: WEB, destination: server('10.0.0.9:80', { forward: 'tun', tunnel: GUE }) },
        'EINVAL',
        /a gue tunnel needs a port/,
      ],
      [
        { op: 'add-destination', service: WEB, destination: server('10.0.0.9:80', { lowerThreshold: 3 }) },
        'ERANGE',
        /lower threshold/,
      ],
      [
        { op: 'set-destination', service: WEB, destination: server('10.0.0.9:80'), was: good },
        'ENOENT',
        /no server 10\.0\.0\.9:80/,
      ],
      [
        { op: 'delete-destination', service: WEB, destination: server('10.0.0.9:80') },
        'ENOENT',
        /no server 10\.0\.0\.9:80/,
      ],
    ];
    await make(ipvs, add(service({ destinations: [good] })));
    const last = server('10.0.0.30:80');
    const results = await ipvs.apply([
      ...refusals.map(([operation]) => operation),
      { op: 'add-destination', service: WEB, destination: last },
    ]);
    for (const [i, [, code, message]] of refusals.entries()) {
      const result = results[i];
      assert.ok(result !== undefined && !result.ok, `operation ${i} was not refused`);
      assert.equal(result.error.code, code, result.error.message);
      assert.match(result.error.message, message);
    }
    assert.deepEqual(results.at(-1), { ok: true, value: null });
    assert.equal((await saved()).length, 3);
  });

  on('a plan carried out leaves nothing to plan, and then nothing is written', async ({ ipvs }) => {
    const services = Array.from({ length: 60 }, (_, s) =>
      service({
        id: id(`192.0.2.${1 + s}:80`),
        destinations: Array.from({ length: 10 }, (_, d) => server(`10.0.${s}.${1 + d}:80`)),
      }),
    );
    const desired = tableOf(services);
    const operations = plan(await tableIn(ipvs), desired, new Set());
    assert.equal(operations.length, 660);
    const before = ipvs.sent.writes;
    await make(ipvs, operations);
    assert.equal(ipvs.sent.writes - before, 660);
    assert.deepEqual(uncounted(await tableIn(ipvs)), uncounted(desired));
    await make(ipvs, plan(await tableIn(ipvs), desired, new Set(desired.keys())));
    assert.equal(ipvs.sent.writes - before, 660);
    await make(ipvs, plan(await tableIn(ipvs), new Map(), new Set(desired.keys())));
    assert.equal((await tableIn(ipvs)).size, 0);
  });

  on('of some services alone no other is read, and one that is not there is left out', async ({ ipvs }) => {
    const services = Array.from({ length: 20 }, (_, s) =>
      service({ id: id(`192.0.2.${1 + s}:80`), destinations: [server('10.0.0.21:80'), server('10.0.0.22:80')] }),
    );
    await make(ipvs, services.flatMap(add));
    const before = ipvs.sent.reads;
    const some = await ipvs.read([id('192.0.2.3:80'), id('192.0.2.99:80'), mark(7), id('192.0.2.5:80')]);
    assert.ok(some.ok, JSON.stringify(some));
    assert.equal(ipvs.sent.reads - before, 6);
    assert.deepEqual(
      uncounted(some.value),
      uncounted(tableOf([services[2], services[4]].filter((s) => s !== undefined))),
    );
  });

  on('which services there are is read at once, without their servers', async ({ ipvs }) => {
    const services = [1, 2, 3].map((n) =>
      service({ id: id(`192.0.2.${n}:80`), persistence: 60 * n, destinations: [server('10.0.0.21:80')] }),
    );
    await make(ipvs, services.flatMap(add));
    const before = ipvs.sent.reads;
    const there = await ipvs.services();
    assert.ok(there.ok, JSON.stringify(there));
    assert.equal(ipvs.sent.reads - before, 1);
    const bare = services.map((one) => ({ ...one, destinations: [] }));
    assert.deepEqual(there.value, tableOf(bare));
  });

  on('servers that are assumed are not asked for', async ({ ipvs }) => {
    const services = [1, 2, 3].map((n) =>
      service({ id: id(`192.0.2.${n}:80`), destinations: [server('10.0.0.21:80')] }),
    );
    await make(ipvs, services.flatMap(add));
    const before = ipvs.sent.reads;
    const others = [server('10.0.0.22:80')];
    const key = serviceKey(id('192.0.2.2:80'));
    const read = await ipvs.read(undefined, (one) => (serviceKey(one) === key ? others : undefined));
    assert.ok(read.ok, JSON.stringify(read));
    assert.equal(ipvs.sent.reads - before, 3);
    const expected = services.map((one) => (serviceKey(one.id) === key ? { ...one, destinations: others } : one));
    assert.deepEqual(uncounted(read.value), uncounted(tableOf(expected)));
  });

  on('what is asked for at once is done in the order asked', async ({ ipvs, saved }) => {
    const one = service({ destinations: [server('10.0.0.21:80')] });
    const [made, seen, gone] = await Promise.all([
      ipvs.apply(add(one)),
      ipvs.read(),
      ipvs.apply([{ op: 'delete-service', service: one }]),
    ]);
    assert.ok([...made, ...gone].every((result) => result.ok));
    assert.ok(seen.ok);
    assert.deepEqual(uncounted(seen.value), uncounted(tableOf([one])));
    assert.deepEqual(await saved(), []);
  });
}
