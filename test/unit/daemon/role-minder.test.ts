/** Who hands over for a vrrp process that is dead, and when. On an interface that is not there, so nothing is sent. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { instant } from '../../../src/base/time.ts';
import { load } from '../../../src/config/load.ts';
import { createRoleMinder } from '../../../src/daemon/role-minder.ts';
import { openRoleFile } from '../../../src/daemon/run-state.ts';
import { now } from '../../../src/system/clock.ts';

const ROUTER = '[[vrrp]]\nname = "edge"\ninterface = "not-there"\nrouter_id = 51\naddresses = ["192.0.2.10/24"]\n';

/** A role file of a master whose last advert was so long ago, ms, and a clock for timers that the test moves. */
function world(t: TestContext, ago: number) {
  const runDir = mkdtempSync(join(tmpdir(), 'lvskeeper-test-'));
  t.after(() => rmSync(runDir, { recursive: true }));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { config } = load(ROUTER, { hostName: 'lb1' });
  assert.ok(config !== null);
  const file = openRoleFile(runDir, 'edge.4');
  file.write({ master: true, interface: 'not-there', routerId: 51, held: [] });
  file.beat(instant(now() - ago));
  const w = { ready: false, told: 0 };
  const minder = createRoleMinder({
    runDir: () => runDir,
    routers: () => config.vrrp,
    ready: () => w.ready,
    report: () => {
      w.told += 1;
    },
  });
  t.after(() => {
    minder.close();
    file.close();
  });
  /** Lets so much time of the timers pass, and what it set off end. */
  const pass = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    for (let n = 0; n < 200 && isMaster(); n++) await turn();
  };
  const isMaster = (): boolean => file.read()?.role.master === true;
  return { w, minder, pass, isMaster };
}

test('one that died long ago is handed over at once, and that is told', async (t) => {
  const { w, minder, pass, isMaster } = world(t, 10_000);
  minder.died();
  await pass(0);
  assert.equal(isMaster(), false);
  for (let n = 0; n < 50 && w.told === 0; n++) await turn();
  assert.equal(w.told, 1);
});

test('one whose process is in service again is left alone', async (t) => {
  const { w, minder, pass, isMaster } = world(t, 10_000);
  w.ready = true;
  minder.died();
  await pass(0);
  assert.equal(isMaster(), true);
});

test('one that died just now has until an interval before its peers give it up', async (t) => {
  const { minder, pass, isMaster } = world(t, 0);
  minder.died();
  await pass(1900);
  assert.equal(isMaster(), true);
});

test('at the start there is more time: the first process may resume it', async (t) => {
  const { minder, pass, isMaster } = world(t, 10_000);
  minder.begin();
  await pass(4999);
  assert.equal(isMaster(), true);
  await pass(1);
  await pass(0);
  assert.equal(isMaster(), false);
});

test('before a restart only what would be too late is given up, at the end all', async (t) => {
  const { minder, isMaster } = world(t, 0);
  await minder.leave();
  assert.equal(isMaster(), true);
  await minder.giveUp();
  assert.equal(isMaster(), false);
});

test('closed, it minds nothing any more', async (t) => {
  const { minder, pass, isMaster } = world(t, 10_000);
  minder.begin();
  minder.close();
  minder.died();
  await pass(60_000);
  assert.equal(isMaster(), true);
});
