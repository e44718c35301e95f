import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { type Announcer, createAnnouncer, type OnLink } from '../../../src/daemon/announcer.ts';
import type { SystemError } from '../../../src/system/native.ts';
import { mac } from '../../../src/wire/ethernet.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

const at = (host: number, interfaceIndex = 2): OnLink => ({
  address: ip(`192.0.${host >> 8}.${host & 0xff}`),
  interface: `eth${interfaceIndex}`,
  interfaceIndex,
  mac: mac('02:00:5e:00:53:01'),
});
const many = (count: number, from = 0): OnLink[] => Array.from({ length: count }, (_, i) => at(from + i));

type World = {
  readonly announcer: Announcer;
  readonly clock: FakeClock;
  /** What was sent: when, in milliseconds from the start, and the address. */
  readonly sent: { readonly at: number; readonly address: string }[];
  readonly troubles: string[];
  refusal: string | undefined;
};

function world(): World {
  const clock = createFakeClock();
  const start = clock.now();
  const sent: World['sent'] = [];
  const troubles: string[] = [];
  const announcer = createAnnouncer({
    now: clock.now,
    timer: clock.timer,
    send({ address }) {
      if (made.refusal !== undefined) {
        const error = { code: made.refusal, errno: -1, syscall: 'sendmsg' };
        return err(Object.assign(new Error('refused'), error) as SystemError);
      }
      sent.push({ at: clock.now() - start, address });
      return ok(undefined);
    },
    trouble: (what, detail) => troubles.push(`${what}: ${detail}`),
  });
  const made: World = { announcer, clock, sent, troubles, refusal: undefined };
  return made;
}
const addresses = (sent: World['sent']): string[] => sent.map(({ address }) => address);

test('the first of every address leaves within the call, whatever the rate', () => {
  const { announcer, sent } = world();
  announcer.burst(many(300), { rounds: 5, rate: 1 });
  assert.deepEqual(
    addresses(sent),
    many(300).map((a) => a.address),
  );
  assert.equal(announcer.pending, 300);
});

test('the other rounds follow one after the other, at the rate', () => {
  const { announcer, clock, sent } = world();
  announcer.burst([at(1), at(2)], { rounds: 3, rate: 100 });
  sent.length = 0;
  clock.pass(1000);
  assert.deepEqual(sent, [
    { at: 10, address: at(1).address },
    { at: 20, address: at(2).address },
    { at: 30, address: at(1).address },
    { at: 40, address: at(2).address },
  ]);
  assert.equal(announcer.pending, 0);
});

test('the rate is that of the process: bursts of several routers share it', () => {
  const { announcer, clock, sent } = world();
  for (let router = 0; router < 10; router++) announcer.burst(many(10, 10 * router), { rounds: 5, rate: 100 });
  sent.length = 0;
  clock.pass(4000);
  assert.equal(sent.length, 400, '100 addresses, four more rounds each');
  for (const [i, { at: when }] of sent.entries()) assert.ok(Math.abs(when - 10 * (i + 1)) < 1e-3, `${i}: ${when}`);
  const firsts = new Set(addresses(sent.slice(0, 100)));
  assert.equal(firsts.size, 100, 'no address is told twice before all are told once');
});

test('one round is the one that leaves in the call', () => {
  const { announcer, clock, sent } = world();
  announcer.burst([at(1)], { rounds: 1, rate: 100 });
  clock.pass(1000);
  assert.equal(sent.length, 1);
});

test('a refresh is paced from the first on, and adds nothing to a burst that is pending', () => {
  const { announcer, clock, sent } = world();
  announcer.refresh([at(1), at(2), at(3)], { rate: 10 });
  clock.pass(1000);
  assert.deepEqual(
    sent.map((s) => s.at),
    [0, 100, 200],
  );
  sent.length = 0;
  announcer.burst([at(1)], { rounds: 3, rate: 10 });
  announcer.refresh([at(1)], { rate: 10 });
  clock.pass(10_000);
  assert.equal(sent.length, 3);
});

test('a refresh while a burst goes on does not lift its pace', () => {
  const { announcer, clock, sent } = world();
  announcer.burst(many(5), { rounds: 2, rate: 10 });
  sent.length = 0;
  announcer.refresh(many(5, 100), { rate: 10 });
  clock.pass(1000);
  assert.equal(sent.length, 10);
  for (const [i, { at: when }] of sent.entries()) assert.ok(Math.abs(when - 100 * (i + 1)) < 1e-3);
});

