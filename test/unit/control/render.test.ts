import assert from 'node:assert/strict';
import test from 'node:test';
import type { DiscoveryWhat, Event, Happening } from '../../../src/control/event.ts';
import { alertOf, describe, severityOf, unsaid } from '../../../src/control/render.ts';

const vrrp = {
  kind: 'vrrp',
  router: 'edge',
  family: 4,
  cause: 'no advert from 10.0.0.2 for 3.21 s',
  priority: 150,
  addresses: ['192.0.2.10/24'],
} as const;
const server = {
  kind: 'server',
  service: 'web',
  server: 'web1',
  address: '10.0.0.21:80',
  reason: 'HTTP 503, expected 200-299',
} as const;
const split = {
  kind: 'split-brain',
  router: 'edge',
  family: 4,
  peer: '10.0.0.2',
  priority: 100,
  lasted: 3210,
} as const;
const conflict = {
  kind: 'conflict',
  router: 'edge',
  address: '192.0.2.10',
  interface: 'eth0',
  mac: '52:54:00:12:34:56',
} as const;
const order = {
  kind: 'order',
  router: 'edge',
  order: 'demote',
  by: 'anna',
  reason: 'kernel upgrade',
  until: '2026-03-01T12:15:00.000Z',
} as const;
const serverOrder = {
  kind: 'server-order',
  service: 'web',
  server: 'web1',
  address: '10.0.0.21:80',
  order: 'drain',
  weight: null,
  by: 'anna',
  reason: 'new disk',
  until: '2026-03-01T12:15:00.000Z',
} as const;
const serverChange = {
  kind: 'server-change',
  service: 'web',
  server: 'web3',
  address: '10.0.0.23:80',
  change: 'added',
  by: 'anna',
  reason: 'more load',
} as const;
const discovery = {
  kind: 'discovery',
  ...{ service: 'web', discovery: 'consul', reason: '' },
  ...{ servers: ['10.0.0.21:80', '10.0.0.22:80', '10.0.0.23:80'], count: 3 },
} as const;
const panic = { kind: 'panic', service: 'web', servers: 4, threshold: 50 } as const;
const ejection = {
  kind: 'ejection',
  service: 'web',
  server: 'web1',
  address: '10.0.0.21:80',
  out: 2,
  servers: 4,
} as const;
const quorum = { kind: 'quorum', service: 'web', up: 1, needed: 2, by: 'servers' } as const;

