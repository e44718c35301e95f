import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createMasqueradeKeeper } from '../../../src/daemon/masquerade-keeper.ts';
import { masqueradeStatus } from '../../../src/daemon/masquerade-status.ts';
import { type Masquerading, masqueradingOf, NO_MASQUERADING } from '../../../src/ipvs/masquerade.ts';
import type { NftTable } from '../../../src/ipvs/nft-table.ts';
import type { Nft } from '../../../src/system/nft.ts';

const web = (...servers: string[]): Masquerading =>
  masqueradingOf(
    [
      {
        listener: { protocol: 'tcp', range: { address: ip('192.0.2.10'), port: 80, lastPort: 80 } },
        source: 'interface',
      },
    ],
    servers.map(ip),
  );

/** A keeper over a table in memory, whose timer is in the hands of the test. */
function bench(wanted: Masquerading) {
  const b = {
    wanted,
    table: null as NftTable | null,
    /** What every call is refused with; empty: none is. */
    refuses: '',
    /** What is written is not found again. */
    forgets: false,
    reads: 0,
    writes: 0,
    happened: [] as Happening[],
    complaints: [] as string[],
    due: undefined as { after: number; work: () => void } | undefined,
  };
  const nft: Nft = {
    async read() {
      b.reads += 1;
      return b.refuses === '' ? ok(b.table) : err({ message: b.refuses });
    },
    async write(masquerading) {
      if (b.refuses !== '') return err({ message: b.refuses });
      b.writes += 1;
      b.table = masquerading && { masquerading, whole: !b.forgets };
      return ok(null);
    },
  };
  const make = () =>
    createMasqueradeKeeper({
      nft,
      wanted: () => b.wanted,
      report: (h) => void b.happened.push(h),
      complain: (what, detail) => void b.complaints.push(`${what}: ${detail}`),
      later: (after, work) => {
        b.due = { after, work };
        return {
          cancel() {
            b.due = undefined;
          },
        };
      },
    });
  return Object.assign(b, { keeper: make(), restart: make, there: () => b.table?.masquerading });
}

test('the table is made, compared every 30 s, and not written again while it is right', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  assert.equal(b.table?.masquerading, b.wanted);
  assert.equal(b.due?.after, 30_000);
  await b.keeper.request();
  b.due?.work();
  await b.keeper.request();
  assert.equal(b.writes, 1);
  b.wanted = web('10.0.0.1', '10.0.0.2');
  await b.keeper.request();
  assert.equal(b.writes, 2);
  assert.deepEqual(b.happened, [], 'what we change ourselves is no drift');
});

test('the next process adopts what a killed one has left', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  await b.restart().request();
  assert.equal(b.writes, 1);
});

test('what somebody else has changed is put right, with an event that names it', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  b.table = { masquerading: web('10.0.0.9'), whole: true };
  await b.keeper.request();
  b.table = null;
  await b.keeper.request();
  b.table = { masquerading: b.wanted, whole: false };
  await b.keeper.request();
  assert.equal(b.writes, 4);
  assert.deepEqual(
    b.happened.map((h) => (h.kind === 'drift' ? `${h.object}: ${h.detail}` : h.kind)),
    [
      'masquerading: + source NAT towards server 10.0.0.1',
      'masquerading: - source NAT towards server 10.0.0.9',
      'masquerading: + source of tcp 192.0.2.10:80: the address of the interface',
      'masquerading: + source NAT towards server 10.0.0.1',
      'masquerading: ~ table inet lvskeeper of nftables, made anew: it is not as it was made',
    ],
  );
});

test('without nft there is one sentence, and it works once it is there', async () => {
  const b = bench(web('10.0.0.1'));
  b.refuses = 'the program nft is not there: install the package nftables';
  await b.keeper.request();
  assert.equal(b.keeper.trouble(), b.refuses);
  assert.match(
    b.complaints[0] ?? '',
    /^masquerading: the program nft is not there.*servers see the addresses of clients/,
  );
  b.refuses = '';
  b.due?.work();
  await b.keeper.request();
  assert.equal(b.keeper.trouble(), null);
  assert.equal(b.writes, 1);
});

test('what cannot be recognized after it was written is told, and is no drift', async () => {
  const b = bench(web('10.0.0.1'));
  b.forgets = true;
  await b.keeper.request();
  await b.keeper.request();
  assert.match(b.keeper.trouble() ?? '', /^the table is not what was asked for: ~ table inet lvskeeper/);
  assert.deepEqual(b.happened, []);
});

test('it goes when no service wants it, and when the daemon ends and its services go', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  b.wanted = NO_MASQUERADING;
  await b.keeper.request();
  assert.equal(b.table, null);
  assert.equal(b.due, undefined);
  b.wanted = web('10.0.0.1');
  await b.keeper.request();
  await b.keeper.end(true);
  assert.deepEqual(b.there(), b.wanted, 'what stays is masqueraded still');
  const next = b.restart();
  await next.request();
  await next.end(false);
  assert.equal(b.table, null);
  await next.request();
  assert.equal(b.table, null, 'an end is an end');
});

test('a director that never masquerades runs nft once, to see what is left, and hears nothing of it', async () => {
  const b = bench(NO_MASQUERADING);
  b.refuses = 'the program nft is not there: install the package nftables';
  await b.keeper.request();
  await b.keeper.request();
  assert.deepEqual(await b.keeper.preview(NO_MASQUERADING), []);
  await b.keeper.end(false);
  assert.deepEqual([b.reads, b.complaints, b.keeper.trouble(), b.due], [1, [], null, undefined]);
});

test('what an earlier process has left, and nobody wants any more, goes at the start', async () => {
  const b = bench(NO_MASQUERADING);
  b.table = { masquerading: NO_MASQUERADING, whole: true };
  await b.keeper.request();
  assert.equal(b.table, null);
});

test('a refused removal is tried again', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  b.wanted = NO_MASQUERADING;
  b.refuses = 'not permitted';
  await b.keeper.request();
  assert.equal(b.due?.after, 30_000);
  b.refuses = '';
  await b.keeper.request();
  assert.equal(b.table, null);
});

test('plan says what would change, and changes nothing', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  const changes = await b.keeper.preview(NO_MASQUERADING);
  assert.deepEqual(
    changes.map(({ part, sign, what, breaks }) => `${part} ${sign} ${what} ${breaks}`),
    [
      'masquerade - source of tcp 192.0.2.10:80: the address of the interface 0',
      'masquerade - source NAT towards server 10.0.0.1 0',
    ],
  );
  assert.equal(b.writes, 1);
  b.refuses = 'the program nft is not there';
  assert.equal((await b.keeper.preview(web('10.0.0.1'))).length, 2, 'all of it, where the table cannot be read');
});

test('what status says of a service', () => {
  assert.equal(masqueradeStatus({ masquerade: false }, 'no nft'), null);
  assert.deepEqual(masqueradeStatus({ masquerade: true }, null), { address: null, trouble: null });
  assert.deepEqual(masqueradeStatus({ masquerade: ip('10.0.0.5') }, 'no nft'), {
    address: '10.0.0.5',
    trouble: 'no nft',
  });
});

test('a table that was there before a failure goes too when the director ends', async () => {
  const b = bench(web('10.0.0.1'));
  await b.keeper.request();
  b.refuses = 'nft has not answered within 10s';
  await b.keeper.request();
  b.refuses = '';
  await b.keeper.end(false);
  assert.equal(b.table, null);
});
