import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { instant } from '../../../src/base/time.ts';
import type { VrrpConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { Happening } from '../../../src/control/event.ts';
import { ALL, handOver, handoverDue, overdue, tooLate } from '../../../src/daemon/handover.ts';
import { openRoleFile } from '../../../src/daemon/run-state.ts';

const runDir = mkdtempSync(join(tmpdir(), 'lvskeeper-test-'));
after(() => rmSync(runDir, { recursive: true }));

/** On an interface that is not there: nothing is sent, and nothing is held. */
const CONFIG = `
[[vrrp]]
name = "edge"
interface = "not-there"
router_id = 51
addresses = ["192.0.2.10/24"]
[[vrrp]]
name = "slow"
interface = "not-there"
router_id = 52
interval = "10s"
addresses = ["192.0.2.11/24"]
[[vrrp]]
name = "other"
interface = "not-there"
router_id = 53
addresses = ["192.0.2.12/24"]
`;

function routers(): readonly VrrpConfig[] {
  const { config } = load(CONFIG, { hostName: 'lb1' });
  assert.ok(config !== null);
  return config.vrrp;
}

/** As a dead process left it. */
function left(name: string, master: boolean, beat: number, dir = runDir, held: readonly string[] = []): void {
  const file = openRoleFile(dir, `${name}.4`);
  file.write({ master, interface: 'not-there', routerId: 51, held });
  file.beat(instant(beat));
  file.close();
}

const isMaster = (name: string): boolean | undefined => {
  const file = openRoleFile(runDir, `${name}.4`);
  const master = file.read()?.role.master;
  file.close();
  return master;
};

async function handedOver(due: Parameters<typeof handOver>[2]): Promise<readonly string[]> {
  const told: Happening[] = [];
  await handOver(runDir, routers(), due, (happening) => told.push(happening));
  return told.map((happening) => (happening.kind === 'vrrp' ? `${happening.router} ${happening.to}` : happening.kind));
}

test('only what is due is handed over: the rest has the time to come back, or has come back', async () => {
  left('edge', true, 1000);
  left('slow', true, 1000);
  left('other', false, 1000);
  assert.equal(handoverDue(runDir, routers()), 3000);
  assert.deepEqual(await handedOver(overdue(instant(2999))), []);
  // A successor has resumed it, and advertises.
  left('edge', true, 2500);
  assert.deepEqual(await handedOver(overdue(instant(3000))), []);
  assert.deepEqual(await handedOver(overdue(instant(4500))), ['edge init']);
  assert.deepEqual([isMaster('edge'), isMaster('slow'), isMaster('other')], [false, true, false]);
  assert.equal(handoverDue(runDir, routers()), 21_000);
  assert.deepEqual(await handedOver(ALL), ['slow init']);
  assert.equal(handoverDue(runDir, routers()), undefined);
});

test('looking for masters makes no file, and leaves none open', async () => {
  const empty = join(runDir, 'empty');
  mkdirSync(empty);
  assert.equal(handoverDue(empty, routers()), undefined);
  assert.deepEqual(readdirSync(empty), []);
  left('edge', false, 1000);
  left('other', true, 1000);
  const open = (): number => readdirSync('/proc/self/fd').length;
  handoverDue(runDir, routers());
  const before = open();
  for (let n = 0; n < 5; n++) handoverDue(runDir, routers());
  assert.equal(open(), before);
});

test('a role that cannot be written down is handed over all the same, and the others after it', async () => {
  left('edge', true, 1000);
  left('other', true, 1000);
  // In the way of the file that would replace the old one.
  const temporary = join(runDir, `vrrp-edge.4.json.${process.pid}.tmp`);
  mkdirSync(temporary);
  assert.deepEqual(await handedOver(overdue(instant(9000))), ['trouble', 'edge init', 'other init']);
  rmSync(temporary, { recursive: true });
  assert.deepEqual([isMaster('edge'), isMaster('other')], [true, false]);
  assert.equal(handoverDue(runDir, routers()), 3000);
  assert.equal(handoverDue(runDir, routers(), instant(9000)), undefined);
});

test('before a restart those are handed over whose peers would not wait for it', async () => {
  left('edge', true, 1000);
  left('slow', true, 1000);
  left('other', false, 1000);
  assert.deepEqual(await handedOver(tooLate(instant(4000))), [], 'three intervals of a second are not over');
  assert.deepEqual(await handedOver(tooLate(instant(4001))), ['edge init']);
  assert.deepEqual([isMaster('edge'), isMaster('slow')], [false, true]);
});

test('when nobody comes back, what one that is no master has not given up yet is given up too, without a word', async () => {
  left('edge', false, 1000, runDir, ['address 192.0.2.10/24 on lo']);
  assert.deepEqual(await handedOver(overdue(instant(1e9))), ['slow init']);
  assert.deepEqual(await handedOver(ALL), []);
});
