/**
 * What the command line prints, against `*.txt` beside this file. `UPDATE=1` writes them anew; the diff is the review.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { renderEvent } from '../../../src/cli/render-event.ts';
import { renderPlan } from '../../../src/cli/render-plan.ts';
import { renderStatus } from '../../../src/cli/render-status.ts';
import { painter } from '../../../src/cli/verb.ts';
import type { PlannedChange } from '../../../src/control/director.ts';
import type { Event } from '../../../src/control/event.ts';
import { AWAY, CHANGED, EMPTY, FOUND, ILL, NOW, PEERS, POOLS, SPECIAL, WELL } from './samples.ts';

process.env.TZ = 'UTC';

const plain = { now: NOW, width: 80, paint: painter(false) };

const EVENTS: readonly Event[] = [
  { seq: 1, time: '2026-03-01T12:00:00.000Z', kind: 'process', process: 'vrrp', what: 'ready', detail: '' },
  {
    seq: 2,
    time: '2026-03-01T12:01:03.250Z',
    kind: 'vrrp',
    router: 'edge',
    family: 4,
    from: 'backup',
    to: 'master',
    cause: 'no advert from 10.0.0.2 for 3.21 s',
    priority: 150,
    addresses: ['192.0.2.10/24'],
  },
  {
    seq: 3,
    time: '2026-03-01T12:04:51.000Z',
    kind: 'server',
    service: 'web',
    server: 'web2',
    address: '10.0.0.22:80',
    from: 'up',
    to: 'down',
    reason: 'HTTP 503, expected 200-299',
  },
  {
    seq: 4,
    time: '2026-03-01T12:04:51.001Z',
    kind: 'quorum',
    service: 'web',
    held: false,
    up: 1,
    needed: 2,
    by: 'servers',
  },
  {
    seq: 5,
    time: '2026-03-01T12:05:00.000Z',
    kind: 'order',
    router: 'edge',
    order: 'demote',
    what: 'given',
    by: 'anna',
    reason: 'kernel upgrade',
    until: '2026-03-01T12:15:00.000Z',
  },
  {
    seq: 6,
    time: '2026-03-01T12:05:01.000Z',
    kind: 'server-change',
    service: 'web',
    server: 'web3',
    address: '10.0.0.23:80',
    change: 'added',
    what: 'made',
    by: 'anna',
    reason: 'more load than we have seen before',
  },
];

const NOTHING = { breaks: 0, drains: 0, notes: [] } as const;
const PLAN: readonly PlannedChange[] = [
  {
    ...NOTHING,
    part: 'vrrp',
    sign: '~',
    what: 'edge: priority 150 → 90, interval "1s" → "500ms", track service web weight -60 → -50',
    notes: ['lb1 is master, and may lose the role to a peer of a priority above 90'],
  },
  { ...NOTHING, part: 'address', sign: '-', what: 'address 192.0.2.11/24 on eth0', breaks: 12 },
  { ...NOTHING, part: 'address', sign: '+', what: 'address 2001:db8::11/64 on eth0, while edge is master' },
  { ...NOTHING, part: 'setting', sign: '~', what: 'conntrack 0 → 1' },
  { ...NOTHING, part: 'ipvs', sign: '+', what: 'tcp 192.0.2.10:443: new service, scheduler wlc' },
  {
    ...NOTHING,
    part: 'ipvs',
    sign: '~',
    what: 'tcp 192.0.2.10:80: server 10.0.0.21:80 weight 100 → 0',
    drains: 31,
  },
  { ...NOTHING, part: 'ipvs', sign: '-', what: 'tcp 192.0.2.10:80: server 10.0.0.22:80 deleted', breaks: 1 },
  { ...NOTHING, part: 'ipvs', sign: '-', what: 'udp 192.0.2.11:53: service deleted, with 2 servers', breaks: 1203 },
  { ...NOTHING, part: 'check', sign: '~', what: 'web: check.interval "2s" → "1s", check.fall 3 → 2' },
  { ...NOTHING, part: 'service', sign: '~', what: 'web: quorum 1 → 2' },
  { ...NOTHING, part: 'other', sign: '+', what: 'alert pager' },
];

const events = (width: number): string =>
  EVENTS.map((event) => renderEvent(event, { width, paint: painter(false) })).join('');

const GOLDEN: Readonly<Record<string, string>> = {
  'status-well': renderStatus(WELL, plain),
  'status-ill': renderStatus(ILL, plain),
  'status-special': renderStatus(SPECIAL, plain),
  'status-pools': renderStatus(POOLS, plain),
  'status-changed': renderStatus(CHANGED, plain),
  'status-found': renderStatus(FOUND, plain),
  'status-away': renderStatus(AWAY, plain),
  'status-peers': renderStatus(PEERS, plain),
  'status-empty': renderStatus(EMPTY, plain),
  'status-in-a-pipe': renderStatus(ILL, { ...plain, width: Number.POSITIVE_INFINITY }),
  events: events(80),
  plan: renderPlan(PLAN, plain),
};

for (const [name, text] of Object.entries(GOLDEN))
  test(`${name}.txt is what is printed`, () => {
    const file = fileURLToPath(new URL(`${name}.txt`, import.meta.url));
    if (process.env.UPDATE === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });

for (const name of [
  'status-well',
  'status-ill',
  'status-special',
  'status-pools',
  'status-changed',
  'status-found',
  'status-away',
  'status-empty',
  'events',
  'plan',
])
  test(`${name} fits 80 columns`, () => {
    for (const line of (GOLDEN[name] ?? '').split('\n')) assert.ok([...line].length <= 80, line);
  });

test('colour changes nothing but the colour', () => {
  const paint = painter(true);
  assert.notEqual(renderStatus(ILL, { ...plain, paint }), renderStatus(ILL, plain));
  assert.equal(stripVTControlCharacters(renderStatus(ILL, { ...plain, paint })), renderStatus(ILL, plain));
  assert.equal(stripVTControlCharacters(renderPlan(PLAN, { ...plain, paint })), renderPlan(PLAN, plain));
});

test('an empty plan says so', () => {
  assert.equal(renderPlan([], plain), 'nothing would change\n');
});
