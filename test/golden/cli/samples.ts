/** Statuses as a director would give them, for the renderings of the command line and for the metrics. */

import type { RouterStatus, ServerStatus, ServiceStatus, Status } from '../../../src/control/status.ts';

/** When they are looked at. */
export const NOW = new Date('2026-03-01T12:05:03.000Z');

const counters: RouterStatus['counters'] = {
  advertsSent: 240,
  advertsReceived: 14103,
  priorityZeroSent: 0,
  priorityZeroReceived: 1,
  becameMaster: 1,
  dropped: {},
  worstLateness: 1.5,
};

const master: RouterStatus = {
  name: 'edge',
  interface: 'eth0',
  routerId: 51,
  version: 3,
  state: 'master',
  since: '2026-03-01T12:01:03.250Z',
  cause: 'no advert from 10.0.0.2 for 3.21 s',
  priority: 150,
  interval: 1000,
  masterInterval: 1000,
  master: null,
  addresses: [
    { address: '192.0.2.10/24', present: true },
    { address: '192.0.2.11/24', present: true },
  ],
  counters,
};

const backup: RouterStatus = {
  ...master,
  name: 'inner',
  interface: 'eth1',
  routerId: 52,
  state: 'backup',
  since: '2026-02-27T03:00:00.000Z',
  cause: 'advert from 10.1.0.2 with priority 200, ours is 100',
  priority: 100,
  masterInterval: 500,
  master: { address: '10.1.0.2', priority: 200 },
  addresses: [{ address: '10.1.0.10/24', present: false }],
};

const up: ServerStatus = {
  name: 'web1',
  address: '10.0.0.21:80',
  state: 'up',
  since: '2026-03-01T08:00:01.000Z',
  reason: 'HTTP 200',
  configuredWeight: 100,
  weight: 100,
  connections: { active: 1204, inactive: 33, persistent: 0 },
  check: { type: 'http', last: '2026-03-01T12:05:02.000Z', took: 3.42, probes: 7351, failures: 2, localErrors: 0 },
};

const down: ServerStatus = {
  ...up,
  name: 'web2',
  address: '10.0.0.22:80',
  state: 'down',
  since: '2026-03-01T12:04:51.000Z',
  reason: 'HTTP 503, expected 200-299: the maintenance page of the application',
  weight: 0,
  connections: { active: 7, inactive: 120, persistent: 0 },
  check: { type: 'http', last: '2026-03-01T12:05:01.000Z', took: 12, probes: 7350, failures: 9, localErrors: 1 },
};

const fresh: ServerStatus = {
  ...up,
  name: '10.0.0.23:80',
  address: '10.0.0.23:80',
  state: 'unknown',
  since: '2026-03-01T12:05:02.500Z',
  reason: '',
  weight: null,
  connections: null,
  check: { type: 'http', last: null, took: null, probes: 0, failures: 0, localErrors: 0 },
};

const web: ServiceStatus = {
  name: 'web',
  address: '192.0.2.10:80',
  protocol: 'tcp',
  forward: 'dr',
  scheduler: 'wlc',
  quorum: { needed: 1, up: 1, held: true },
  servers: [up, down, fresh],
};

export const WELL: Status = {
  director: 'lb1',
  version: '1.2.3',
  started: '2026-03-01T08:00:00.000Z',
  config: { file: '/etc/lvskeeper/lvskeeper.toml', loaded: '2026-03-01T11:00:00.000Z', refused: null },
  processes: [
    { name: 'supervisor', pid: 700, state: 'ready', started: '2026-03-01T08:00:00.000Z', restarts: 0 },
    { name: 'vrrp', pid: 701, state: 'ready', started: '2026-03-01T08:00:00.100Z', restarts: 0 },
    { name: 'checker', pid: 702, state: 'ready', started: '2026-03-01T08:00:00.100Z', restarts: 0 },
  ],
  ipvsTrouble: null,
  routers: [master, backup],
  services: [
    web,
    {
      ...web,
      name: 'dns',
      address: '192.0.2.11:53',
      protocol: 'udp',
      forward: 'nat',
      scheduler: 'rr',
      servers: [
        { ...up, name: 'ns1', address: '10.0.0.53:53', weight: 1, configuredWeight: 1, reason: '', check: null },
      ],
    },
  ],
};

/** Everything that can be wrong at once. */
export const ILL: Status = {
  ...WELL,
  config: {
    ...WELL.config,
    refused:
      '/etc/lvskeeper/lvskeeper.toml:13:3: unknown key "wieght", did you mean "weight"?; the config before stays in force',
  },
  processes: [
    { name: 'supervisor', pid: 700, state: 'ready', started: '2026-03-01T08:00:00.000Z', restarts: 0 },
    { name: 'vrrp', pid: 901, state: 'ready', started: '2026-03-01T12:01:00.000Z', restarts: 2 },
    { name: 'checker', pid: null, state: 'dead', started: '2026-03-01T12:04:00.000Z', restarts: 5 },
  ],
  ipvsTrouble: 'the kernel module ip_vs is not loaded: modprobe ip_vs',
  routers: [
    {
      ...master,
      addresses: [
        { address: '192.0.2.10/24', present: true },
        { address: '192.0.2.11/24', present: false },
      ],
      counters: { ...counters, dropped: { checksum: 12, 'wrong-ttl': 3, 'no-such-router': 0 } },
    },
    { ...backup, addresses: [{ address: '10.1.0.10/24', present: true }] },
    { ...master, name: 'far', interface: 'eth2', state: 'fault', cause: 'eth2 is down', addresses: [] },
    { ...master, name: 'new', state: 'init', cause: 'not started', addresses: [] },
  ],
  services: [{ ...web, quorum: { needed: 2, up: 1, held: false } }],
};

/** Nothing configured yet. */
export const EMPTY: Status = { ...WELL, processes: WELL.processes.slice(0, 1), routers: [], services: [] };