test('bursts that come faster than the pace neither lift it nor hold it up', () => {
  const { announcer, clock, sent } = world();
  announcer.burst(many(100, 100), { rounds: 2, rate: 10 });
  announcer.burst([at(1)], { rounds: 2, rate: 1000 });
  sent.length = 0;
  clock.pass(99);
  assert.equal(sent.length, 0);
  for (let n = 0; n < 10; n++) {
    announcer.burst([at(2)], { rounds: 1, rate: 10 });
    clock.pass(50);
  }
  assert.equal(sent.length, 10 + 5);
});

test('when all is sent, the next burst is paced like the first', () => {
  const { announcer, clock, sent } = world();
  for (let n = 0; n < 3; n++) {
    sent.length = 0;
    announcer.burst([at(1)], { rounds: 3, rate: 1000 });
    clock.stall(500);
    clock.pass(500);
    assert.equal(sent.length, 3);
    assert.equal(announcer.pending, 0);
  }
});

test('what is released is not announced any more', () => {
  const { announcer, clock, sent } = world();
  announcer.burst([at(1), at(2)], { rounds: 3, rate: 100 });
  sent.length = 0;
  announcer.cancel([at(1).address]);
  clock.pass(1000);
  assert.deepEqual(addresses(sent), [at(2).address, at(2).address]);
  announcer.burst([at(1)], { rounds: 3, rate: 100 });
  announcer.cancel([at(1).address]);
  sent.length = 0;
  clock.pass(1000);
  assert.equal(sent.length, 0);
});

test('another burst of an address replaces what was pending for it', () => {
  const { announcer, clock, sent } = world();
  announcer.burst([at(1)], { rounds: 5, rate: 100 });
  announcer.burst([at(1)], { rounds: 3, rate: 100 });
  clock.pass(1000);
  assert.equal(sent.length, 2 + 2);
});

test('one address on two interfaces is announced on both', () => {
  const { announcer, clock, sent } = world();
  announcer.burst([at(1, 2), at(1, 3)], { rounds: 2, rate: 100 });
  clock.pass(1000);
  assert.equal(sent.length, 4);
});

test('a process that was held up does not send at once all that it missed', () => {
  const { announcer, clock, sent } = world();
  announcer.burst(many(100), { rounds: 2, rate: 100 });
  sent.length = 0;
  clock.stall(500);
  clock.pass(0);
  assert.ok(sent.length >= 1 && sent.length <= 3, `${sent.length} at once`);
  clock.pass(2000);
  assert.equal(sent.length, 100);
});

test('255 routers with 200 addresses and 50 rounds wait in bounded space, and all get out', () => {
  const { announcer, clock, sent } = world();
  for (let router = 0; router < 255; router++) announcer.burst(many(200, 200 * router), { rounds: 50, rate: 1e6 });
  assert.equal(sent.length, 51_000);
  assert.equal(announcer.pending, 51_000);
  announcer.refresh(
    many(51_000).map((a) => ({ ...a, interfaceIndex: 3 })),
    { rate: 1e6 },
  );
  assert.equal(announcer.pending, 65_536);
  announcer.cancel(many(50_990).map((a) => a.address));
  sent.length = 0;
  clock.pass(1000);
  assert.equal(sent.length, 10 * 49 + 0);
  assert.equal(announcer.pending, 0);
});

for (const [code, told] of [
  ['EPERM', 1],
  ['ENOBUFS', 1],
  ['ENETDOWN', 0],
  ['ENXIO', 0],
  ['ENODEV', 0],
] as const)
  test(`a refusal by ${code} is ${told ? 'told' : 'no news: the link is gone'}, and no failure`, () => {
    const here = world();
    here.refusal = code;
    here.announcer.burst([at(1)], { rounds: 1, rate: 100 });
    assert.equal(here.troubles.length, told);
    if (told) assert.match(here.troubles[0] ?? '', /cannot be announced on eth2: refused \(192\.0\.0\.1\)/);
    here.refusal = undefined;
    here.announcer.burst([at(2)], { rounds: 1, rate: 100 });
    assert.equal(here.sent.length, 1);
  });

test('nothing is sent after it is closed', () => {
  const { announcer, clock, sent } = world();
  announcer.burst([at(1)], { rounds: 5, rate: 100 });
  sent.length = 0;
  announcer.close();
  announcer.burst([at(2)], { rounds: 5, rate: 100 });
  announcer.refresh([at(2)], { rate: 100 });
  clock.pass(1000);
  assert.equal(sent.length, 0);
});
