import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { plan } from '../../../src/ipvs/plan.ts';
import {
  assignMarks,
  canReach,
  isProbeService,
  type Marks,
  type Path,
  PROBE_MARKS,
  pathKey,
  probeServices,
} from '../../../src/ipvs/probe-services.ts';
import { serviceKey, type Table } from '../../../src/ipvs/table.ts';

const FIRST = 1000;
const NOTHING = { before: new Map(), actual: new Map(), owned: new Set<string>() } as const;
const IPIP = { type: 'ipip', port: 0, checksum: 'none' } as const;
const dr = (server: string, family: 4 | 6 = 4): Path => ({ family, server: ip(server), forward: 'dr', tunnel: null });
const tun = (server: string, more: Partial<Path> = {}): Path => ({
  ...{ family: 4, server: ip(server), forward: 'tun', tunnel: IPIP },
  ...more,
});
const marksOf = (paths: readonly Path[], marks: Marks): readonly (number | undefined)[] =>
  paths.map((path) => marks.get(pathKey(path)));
/** As the kernel has them once they are there. */
const inKernel = (paths: readonly Path[], marks: Marks) => {
  const actual = probeServices(paths, marks);
  return { before: new Map(), actual, owned: new Set(actual.keys()) };
};

test('each way to a server has a mark of its own, and the same way one', () => {
  const paths = [
    dr('10.0.0.21'),
    dr('10.0.0.22'),
    tun('10.0.0.21'),
    tun('10.0.0.21', { family: 6 }),
    tun('10.0.0.21', { tunnel: { type: 'gue', port: 6080, checksum: 'none' } }),
    tun('10.0.0.21', { tunnel: { type: 'gue', port: 6081, checksum: 'none' } }),
  ];
  const marks = assignMarks([...paths, ...paths], FIRST, NOTHING);
  assert.deepEqual(marksOf(paths, marks), [1000, 1001, 1002, 1003, 1004, 1005]);
  assert.equal(probeServices([...paths, ...paths], marks).size, 6);
});

test('a service of it has one server, that leaves the port as it is, and keeps no connection of UDP', () => {
  const paths = [dr('10.0.0.21'), tun('2001:db8::21', { family: 6 })];
  assert.deepEqual(
    [...probeServices(paths, assignMarks(paths, FIRST, NOTHING)).values()],
    [
      {
        id: { fwmark: 1000, family: 4 },
        ...{ scheduler: 'rr', persistence: null, granularity: 32, engine: null, flags: 0x4 },
        destinations: [
          {
            address: { address: '10.0.0.21', port: 0 },
            ...{ forward: 'dr', weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnel: null },
          },
        ],
      },
      {
        id: { fwmark: 1001, family: 6 },
        ...{ scheduler: 'rr', persistence: null, granularity: 128, engine: null, flags: 0x4 },
        destinations: [
          {
            address: { address: '2001:db8::21', port: 0 },
            ...{ forward: 'tun', weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnel: IPIP },
          },
        ],
      },
    ],
  );
});

test('marks stay over a reload: who stays keeps his, who comes gets the next that is free', () => {
  const [a, b, c, d] = [dr('10.0.0.21'), dr('10.0.0.22'), dr('10.0.0.23'), dr('10.0.0.24')] as const;
  const before = assignMarks([a, b, c], FIRST, NOTHING);
  const kernel = { ...inKernel([a, b, c], before), before };
  const after = assignMarks([d, c, a], FIRST, kernel);
  // That of the one that left may have a probe under way, and is free once its service is gone.
  assert.deepEqual(marksOf([d, c, a, b], after), [1003, 1002, 1000, undefined]);
  const later = assignMarks([d, c, a, b], FIRST, { ...inKernel([d, c, a], after), before: after });
  assert.deepEqual(marksOf([d, c, a, b], later), [1003, 1002, 1000, 1001]);
});

test('a process that has died told nobody: the table says which mark was whose', () => {
  const paths = [dr('10.0.0.21'), tun('10.0.0.22'), dr('2001:db8::1', 6)];
  const marks = assignMarks(paths, FIRST, NOTHING);
  const kernel = inKernel(paths, marks);
  const again = assignMarks([...paths].reverse(), FIRST, kernel);
  assert.deepEqual(marksOf(paths, again), marksOf(paths, marks));
  assert.deepEqual(plan(kernel.actual, probeServices(paths, again), kernel.owned), []);
});

test('a service that is not ours keeps its mark', () => {
  const path = dr('10.0.0.21');
  const marks = assignMarks([path], FIRST, NOTHING);
  const actual: Table = probeServices([path], marks);
  const theirs = { before: marks, actual, owned: new Set<string>() };
  assert.deepEqual(marksOf([path], assignMarks([path], FIRST, theirs)), [1001]);
});

test('two ways never share a mark, whatever somebody made of the table', () => {
  const [a, b] = [dr('10.0.0.21'), dr('10.0.0.22')] as const;
  const before = assignMarks([a], FIRST, NOTHING);
  // The service of the mark of a has b behind it now.
  const actual = probeServices([b], new Map([[pathKey(b), 1000]]));
  const marks = assignMarks([b, a], FIRST, { before, actual, owned: new Set(actual.keys()) });
  assert.deepEqual(marksOf([a, b], marks), [1000, 1001]);
});

test('a new range is a new set of marks', () => {
  const path = dr('10.0.0.21');
  const before = assignMarks([path], FIRST, NOTHING);
  const kernel = { ...inKernel([path], before), before };
  const far = FIRST + PROBE_MARKS;
  assert.deepEqual(marksOf([path], assignMarks([path], far, kernel)), [far]);
});

test('beyond the last mark a way has none', () => {
  const actual = new Map(
    Array.from({ length: PROBE_MARKS - 1 }, (_, i) => {
      const [[, service] = []] = probeServices([dr('10.9.9.9')], new Map([[pathKey(dr('10.9.9.9')), FIRST + i]]));
      if (service === undefined) throw new Error('no service');
      return [serviceKey(service.id), service] as const;
    }),
  );
  const paths = [dr('10.0.0.21'), dr('10.0.0.22')];
  const marks = assignMarks(paths, FIRST, { ...NOTHING, actual });
  assert.deepEqual(marksOf(paths, marks), [FIRST + PROBE_MARKS - 1, undefined]);
  assert.equal(probeServices(paths, marks).size, 1);
});

test('which services are of probes', () => {
  assert.equal(isProbeService({ fwmark: FIRST, family: 4 }, FIRST), true);
  assert.equal(isProbeService({ fwmark: FIRST + PROBE_MARKS, family: 4 }, FIRST), false);
  assert.equal(isProbeService({ fwmark: FIRST - 1, family: 6 }, FIRST), false);
  assert.equal(isProbeService({ protocol: 'tcp', address: { address: ip('192.0.2.1'), port: 80 } }, FIRST), false);
});

test('only a tunnel leads to a server of the other family', () => {
  assert.equal(canReach(tun('2001:db8::21')), true);
  assert.equal(canReach(dr('2001:db8::21')), false);
  assert.equal(canReach(dr('2001:db8::21', 6)), true);
});

test('10,000 ways have their marks in a moment', () => {
  const paths = Array.from({ length: 10_000 }, (_, i) => dr(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`));
  const marks = assignMarks(paths, FIRST, NOTHING);
  const kernel = { ...inKernel(paths, marks), before: marks };
  assert.deepEqual(marksOf(paths, assignMarks(paths, FIRST, kernel)), marksOf(paths, marks));
});
