import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ok } from '../../../src/base/result.ts';
import { after, milliseconds } from '../../../src/base/time.ts';
import { createRehearsal } from '../../../src/daemon/rehearsal.ts';
import { now } from '../../../src/system/clock.ts';
import type { OwnAddress, Rtnetlink } from '../../../src/system/rtnetlink.ts';

for (const family of [4, 6] as const)
  test(`take-overs of IPv${family} are played through, on an interface that no machine has`, async () => {
    const asked: { readonly verb: string; readonly index: number }[] = [];
    const note = (verb: string, addresses: readonly OwnAddress[]): void => {
      for (const { index } of addresses) asked.push({ verb, index });
    };
    const kernel = {
      async addAddresses(addresses: readonly OwnAddress[]) {
        note('add', addresses);
        return addresses.map(() => ok('added'));
      },
      async deleteAddresses(addresses: readonly OwnAddress[]) {
        note('delete', addresses);
        return addresses.map(() => ok('absent'));
      },
      addresses: async () => ok([]),
      ...{
        addRoutes: async () => [],
        deleteRoutes: async () => [],
        addRules: async () => [],
        deleteRules: async () => [],
      },
      renewAddresses: async () => [],
    } as unknown as Rtnetlink;
    const directory = mkdtempSync(join(tmpdir(), 'rehearsal-'));
    try {
      const rehearsal = createRehearsal(family, kernel, directory);
      await rehearsal.play(after(now(), milliseconds(10_000)), 4);
      rehearsal.close();
      await new Promise(setImmediate);
      assert.equal(asked.filter(({ verb }) => verb === 'add').length, 4);
      assert.ok(asked.filter(({ verb }) => verb === 'delete').length >= 4);
      assert.deepEqual([...new Set(asked.map(({ index }) => index))], [0]);
      assert.deepEqual(readdirSync(directory), []);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
