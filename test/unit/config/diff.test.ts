import assert from 'node:assert/strict';
import test from 'node:test';
import { changes, diff } from '../../../src/config/diff.ts';
import { load } from '../../../src/config/load.ts';

const BASE = `
[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
addresses = ["192.0.2.10/24"]
[[service]]
name = "web"
address = "192.0.2.10:80"
forward = "nat"
[service.check]
type = "http"
interval = "2s"
[[service.server]]
address = "10.0.0.21:80"
[[service.server]]
address = "10.0.0.22:80"
[[alert]]
type = "exec"
command = ["/bin/true"]
`;

function config(text: string) {
  const { config, issues } = load(text, { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config;
}

const changed = (edit: (text: string) => string): readonly string[] => diff(config(BASE), config(edit(BASE)));

test('nothing differs between a file and the same file with its defaults written out or its tables in another order', () => {
  assert.deepEqual(
    changed((text) => text),
    [],
  );
  assert.deepEqual(
    changed((text) => text.replace('router_id', 'priority = 100\nrouter_id')),
    [],
  );
  const [first, second] = [
    '[[service.server]]\naddress = "10.0.0.21:80"\n',
    '[[service.server]]\naddress = "10.0.0.22:80"\n',
  ];
  assert.deepEqual(
    changed((text) => text.replace(first + second, second + first)),
    [],
  );
});

for (const [what, edit, expected] of [
  [
    'a value',
    (t) => t.replace('router_id = 51', 'router_id = 51\npriority = 150'),
    ['vrrp edge changed: priority 100 -> 150'],
  ],
  [
    'a value that appears',
    (t) => t.replace('forward', 'persistence = "5m"\nforward'),
    ['service web changed: persistence "5m" added'],
  ],
  [
    'a value that goes',
    (t) => t.replace('type = "http"', 'type = "tcp"'),
    [
      'service web changed: check.type "http" -> "tcp", check.name "http" -> "tcp", check.version removed, check.path removed, check.method removed, check.headers removed, check.keep_alive removed, check.status removed, check.json removed, check.max_body removed, check.tls false added, check.steps [] added',
    ],
  ],
  [
    'an inner value and its derived one',
    (t) => t.replace('"2s"', '"1s"'),
    ['service web changed: check.interval "2s" -> "1s", check.timeout "2s" -> "1s"'],
  ],
  [
    'a server',
    (t) => t.replace('address = "10.0.0.22:80"', 'address = "10.0.0.22:80"\nweight = 5'),
    ['service web changed: server 10.0.0.22:80 weight 1 -> 5'],
  ],
  [
    'a server that moves',
    (t) => t.replace('10.0.0.22', '10.0.0.23'),
    ['service web changed: server 10.0.0.22:80 removed, server 10.0.0.23:80 added'],
  ],
  [
    'a name',
    (t) => t.replace('"web"', '"www"').replace('"edge"', '"north"'),
    ['vrrp north changed: name "edge" -> "north"', 'service www changed: name "web" -> "www"'],
  ],
  [
    'another section in its place',
    (t) => t.replace('"edge"', '"north"').replace('= 51', '= 52'),
    ['vrrp edge removed', 'vrrp north added'],
  ],
  [
    'a list',
    (t) => t.replace('type = "exec"', 'type = "exec"\non = ["vrrp"]'),
    ['alert exec changed: on ["vrrp", "server", "quorum", "config"] -> ["vrrp"]'],
  ],
  [
    'virtual addresses, each by itself',
    (t) => t.replace('"192.0.2.10/24"]', '{ address = "192.0.2.10/24", advertise = false }, "2001:db8::1/64"]'),
    ['vrrp edge changed: address 192.0.2.10/24 advertise false added, address 2001:db8::1/64 added'],
  ],
  [
    'what is tracked, and how adverts are signed',
    (t) =>
      t.replace(
        'router_id',
        'track = [{ interface = "eth1" }]\nauth = { type = "hmac", keys = [{ id = 1, file = "/k" }] }\nrouter_id',
      ),
    ['vrrp edge changed: track interface eth1 added, auth added'],
  ],
  [
    'an alert',
    (t) => t.replace('/bin/true', '/bin/false'),
    ['alert exec changed: command ["/bin/true"] -> ["/bin/false"]'],
  ],
  [
    'a section that is there once',
    (t) => `[metrics]\nlisten = false\n${t}`,
    ['[metrics] changed: listen "127.0.0.1:9790" -> false'],
  ],
] as const satisfies readonly (readonly [string, (text: string) => string, readonly string[]])[]) {
  test(`what differs is told in words: ${what}`, () => assert.deepEqual(changed(edit), expected));
}

const FULL = BASE.replace(
  'router_id',
  `track = [{ interface = "eth1", weight = -60 }, { service = "web" }]
auth = { type = "hmac", keys = [{ id = 1, file = "/k" }] }
peers = ["192.0.2.2"]
router_id`,
);
for (const [what, from, to, expected] of [
  ['the weight of what is tracked', 'weight = -60', 'weight = -50', 'track interface eth1 weight -60 -> -50'],
  ['another thing is tracked', '"eth1"', '"eth2"', 'track interface eth1 removed, track interface eth2 added'],
  ['how adverts are signed', '"/k"', '"/l"', 'auth.keys [{ id = 1, file = "/k" }] -> [{ id = 1, file = "/l" }]'],
  ['a peer', '"192.0.2.2"', '{ address = "192.0.2.2", min_ttl = 250 }', 'peer 192.0.2.2 min_ttl 250 added'],
] as const)
  test(`what differs is told in words: ${what}`, () =>
    assert.deepEqual(diff(config(FULL), config(FULL.replace(from, to))), [`vrrp edge changed: ${expected}`]));

test('two routers of one router_id are told apart by family when their names change', () => {
  const six = BASE.replace('192.0.2.10/24', '2001:db8::10/64').split('[[service]]')[0] as string;
  const both = (four: string, sixth: string) => config(BASE.replace('"edge"', four) + six.replace('"edge"', sixth));
  assert.deepEqual(diff(both('"a"', '"b"'), both('"c"', '"d"')), [
    'vrrp c changed: name "a" -> "c"',
    'vrrp d changed: name "b" -> "d"',
  ]);
});

test('changes are values too', () => {
  const found = changes(config(BASE), config(BASE.replace('= 51', '= 51\npriority = 9')));
  assert.deepEqual(found, [
    { section: 'vrrp', name: 'edge', what: 'changed', fields: [{ key: 'priority', from: '100', to: '9' }] },
  ]);
});

test('a discovery is known by its name', () => {
  const found = (options: string) =>
    config(`${BASE}\n[service.discovery]\ntype = "dns"\nquery = "web.example.net"\n${options}`);
  assert.deepEqual(diff(found(''), found('max_removed = 3\ntunnel.type = "gre"\nforward = "tun"')), [
    'service web changed: discovery dns max_removed "50%" -> 3, discovery dns forward "tun" added, discovery dns tunnel "gre" added',
  ]);
  const [added] = diff(config(BASE), found(''));
  assert.match(added ?? '', /^service web changed: discovery dns added$/);
});
