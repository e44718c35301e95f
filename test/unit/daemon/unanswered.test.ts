import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from '../../../src/config/load.ts';
import { unansweredRouters } from '../../../src/daemon/unanswered.ts';

const SINCE = new Date('2026-03-01T12:00:00.000Z');

function routersOf(more: string) {
  const { config, issues } = load(
    `[[vrrp]]\nname = "edge"\ninterface = "eth0"\nrouter_id = 51\npriority = 150\n${more}\n`,
    { hostName: 'lb1' },
  );
  assert.ok(config, JSON.stringify(issues));
  return config.vrrp.flatMap((router) => unansweredRouters(router, SINCE, null));
}

test('one [[vrrp]] is a router for each family it has addresses of, in a state that claims nothing', () => {
  const routers = routersOf('addresses = ["192.0.2.10/24", "2001:db8::10/64", "fe80::10/64"]');
  assert.deepEqual(
    routers.map(({ family, state, destinations }) => [family, state, destinations]),
    [
      [4, 'init', ['224.0.0.18']],
      [6, 'init', ['ff02::12']],
    ],
  );
  for (const { addresses } of routers) assert.ok(addresses.length > 0 && addresses.every(({ present }) => !present));
});

test('with peers adverts go to them', () => {
  const [router] = routersOf('addresses = ["192.0.2.10/24"]\npeers = ["10.0.0.2"]');
  assert.deepEqual(router?.destinations, ['10.0.0.2']);
});
