import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, beforeEach } from 'node:test';
import { instant } from '../../../src/base/time.ts';
import {
  loadKeptSettings,
  loadOwned,
  openRoleFile,
  routersIn,
  saveKeptSettings,
  saveOwned,
} from '../../../src/daemon/run-state.ts';

const base = mkdtempSync(join(tmpdir(), 'run-state-'));
let dir = base;
let n = 0;
beforeEach(() => {
  dir = mkdtempSync(join(base, `${n++}-`));
});
after(() => rmSync(base, { recursive: true }));

const role = { master: true, interface: 'eth0', routerId: 51, held: ['address 192.0.2.10/24 dev eth0'] };

test('a role and its beat are found again by the next process', () => {
  const first = openRoleFile(dir, 'edge');
  assert.equal(first.read(), undefined);
  first.write(role);
  first.beat(instant(1234.5));
  first.beat(instant(5678.25));
  first.close();
  const second = openRoleFile(dir, 'edge');
  assert.deepEqual(second.read(), { role, beat: 5678.25 });
  second.remove();
  assert.deepEqual(readdirSync(dir), []);
});

test('a role without a beat is older than any time', () => {
  const file = openRoleFile(dir, 'edge');
  file.write(role);
  assert.equal(file.read()?.beat, Number.NEGATIVE_INFINITY);
  file.close();
});

test('a damaged file counts as none', () => {
  const file = openRoleFile(dir, 'edge');
  for (const text of ['', '{', '[]', 'null', '{"master":"yes"}']) {
    writeFileSync(join(dir, 'vrrp-edge.json'), text);
    assert.equal(file.read(), undefined, text);
  }
  file.close();
});

test('a name with any character makes one file, and is read back from it', () => {
  const name = '../a b/ä%';
  const file = openRoleFile(dir, name);
  file.write(role);
  file.close();
  assert.deepEqual(routersIn(dir), [name]);
  assert.equal(readdirSync(dir).length, 2);
});

test('a file in the run directory that is not ours is passed over', () => {
  writeFileSync(join(dir, 'vrrp-%ZZ.json'), '{}');
  assert.deepEqual(routersIn(dir), []);
});

test('only root reads what is ours, and nothing saved means nothing is ours', () => {
  assert.deepEqual(loadOwned(dir), new Set());
  saveOwned(dir, new Set(['tcp 192.0.2.10:80', 'udp 192.0.2.10:53']));
  assert.deepEqual(loadOwned(dir), new Set(['tcp 192.0.2.10:80', 'udp 192.0.2.10:53']));
  assert.equal(statSync(join(dir, 'ipvs-owned.json')).mode & 0o777, 0o600);
  writeFileSync(join(dir, 'ipvs-owned.json'), '{"a":1}');
  assert.deepEqual(loadOwned(dir), new Set());
});

test('what IPVS was before us is found again, and of a damaged file what can be read', () => {
  const nothing = { before: new Map(), daemons: [] };
  assert.deepEqual(loadKeptSettings(dir), nothing);
  const kept = { before: new Map([['timeout_tcp', '900']]), daemons: ['master'] } as const;
  saveKeptSettings(dir, kept);
  assert.deepEqual(loadKeptSettings(dir), kept);
  const damaged: readonly (readonly [text: string, kept: unknown])[] = [
    ['null', nothing],
    ['[3]', nothing],
    ['{"before":null,"daemons":"master"}', nothing],
    [
      '{"before":{"timeout_tcp":900,"timeout_udp":"300"},"daemons":["slave","backup",2]}',
      {
        before: new Map([['timeout_udp', '300']]),
        daemons: ['backup'],
      },
    ],
  ];
  for (const [text, left] of damaged) {
    writeFileSync(join(dir, 'ipvs-settings.json'), text);
    assert.deepEqual(loadKeptSettings(dir), left, text);
  }
});
