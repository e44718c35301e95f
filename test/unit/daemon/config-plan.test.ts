/** What a plan says of routers, checks and the rest, and where it counts connections: each once, and nothing is silent. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import type { Config } from '../../../src/config/config.ts';
import { changes } from '../../../src/config/diff.ts';
import type { PlannedChange } from '../../../src/control/director.ts';
import { configPlan } from '../../../src/daemon/config-plan.ts';
import { liveConnections, withAddressBreaks } from '../../../src/daemon/plan-connections.ts';
import { routerPlan, type SeenRouter } from '../../../src/daemon/router-plan.ts';
import { type Destination, type Service, tableOf } from '../../../src/ipvs/table.ts';
import { readText } from '../../../src/system/config-file.ts';

const BASE = `[director]
name = "lb1"
[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
priority = 150
addresses = ["192.0.2.10/24"]
[[service]]
name = "web"
address = "192.0.2.10:80"
forward = "dr"
check = { type = "tcp" }
[[service.server]]
address = "10.0.0.21"
`;
const config = (text: string): Config => {
  const { config, issues } = readText(text);
  assert.ok(config, JSON.stringify(issues));
  return config;
};
const MASTER: SeenRouter = {
  ...{ name: 'edge', state: 'master', priority: 150, syncGroup: null, order: null },
  priorityParts: [{ what: 'configured', delta: 150 }],
  master: { address: '10.0.0.1', priority: 150 },
};
const backupTo = (priority: number): SeenRouter => ({
  ...MASTER,
  state: 'backup',
  master: { address: '10.0.0.2', priority },
});
const ORDER = { kind: 'demote', by: 'anna', reason: '', since: '', until: null } as const;

function routers(text: string, seen: readonly SeenRouter[], from = BASE): string[] {
  const [before, after] = [config(from), config(text)];
  return routerPlan(changes(before, after), before, after, seen).flatMap(({ sign, what, notes }) => [
    `${sign} ${what}`,
    ...notes,
  ]);
}
const priority = (n: number, text = BASE): string => text.replace('priority = 150', `priority = ${n}`);
const GROUP = BASE.replace('router_id', 'sync_group = "g"\nrouter_id');
const TWO = `${GROUP.replace('[[service]]', '[[vrrp]]\nname = "in"\ninterface = "eth1"\nrouter_id = 52\nsync_group = "g"\naddresses = ["198.51.100.10/24"]\n[[service]]')}`;

for (const [what, text, seen, expected] of [
  [
    'a master that rises stays master',
    priority(160),
    MASTER,
    ['~ edge: priority 150 → 160', 'lb1 stays master, with priority 160'],
  ],
  [
    'a master that falls may lose the role, to a priority that is not known',
    priority(90),
    MASTER,
    ['~ edge: priority 150 → 90', 'lb1 is master, and may lose the role to a peer of a priority above 90'],
  ],
  [
    'what a tracked thing has taken off stays off',
    priority(160),
    {
      ...MASTER,
      priority: 90,
      priorityParts: [...MASTER.priorityParts, { what: 'interface eth1 is down', delta: -60 }],
    },
    ['~ edge: priority 150 → 160', 'lb1 stays master, with priority 100'],
  ],
  [
    'a backup that rises above its master takes over',
    priority(160),
    backupTo(155),
    ['~ edge: priority 150 → 160', 'lb1 takes the role over: 10.0.0.2 is master with priority 155, and lb1 has 160'],
  ],
  [
    'one that only equals it does not',
    priority(160),
    backupTo(160),
    ['~ edge: priority 150 → 160', 'lb1 stays backup: 10.0.0.2 is master with priority 160'],
  ],
  [
    'nor one without preempt',
    priority(160).replace('router_id', 'preempt = false\nrouter_id'),
    backupTo(155),
    [
      '~ edge: priority 150 → 160, preempt true → false',
      'lb1 stays backup: preempt is off, and 10.0.0.2 is master with priority 155',
    ],
  ],
  [
    'an order stands above the priorities',
    priority(90),
    { ...MASTER, order: ORDER },
    ['~ edge: priority 150 → 90', 'lb1 is demoted by anna, whatever the priorities'],
  ],
  [
    'of new tracks nothing is known',
    BASE.replace('router_id', 'track = [{ interface = "eth1", weight = -60 }]\nrouter_id'),
    MASTER,
    ['~ edge: track interface eth1 added'],
  ],
  [
    'another router_id makes it anew',
    BASE.replace('= 51', '= 52'),
    MASTER,
    ['~ edge: made anew: router_id 51 → 52', 'lb1 is master, and resigns', 'it begins as backup'],
  ],
  [
    'and so does another name',
    BASE.replace('"edge"', '"rim"'),
    MASTER,
    ['~ edge: made anew: name "edge" → "rim"', 'lb1 is master, and resigns', 'it begins as backup'],
  ],
  [
    'one that goes hands over',
    BASE.replace(/\[\[vrrp\]\][^[]*(\["[^[]*)/, ''),
    MASTER,
    ['- edge: removed', 'lb1 is master, and hands over'],
  ],
] as const)
  test(`routers: ${what}`, () => assert.deepEqual(routers(text, [seen]), expected));

test('routers: one that comes begins as backup, the owner as master', () => {
  const none = '[director]\nname = "lb1"\n';
  const text = BASE.split('[[service]]')[0] ?? '';
  assert.deepEqual(routers(text, [], none), [
    '+ edge: new router 51 on eth0, priority 150, 1 address',
    'it begins as backup',
  ]);
  assert.equal(routers(priority(255, text), [], none)[1], 'it is the owner, and becomes master at once');
});

test('routers: of a group that changes together no role is foretold', () => {
  assert.deepEqual(routers(priority(90, TWO), [MASTER], TWO), ['~ edge: priority 150 → 90']);
});

test('routers: without an answer of the process only what changes is said', () => {
  assert.deepEqual(routers(priority(90), []), ['~ edge: priority 150 → 90']);
});

const KERNEL: PlannedChange = {
  ...{ part: 'ipvs', sign: '~', what: 'tcp 192.0.2.10:80: …', breaks: 0, drains: 0, notes: [] },
  service: 'tcp 192.0.2.10:80',
};
function others(edit: (text: string) => string, kernel: readonly PlannedChange[] = []): string[] {
  const [before, after] = [config(BASE), config(edit(BASE))];
  return configPlan(changes(before, after), before, after, kernel).map(
    ({ part, sign, what }) => `${part} ${sign} ${what}`,
  );
}
const SETTING: PlannedChange = { ...KERNEL, part: 'setting', what: 'conntrack 0 → 1' };

for (const [what, edit, kernel, expected] of [
  [
    'a field of a check',
    (t) => t.replace('"tcp" }', '"tcp", interval = "1s", fall = 2 }'),
    [],
    ['check ~ web: check.interval "2s" → "1s", check.timeout "2s" → "1s", check.fall 3 → 2'],
  ],
  [
    'a check that goes',
    (t) => t.replace('check = { type = "tcp" }\n', ''),
    [],
    ['check - web: no check any more: every server counts as up'],
  ],
  [
    'a service that goes, with its check',
    (t) => t.replace(/\[\[service\]\][\s\S]*/, ''),
    [KERNEL],
    ['check - web: tcp check of 1 server, every 2 s'],
  ],
  [
    'and that the kernel does not have',
    (t) => t.replace(/\[\[service\]\][\s\S]*/, ''),
    [],
    ['check - web: tcp check of 1 server, every 2 s', 'service - service web'],
  ],
  [
    'a quorum',
    (t) => t.replace('forward', 'quorum = 1\nslow_start = "9s"\nforward'),
    [KERNEL],
    ['service ~ web: slow_start "0s" → "9s"'],
  ],
  ['a scheduler, which the table tells', (t) => t.replace('forward', 'scheduler = "rr"\nforward'), [KERNEL], []],
  [
    'a weight that the table does not tell',
    (t) => `${t}weight = 3\n`,
    [],
    ['service ~ web: server 10.0.0.21 weight 1 → 3'],
  ],
  ['a weight that it does', (t) => `${t}weight = 3\n`, [{ ...KERNEL, server: '10.0.0.21:80' }], []],
  [
    'a weight beside another server',
    (t) => `${t}weight = 3\n`,
    [{ ...KERNEL, server: '10.0.0.211:80' }],
    ['service ~ web: server 10.0.0.21 weight 1 → 3'],
  ],
  [
    'the name of a server',
    (t) => `${t}name = "w1"\n`,
    [{ ...KERNEL, server: '10.0.0.21:80' }],
    ['service ~ web: server 10.0.0.21 name "10.0.0.21" → "w1"'],
  ],
  [
    'log, alerts',
    (t) => `${t}[log]\nlevel = "debug"\n[[alert]]\ntype = "exec"\ncommand = ["/bin/true"]\n`,
    [],
    ['other ~ [log]: level "info" → "debug"', 'other + alert exec'],
  ],
  [
    'a setting of the kernel',
    (t) => `${t}[ipvs]\non_stop = "remove"\nsysctl = { conntrack = true }\n`,
    [SETTING],
    ['other ~ [ipvs]: on_stop "keep" → "remove"'],
  ],
] as const satisfies readonly (readonly [
  string,
  (text: string) => string,
  readonly PlannedChange[],
  readonly string[],
])[])
  test(`the rest: ${what}`, () => assert.deepEqual(others(edit, kernel), expected));