const TABLE: readonly (readonly [Happening, string, string])[] = [
  [{ ...discovery, what: 'found' }, 'info', 'web: discovery consul found 10.0.0.21:80, 10.0.0.22:80, 10.0.0.23:80'],
  [
    { ...discovery, what: 'lost', count: 5 },
    'info',
    'web: discovery consul no longer lists 10.0.0.21:80, 10.0.0.22:80 and 3 more, out and drained',
  ],
  [
    { ...discovery, what: 'skipped', servers: [], count: 0, reason: 'web1 is no address of a server' },
    'warning',
    'web: discovery consul lists what is not heeded: web1 is no address of a server',
  ],
  [
    { ...discovery, what: 'error', servers: [], count: 0, reason: 'no answer in 10 s' },
    'warning',
    'web: discovery consul fails, and what it found last stays: no answer in 10 s',
  ],
  [{ ...discovery, what: 'recovered', servers: [], count: 0 }, 'info', 'web: discovery consul answers again'],
  [
    { ...discovery, what: 'held', servers: ['10.0.0.21:80'], count: 1, reason: 'more than max_removed allows of 1' },
    'warning',
    'web: discovery consul no longer lists 10.0.0.21:80, which stays: more than max_removed allows of 1',
  ],
  [
    { ...discovery, what: 'followed', servers: [], count: 0, reason: 'accepted by anna' },
    'info',
    'web: discovery consul holds nothing back any more: accepted by anna',
  ],
  [{ ...vrrp, from: 'backup', to: 'master' }, 'warning', 'edge: BACKUP → MASTER: no advert from 10.0.0.2 for 3.21 s'],
  [{ ...vrrp, from: 'init', to: 'backup', cause: 'started' }, 'info', 'edge: INIT → BACKUP: started'],
  [{ ...vrrp, from: 'backup', to: 'fault', cause: 'eth0 is down' }, 'error', 'edge: BACKUP → FAULT: eth0 is down'],
  [
    { ...vrrp, family: 6, from: 'master', to: 'backup', cause: 'stopped' },
    'warning',
    'edge IPv6: MASTER → BACKUP: stopped',
  ],
  [{ ...split, what: 'begun', lasted: 0 }, 'error', 'edge: split brain: 10.0.0.2 is master too, with priority 100'],
  [{ ...split, family: 6, what: 'ended' }, 'warning', 'edge IPv6: the split brain with 10.0.0.2 is over, after 3.21 s'],
  [conflict, 'error', 'edge: 192.0.2.10 on eth0 is in use by 52:54:00:12:34:56 too, which does not speak VRRP'],
  [
    { kind: 'track', what: 'script /bin/check', up: false, reason: 'exited with 2' },
    'warning',
    'track down: script /bin/check exited with 2',
  ],
  [{ kind: 'track', what: 'service web', up: true, reason: '' }, 'info', 'track up: service web'],
  [{ ...order, what: 'given' }, 'info', 'edge: demoted by anna until 2026-03-01 12:15:00 UTC: kernel upgrade'],
  [
    { ...order, order: 'promote', what: 'given', reason: '', until: null },
    'info',
    'edge: promoted by anna until taken back',
  ],
  [
    { ...order, what: 'ended', reason: 'its time is over' },
    'info',
    'edge: no longer demoted by anna: its time is over',
  ],
  [
    { ...serverOrder, what: 'given' },
    'info',
    'web: server web1 (10.0.0.21:80) drained by anna until 2026-03-01 12:15:00 UTC: new disk',
  ],
  [
    { ...serverOrder, order: 'weight', weight: 5, what: 'given', reason: '', until: null },
    'info',
    'web: server web1 (10.0.0.21:80) given weight 5 by anna until taken back',
  ],
  [
    { ...serverOrder, order: 'disable', what: 'ended', reason: 'taken back by bob' },
    'info',
    'web: server web1 (10.0.0.21:80) no longer disabled by anna: taken back by bob',
  ],
  [{ ...serverChange, what: 'made' }, 'info', 'web: server web3 (10.0.0.23:80) added at run time by anna: more load'],
  [
    { ...serverChange, what: 'taken-back', reason: '' },
    'info',
    'web: server web3 (10.0.0.23:80) no longer added at run time, taken back by anna',
  ],
  [
    { ...serverChange, change: 'removed', what: 'discarded', reason: '' },
    'info',
    'web: server web3 (10.0.0.23:80) no longer removed at run time, discarded by anna',
  ],
  [
    { ...serverChange, what: 'ceased', reason: 'the file has it now' },
    'info',
    'web: server web3 (10.0.0.23:80) no longer added at run time: the file has it now',
  ],
  [
    { ...server, from: 'up', to: 'down' },
    'warning',
    'web: server web1 (10.0.0.21:80) up → down: HTTP 503, expected 200-299',
  ],
  [
    { ...server, server: '10.0.0.21:80', from: 'down', to: 'up', reason: 'connected' },
    'info',
    'web: server 10.0.0.21:80 down → up: connected',
  ],
  [{ ...quorum, held: false }, 'error', 'web: quorum lost: 1 up, 2 needed'],
  [{ ...quorum, held: true, up: 2 }, 'info', 'web: quorum held: 2 up, 2 needed'],
  [{ ...quorum, held: false, by: 'weight', up: 10, needed: 60 }, 'error', 'web: quorum lost: weight 10 up, 60 needed'],
  [
    { ...panic, begun: true, up: 1 },
    'error',
    'web: panic: 1 of 4 servers up, fewer than 50%, so those that failed get traffic too',
  ],
  [
    { ...panic, begun: false, up: 2 },
    'info',
    'web: the panic is over: 2 of 4 servers up, and those that failed are out',
  ],
  [
    { ...ejection, ejected: false },
    'warning',
    'web: server web1 (10.0.0.21:80) stays in though it failed: 2 of 4 are out, as many as max_ejected allows',
  ],
  [
    { ...ejection, ejected: true },
    'warning',
    'web: server web1 (10.0.0.21:80) is taken out after all: there is room for it, with 2 of 4 out',
  ],
  [{ kind: 'reload', outcome: 'unchanged', detail: '' }, 'info', 'reload unchanged'],
  [{ kind: 'reload', outcome: 'refused', detail: 'a.toml:3:1: no' }, 'error', 'reload refused: a.toml:3:1: no'],
  [
    { kind: 'process', process: 'vrrp', what: 'died', detail: 'signal SIGKILL' },
    'error',
    'vrrp process died: signal SIGKILL',
  ],
  [
    { kind: 'drift', object: '192.0.2.10/24 on eth0', detail: 'removed by somebody' },
    'warning',
    '192.0.2.10/24 on eth0 differed from what we had made of it and was mended: removed by somebody',
  ],
  [{ kind: 'trouble', severity: 'error', what: 'no metrics', detail: 'port taken' }, 'error', 'no metrics: port taken'],
];

