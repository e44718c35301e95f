import assert from 'node:assert/strict';
import test from 'node:test';
import type { Event, Happening } from '../../../src/control/event.ts';
import { alertOf, describe, severityOf } from '../../../src/control/render.ts';

const vrrp = {
  kind: 'vrrp',
  router: 'edge',
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
const quorum = { kind: 'quorum', service: 'web', up: 1, needed: 2 } as const;

const TABLE: readonly (readonly [Happening, string, string])[] = [
  [{ ...vrrp, from: 'backup', to: 'master' }, 'warning', 'edge: BACKUP → MASTER: no advert from 10.0.0.2 for 3.21 s'],
  [{ ...vrrp, from: 'init', to: 'backup', cause: 'started' }, 'info', 'edge: INIT → BACKUP: started'],
  [{ ...vrrp, from: 'backup', to: 'fault', cause: 'eth0 is down' }, 'error', 'edge: BACKUP → FAULT: eth0 is down'],
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
    held: false,
  });
});

test('nobody is alerted of a reload', () => {
  assert.equal(alertOf('lb1', { seq: 1, time: '', kind: 'reload', outcome: 'applied', detail: '' }), undefined);
});