const server = (address: string, active: number): Destination => ({
  ...{ address: { address: ip(address), port: 80 }, forward: 'dr', tunnel: null, weight: 1 },
  ...{ upperThreshold: 0, lowerThreshold: 0 },
  counts: { active, inactive: 0, persistent: 0 },
});
const at = (address: string, port: number, ...destinations: Destination[]): Service => ({
  id: { protocol: 'tcp', address: { address: ip(address), port } },
  ...{ scheduler: 'wlc', flags: 0, persistence: null, granularity: 32, engine: null },
  destinations,
});
const LIVE = liveConnections(
  tableOf([
    at('192.0.2.10', 80, server('10.0.0.21', 7), server('10.0.0.22', 5)),
    at('192.0.2.10', 443, server('10.0.0.21', 3)),
    at('192.0.2.11', 80, server('10.0.0.21', 100)),
  ]),
);
const GONE: PlannedChange = { ...KERNEL, part: 'address', sign: '-', address: '192.0.2.10' };
const { service: _, ...ADDRESS } = GONE;

test('an address that goes breaks the connections of its services, each counted once', () => {
  const broken = (changes: readonly PlannedChange[]) =>
    withAddressBreaks(changes, LIVE).map(({ breaks, drains }) => [breaks, drains]);
  assert.deepEqual(broken([ADDRESS]), [[15, 0]]);
  assert.deepEqual(broken([ADDRESS, { ...KERNEL, breaks: 12 }]), [
    [3, 0],
    [12, 0],
  ]);
  assert.deepEqual(broken([ADDRESS, ADDRESS]), [
    [15, 0],
    [0, 0],
  ]);
  assert.deepEqual(broken([ADDRESS, { ...KERNEL, drains: 7 }]), [
    [15, 0],
    [0, 0],
  ]);
  assert.deepEqual(broken([{ ...KERNEL, drains: 7 }]), [[0, 7]]);
});
