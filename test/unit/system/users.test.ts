import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { findUser } from '../../../src/system/users.ts';

test('a user is found by the whole name, with its two numbers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-users-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const passwd = join(folder, 'passwd');
  writeFileSync(
    passwd,
    'root:x:0:0:root:/root:/bin/sh\nweb2:x:7:8::/:\nweb:x:1001:1002::/:/bin/false\nbad:x:-1:2::/:\n+::::::\n',
  );
  assert.deepEqual(await findUser('web', passwd), { ok: true, value: { name: 'web', uid: 1001, gid: 1002 } });
  for (const name of ['we', 'bad', '+', ''])
    assert.deepEqual(await findUser(name, passwd), {
      ok: false,
      error: { code: '', reason: `there is no user ${name} in ${passwd}` },
    });
  assert.deepEqual(await findUser('web', `${passwd}.none`), {
    ok: false,
    error: { code: 'ENOENT', reason: `${passwd}.none cannot be read (ENOENT)` },
  });
});
