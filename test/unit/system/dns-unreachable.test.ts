import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import { askByUdp } from '../../../src/system/dns-exchange.ts';

test('a resolver to which there is no way is an answer in words', async () => {
  for (const address of [ip('255.255.255.255'), ip('fe80::1')]) {
    const answer = await askByUdp({
      ...{ to: { address, port: 53 }, query: new Uint8Array(20), accepts: () => true },
      ...{ timeout: milliseconds(300), signal: new AbortController().signal },
    });
    assert.ok(!answer.ok);
    assert.match(answer.error, /^E[A-Z]+$/);
  }
});
