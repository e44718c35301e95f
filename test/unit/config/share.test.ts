/** What two configs have in common is the same value, and nothing else is. */

import assert from 'node:assert/strict';
import test from 'node:test';
import type { Config } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { share } from '../../../src/config/share.ts';

const configOf = (text: string): Config => load(text, { hostName: 'lb1' }).config ?? assert.fail(text);

const service = (n: number, more = ''): string =>
  `[[service]]\nname = "s${n}"\naddress = "192.0.2.${n}:80"\nforward = "nat"\nscheduler = "rr"\n${more}[[service.server]]\naddress = "10.0.0.21:80"\n`;
const ALERT = '[[alert]]\ntype = "exec"\nname = "pager"\ncommand = ["/bin/true"]\n';
const ROUTER =
  '[[vrrp]]\nname = "edge"\ninterface = "eth0"\nrouter_id = 51\naddresses = ["192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"]\n';
const CHECK = '[service.check]\ntype = "http"\npath = "/"\nbody = "^ok$"\n';
const ALL = `${ROUTER}${service(1)}${service(2, CHECK)}${service(3)}${ALERT}`;

test('of a config that says the same in other words nothing is new', () => {
  const before = configOf(ALL);
  assert.equal(share(before, configOf(`# once more\n${ALL}`)), before);
});

for (const [what, text, changed] of [
  ['a service', ALL.replace('"192.0.2.3:80"', '"192.0.2.3:81"'), ['s3']],
  ['a server', ALL.replace(/10\.0\.0\.21:80"\n(?=\[\[alert)/, '10.0.0.22:80"\n'), ['s3']],
  ['a pattern', ALL.replace('^ok$', '^well$'), ['s2']],
  ['a value in the midst of a list', ALL.replace('"192.0.2.2/24"', '"192.0.2.9/24"'), ['edge']],
  ['one value more in a list', ALL.replace('"/bin/true"', '"/bin/true", "-v"'), ['pager']],
  ['one that goes', ALL.replace(service(1), ''), []],
  ['one that comes', `${ALL}${service(4)}`, ['s4']],
  ['what is there once', `[metrics]\nlisten = "127.0.0.1:9100"\n${ALL}`, []],
] as const)
  test(`what differs is as it is in the new config, all else is the very same: ${what}`, () => {
    const [before, next] = [configOf(ALL), configOf(text)];
    const shared = share(before, next);
    assert.deepEqual(shared, next);
    assert.notEqual(shared, before);
    assert.ok(Object.isFrozen(shared) && Object.isFrozen(shared.services));
    const old = new Set<object>([...before.vrrp, ...before.services, ...before.alerts]);
    const fresh = [...shared.vrrp, ...shared.services, ...shared.alerts].filter((one) => !old.has(one));
    assert.deepEqual(
      fresh.map(({ name }) => name),
      changed,
    );
  });

test('sections that have changed places are the same ones, in the new order', () => {
  const before = configOf(`${service(1)}${service(2)}`);
  const shared = share(before, configOf(`${service(2)}${service(1)}`));
  assert.deepEqual(shared.services, [before.services[1], before.services[0]]);
  assert.ok(shared.services.every((one) => before.services.includes(one)));
});
