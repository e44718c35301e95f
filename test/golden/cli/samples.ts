/** Statuses as a director would give them, for the renderings of the command line and for the metrics. */

import type { CheckStatus, RouterStatus, ServerStatus, ServiceStatus, Status } from '../../../src/control/status.ts';

/** When they are looked at. */
export const NOW = new Date('2026-03-01T12:05:03.000Z');

const counters: RouterStatus['counters'] = {
  advertsSent: 240,
  advertsReceived: 14103,
  priorityZeroSent: 0,
  priorityZeroReceived: 1,
  becameMaster: 1,
  splitBrains: 0,
  addressListErrors: 0,
  dropped: {},
  worstLateness: 1.5,
};

const at = (address: string, present: boolean, on = 'eth0'): RouterStatus['addresses'][number] => ({
  address,
  interface: on,
  present,
  advertised: true,
});

const master: RouterStatus = {
  name: 'edge',
  family: 4,
  interface: 'eth0',
  routerId: 51,
  version: 3,
  state: 'master',
  since: '2026-03-01T12:01:03.250Z',
  cause: 'no advert from 10.0.0.2 for 3.21 s',
  priority: 150,
  priorityParts: [{ what: 'configured', delta: 150 }],
  interval: 1000,
  masterInterval: 1000,
  master: null,
  source: '10.0.0.1',
  transport: 'ip',
  destinations: ['224.0.0.18'],
  auth: 'none',
  syncGroup: null,
  addresses: [at('192.0.2.10/24', true), at('192.0.2.11/24', true)],
  tracks: [],
  order: null,
  rival: null,
  refused: null,
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
  priorityParts: [{ what: 'configured', delta: 100 }],
  masterInterval: 500,
  master: { address: '10.1.0.2', priority: 200 },
  addresses: [at('10.1.0.10/24', false, 'eth1')],
};

const NO_CHECK_MORE = { certificateExpires: null, output: null } as const;

type Probed = Pick<CheckStatus, 'last' | 'took' | 'probes' | 'failures' | 'localErrors'>;

/** A server with one `http` check. */
const checked = (server: Omit<ServerStatus, 'checks' | 'advisedWeight'>, probed: Probed): ServerStatus => ({
  ...server,
  advisedWeight: server.configuredWeight,
  checks: [{ name: 'http', type: 'http', state: server.state, reason: server.reason, ...probed, ...NO_CHECK_MORE }],
});

const up = checked(
  {
    name: 'web1',
    address: '10.0.0.21:80',
    state: 'up',
    since: '2026-03-01T08:00:01.000Z',
    reason: 'HTTP 200',
    configuredWeight: 100,
    weight: 100,
    why: 'up',
    connections: { active: 1204, inactive: 33, persistent: 0 },
    order: null,
    added: null,
    discovered: null,
    disagreement: null,
  },
  { last: '2026-03-01T12:05:02.000Z', took: 3.42, probes: 7351, failures: 2, localErrors: 0 },
);

const down = checked(
  {
    ...up,
    name: 'web2',
    address: '10.0.0.22:80',
    state: 'down',
    since: '2026-03-01T12:04:51.000Z',
    reason: 'HTTP 503, expected 200-299: the maintenance page of the application',
    weight: 0,
    why: 'failed',
    connections: { active: 7, inactive: 120, persistent: 0 },
  },
  { last: '2026-03-01T12:05:01.000Z', took: 12, probes: 7350, failures: 9, localErrors: 1 },
);

const fresh = checked(
  {
    ...up,
    name: '10.0.0.23:80',
    address: '10.0.0.23:80',
    state: 'unknown',
    since: '2026-03-01T12:05:02.500Z',
    reason: '',
    weight: null,
    why: 'unknown',
    connections: null,
  },
  { last: null, took: null, probes: 0, failures: 0, localErrors: 0 },
);

const web: ServiceStatus = {
  name: 'web',
  address: '192.0.2.10:80',
  protocol: 'tcp',
  forward: 'dr',
  masquerade: null,
  scheduler: 'wlc',
  away: null,
  quorum: { needed: 1, up: 1, held: true, by: 'servers' },
  panic: false,
  sorryServers: [],
  removed: [],
  leaving: [],
  discovery: [],
  servers: [up, down, fresh],
};

