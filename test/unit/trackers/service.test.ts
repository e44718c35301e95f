import assert from 'node:assert/strict';
import test from 'node:test';
import { instant, milliseconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { ProbeOutcome } from '../../../src/health/verdict.ts';
import { createServiceBoard } from '../../../src/trackers/service/board.ts';
import { inWords, settle } from './fake-clock.ts';

const web = (servers: readonly string[], check = true): ServiceConfig => {
  const text = `
    [[service]]
    name = "web"
    address = "192.0.2.10:80"
    forward = "nat"
    quorum = 2
    ${check ? 'check = { type = "tcp", interval = "1s", timeout = "1s", rise = 1, fall = 1 }' : ''}
    server = [${servers.map((address) => `{ address = "${address}" }`).join(', ')}]`;
  return load(text, { hostName: 'lb1' }).config?.services[0] as ServiceConfig;
};

const THREE = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'];

/** A tracked service, and the verdicts that its checks come to. */
function world(config: ServiceConfig) {
  const keeper = createServiceKeeper(() => {});
  const board = createServiceBoard((service) => keeper.quorum(service));
  const found: string[] = [];
  const configure = (services: readonly ServiceConfig[]) => {
    keeper.configure(services, new Map(), instant(0));
    board.refresh();
  };
  configure([config]);
  return {
    configure,
    found,
    track: (name = 'web') => board.watch(name, (finding) => found.push(inWords(finding))),
    check(server: number, outcome: ProbeOutcome) {
      const key = verdictKey(config, config.servers[server] as ServiceConfig['servers'][number], { name: 'tcp' });
      if (keeper.take(key, { outcome, reason: outcome, took: milliseconds(1) }, instant(1))) board.refresh();
    },
  };
}

test('nothing is told before the verdicts decide, then what they decide', async () => {
  const { track, found, check } = world(web(THREE));
  track();
  await settle();
  check(0, 'up');
  check(1, 'down');
  assert.deepEqual(found, []);
  check(2, 'up');
  assert.deepEqual(found, ['up: has its quorum: 2 up, 2 needed']);
  check(0, 'down');
  assert.equal(found.at(-1), 'down: has lost its quorum: 1 up, 2 needed');
});

test('a loss is told as soon as no verdict to come can prevent it', () => {
  const { track, found, check } = world(web(THREE));
  track();
  check(0, 'down');
  assert.deepEqual(found, []);
  check(1, 'down');
  assert.deepEqual(found, ['down: has lost its quorum: 0 up, 2 needed']);
});

test('servers that are not checked are up, and that is told at once', async () => {
  const { track, found } = world(web(THREE, false));
  track();
  assert.deepEqual(found, [], 'but not within the call');
  await settle();
  assert.deepEqual(found, ['up: has its quorum: 3 up, 2 needed']);
});

test('a quorum that is lost stays lost while new servers are not yet known', () => {
  const { track, found, check, configure } = world(web(THREE));
  for (const server of [0, 1, 2]) check(server, 'down');
  track();
  configure([web([...THREE, '10.0.0.4:80', '10.0.0.5:80'])]);
  assert.equal(found.at(-1), 'down: has lost its quorum: 0 up, 2 needed');
});

test('of a service that does not exist nothing is told; nor after the end', async () => {
  const { track, found, check } = world(web(THREE, false));
  track('none');
  track().close();
  await settle();
  check(0, 'down');
  assert.deepEqual(found, []);
});