for (const [happening, severity, line] of TABLE)
  test(`${severity}: ${line}`, () => {
    assert.equal(describe(happening), line);
    assert.equal(severityOf(happening), severity);
  });

test('what a server answered cannot move the cursor or begin a new line', () => {
  assert.equal(
    describe({ ...server, from: 'up', to: 'down', reason: 'a\u001b[2Jb\r\nc\u0085d' }),
    'web: server web1 (10.0.0.21:80) up → down: a [2Jb c d',
  );
});

test('an alert is the event with its director and its summary', () => {
  const event: Event = { seq: 4, time: '2026-03-01T12:00:00.000Z', ...quorum, held: false };
  assert.deepEqual(alertOf('lb1', event), {
    director: 'lb1',
    seq: 4,
    time: '2026-03-01T12:00:00.000Z',
    kind: 'quorum',
    summary: 'web: quorum lost: 1 up, 2 needed',
    service: 'web',
    up: 1,
    needed: 2,
    by: 'servers',
    held: false,
  });
});

const dated = { seq: 1, time: '2026-03-01T12:00:00.000Z' };

test('split brain, conflict and orders make alerts, with what kind they are', () => {
  const orders = [
    { ...order, what: 'given' },
    { ...serverOrder, what: 'given' },
  ] as const;
  for (const happening of [{ ...split, what: 'begun' }, conflict, ...orders] as const) {
    const alert = alertOf('lb1', { ...dated, ...happening });
    assert.deepEqual([alert?.kind, alert?.summary], [happening.kind, describe(happening)]);
  }
});

test('nobody is alerted of a reload, or of a tracked thing', () => {
  // What a discovery finds is its daily business.
  const alerting = (what: DiscoveryWhat) => alertOf('lb1', { ...dated, ...discovery, what }) !== undefined;
  assert.deepEqual((['found', 'lost', 'skipped'] as const).filter(alerting), []);
  const told = ['error', 'recovered', 'held', 'followed'] as const;
  assert.deepEqual(told.filter(alerting), told);
  assert.equal(alertOf('lb1', { ...dated, kind: 'reload', outcome: 'applied', detail: '' }), undefined);
  assert.equal(alertOf('lb1', { ...dated, kind: 'track', what: 'service web', up: false, reason: '' }), undefined);
});

test('a time is said as the reader wants it', () => {
  assert.match(
    describe({ ...order, what: 'given' }, () => 'noon'),
    /by anna until noon: /,
  );
});

test('what stands beside the sentence in a text log is what the sentence does not say', () => {
  assert.deepEqual(unsaid({ ...dated, ...vrrp, from: 'backup', to: 'master' }), {
    priority: 150,
    addresses: ['192.0.2.10/24'],
  });
  assert.deepEqual(unsaid({ ...dated, ...quorum, held: false }), {});
});