export const WELL: Status = {
  director: 'lb1',
  version: '1.2.3',
  started: '2026-03-01T08:00:00.000Z',
  config: { file: '/etc/lvskeeper/lvskeeper.toml', loaded: '2026-03-01T11:00:00.000Z', refused: null, trial: null },
  processes: [
    { name: 'supervisor', pid: 700, state: 'ready', started: '2026-03-01T08:00:00.000Z', restarts: 0 },
    { name: 'vrrp', pid: 701, state: 'ready', started: '2026-03-01T08:00:00.100Z', restarts: 0 },
    { name: 'checker', pid: 702, state: 'ready', started: '2026-03-01T08:00:00.100Z', restarts: 0 },
  ],
  ipvsTrouble: null,
  cutOff: null,
  sync: null,
  probeServices: [],
  peers: [],
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
        { ...up, name: 'ns1', address: '10.0.0.53:53', weight: 1, configuredWeight: 1, reason: '', checks: [] },
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
  cutOff: 'eth1 has no carrier',
  sync: { vrrp: 'edge', wanted: 'master', running: [], trouble: 'running: none' },
  routers: [
    {
      ...master,
      addresses: [at('192.0.2.10/24', true), at('192.0.2.11/24', false)],
      rival: {
        address: '10.0.0.2',
        priority: 100,
        since: '2026-03-01T12:04:51.000Z',
        last: '2026-03-01T12:05:02.700Z',
      },
      refused: {
        address: '10.0.0.3',
        reason: 'version',
        detail: 'version 2, ours is 3',
        last: '2026-03-01T12:05:02.000Z',
        recent: true,
      },
      counters: {
        ...counters,
        splitBrains: 2,
        addressListErrors: 40,
        dropped: { version: 12, ttl: 3, checksum: 0 },
      },
    },
    { ...backup, addresses: [at('10.1.0.10/24', true, 'eth1')] },
    {
      ...master,
      name: 'far',
      interface: 'eth2',
      state: 'fault',
      cause: 'script /bin/check exited with 2',
      addresses: [],
      tracks: [{ what: 'script /bin/check', up: false, reason: 'exited with 2', since: null, weight: null }],
    },
    { ...master, name: 'new', state: 'init', cause: 'not started', addresses: [] },
  ],
  services: [{ ...web, quorum: { needed: 2, up: 1, held: false, by: 'servers' } }],
};

const carrier = { what: 'interface eth1', reason: 'has no carrier', since: '2026-03-01T12:02:03.000Z' };

/** Nothing wrong with the director, but much that is not as by default. */
export const SPECIAL: Status = {
  ...WELL,
  services: [],
  routers: [
    {
      ...master,
      name: 'edge',
      syncGroup: 'lan',
      priority: 90,
      priorityParts: [
        { what: 'configured', delta: 150 },
        { what: 'interface eth1 has no carrier', delta: -60 },
      ],
      tracks: [
        { ...carrier, up: false, weight: -60 },
        { what: 'script /usr/local/bin/check', up: true, reason: '', since: null, weight: null },
        { what: 'service web', up: null, reason: '', since: null, weight: 10 },
      ],
    },
    {
      ...master,
      family: 6,
      syncGroup: 'lan',
      destinations: ['ff02::12'],
      addresses: [at('fe80::10/64', true), { ...at('2001:db8::10/64', true, 'eth3'), advertised: false }],
    },
    {
      ...backup,
      syncGroup: 'lan',
      version: 2,
      destinations: ['10.1.0.2', '10.1.0.3'],
      auth: 'pass',
      priority: 1,
      priorityParts: [
        { what: 'configured', delta: 100 },
        { what: 'interface eth1 has no carrier', delta: -60 },
        { what: 'demoted by anna', delta: -39 },
      ],
      tracks: [{ ...carrier, up: false, weight: -60 }],
      order: {
        kind: 'demote',
        by: 'anna',
        reason: 'kernel upgrade',
        since: '2026-03-01T12:03:50.000Z',
        until: '2026-03-01T12:13:50.000Z',
      },
    },
    {
      ...backup,
      name: 'cloud',
      transport: 'udp',
      destinations: ['10.1.0.2'],
      auth: 'hmac',
      order: { kind: 'promote', by: 'bob', reason: '', since: '2026-03-01T12:03:50.000Z', until: null },
      refused: {
        address: '10.1.0.9',
        reason: 'mac',
        detail: 'it is signed with another key',
        last: '2026-03-01T12:01:02.000Z',
        recent: false,
      },
      counters: { ...counters, dropped: { mac: 3 } },
    },
  ],
};

const failed: ServerStatus = { ...down, reason: 'connection refused', why: 'failed' };
const waits = { address: '10.0.0.99:80', weight: null, connections: null };

/** Servers that are in or out for another reason than their own answer. */
export const POOLS: Status = {
  ...WELL,
  routers: [],
  services: [
    {
      ...web,
      name: 'sorry',
      quorum: { needed: 150, up: 100, held: false, by: 'weight' },
      servers: [{ ...up, weight: 0, why: 'sorry' }, failed],
      sorryServers: [{ ...waits, weight: 1, connections: { active: 80, inactive: 2, persistent: 0 } }],
    },
    {
      ...web,
      name: 'back',
      quorum: { needed: 1, up: 2, held: true, by: 'servers' },
      servers: [up, { ...up, name: 'web2', address: '10.0.0.22:80', weight: 19, why: 'slow-start' }],
      sorryServers: [
        { ...waits, weight: 0, connections: { active: 3, inactive: 40, persistent: 0 } },
        { ...waits, address: '10.0.0.98:80' },
      ],
      leaving: [
        {
          address: '10.0.0.29:80',
          connections: { active: 12, inactive: 3, persistent: 0 },
          until: '2026-03-01T12:09:30.000Z',
        },
      ],
    },
    {
      ...web,
      name: 'panic',
      panic: true,
      servers: [up, { ...failed, weight: 100, why: 'panic' }],
    },
    {
      ...web,
      name: 'kept',
      servers: [
        up,
        failed,
        { ...failed, name: 'web3', address: '10.0.0.23:80', weight: 100, why: 'kept' },
        { ...failed, name: 'web4', address: '10.0.0.24:80', weight: 100, why: 'kept' },
      ],
    },
  ],
};

/** Servers added and removed at run time. */
export const CHANGED: Status = {
  ...WELL,
  routers: [],
  services: [
    {
      ...web,
      servers: [
        up,
        {
          ...fresh,
          added: { by: 'anna', reason: 'more load than we have seen before', since: '2026-03-01T12:05:00.000Z' },
        },
      ],
      removed: [
        { name: 'web2', address: '10.0.0.22:80', by: 'bob', reason: '', since: '2026-02-28T12:05:03.000Z' },
        {
          ...{ name: '10.0.0.24:80', address: '10.0.0.24:80', by: 'anna', since: '2026-03-01T11:59:03.000Z' },
          reason: 'its disk is replaced by a larger one, which takes all day',
        },
      ],
    },
  ],
};

/** Servers that come from elsewhere than the file, one source well, one that fails, and one that is held back. */
export const FOUND: Status = {
  ...WELL,
  routers: [],
  services: [
    {
      ...web,
      servers: [
        up,
        { ...up, name: '10.0.0.25:80', address: '10.0.0.25:80', discovered: 'consul' },
        { ...fresh, added: { by: 'anna', reason: '', since: '2026-03-01T12:05:00.000Z' } },
      ],
      discovery: [
        {
          ...{ name: 'consul', type: 'dns', what: 'SRV _http._tcp.web.service.consul', questions: 700, failures: 0 },
          ...{ servers: 12, answered: '2026-03-01T12:05:00.000Z', error: null, errorSince: null },
          held: { removes: 9, of: 12, times: 4, needed: 10, since: '2026-03-01T12:04:03.000Z' },
          skipped: { count: 0, first: [] },
        },
        {
          ...{ name: 'file', type: 'file', what: 'file /etc/lvskeeper/web.json', questions: 20, failures: 3 },
          ...{ servers: 1, answered: '2026-03-01T11:05:03.000Z', errorSince: '2026-03-01T12:04:03.000Z', held: null },
          error: '/etc/lvskeeper/web.json: it is no JSON, or was cut short',
          skipped: {
            count: 2,
            first: ['web1:80 is no address of a server', '10.0.0.25:80 stands in the answer twice'],
          },
        },
        {
          ...{ name: 'http', type: 'http', what: 'https://sd.example.net/web', questions: 0, failures: 0 },
          ...{ servers: 0, answered: null, error: null, errorSince: null, held: null },
          skipped: { count: 0, first: [] },
        },
      ],
    },
  ],
};

/** A service that is there while its router is master, on the other director. */
export const AWAY: Status = {
  ...WELL,
  routers: [],
  services: [{ ...web, away: 'edge', servers: [{ ...up, weight: null, connections: null }] }],
};

const lb2 = { address: '10.0.0.2:9790', director: 'lb2', answered: '2026-03-01T12:05:01.500Z', age: 1500 };
const only = (name: string): ServerStatus => ({
  ...up,
  name,
  disagreement: `only lb2 cannot reach ${name}: connection refused`,
});

/** Directors that do not find the same, one that no longer answers, and one that never has. */
export const PEERS: Status = {
  ...WELL,
  routers: [],
  services: [
    { ...web, servers: [up, { ...down, disagreement: 'only this director cannot reach web2' }] },
    { ...web, name: 'cut', servers: ['app1', 'app2', 'app3', 'app4', 'app5'].map(only) },
  ],
  peers: [
    { ...lb2, trouble: null },
    {
      ...{ address: '[2001:db8::3]:9790', director: 'lb3', answered: '2026-03-01T12:03:50.000Z', age: 73_000 },
      trouble: 'connection refused',
    },
    { address: '10.0.0.4:9790', director: null, answered: null, age: null, trouble: 'no answer in 2 s' },
  ],
};

/** Nothing configured yet. */
export const EMPTY: Status = { ...WELL, processes: WELL.processes.slice(0, 1), routers: [], services: [] };
