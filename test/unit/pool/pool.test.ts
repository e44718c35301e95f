import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { after, type Instant, instant, milliseconds, seconds } from '../../../src/base/time.ts';
import { mostEjected } from '../../../src/pool/ejection.ts';
import { isOut } from '../../../src/pool/ordered.ts';
import { type Pool, type PoolSettings, step } from '../../../src/pool/pool.ts';
import { begin, type Hold } from '../../../src/pool/quorum.ts';
import type { Member } from '../../../src/pool/seat.ts';
import type { SorryStanding } from '../../../src/pool/sorry.ts';

const NOW = instant(100_000);
const HELD: Hold = begin(false, NOW);
const LOST: Hold = { held: false, said: false, since: NOW };
const AWAY: SorryStanding = { present: null, connections: 0 };

const PLAIN: PoolSettings = {
  ...{ quorum: 1, quorumBy: 'servers', quorumHysteresis: 0, onFailure: 'quiesce' },
  ...{ maxEjected: 100, panicThreshold: 0, slowStart: seconds(0) },
};

const member = (more: Partial<Member> = {}): Member => ({
  ...{ weight: 100, health: 'up', since: instant(0), cameBack: null, present: 100, word: null },
  ...{ asked: null, asksOut: false },
  ...more,
});
/** Failed at that second. */
const failed = (second: number, more: Partial<Member> = {}): Member =>
  member({ health: 'down', since: instant(second * 1000), ...more });

const look = (
  settings: Partial<PoolSettings>,
  servers: readonly Member[],
  { hold = HELD, sorry = [], now = NOW }: { hold?: Hold; sorry?: readonly SorryStanding[]; now?: Instant } = {},
): Pool => step({ ...PLAIN, ...settings }, hold, servers, sorry, now);

/** `100 up, 0 failed` */
const inWords = ({ seats }: Pool): string => seats.map(({ place, why }) => `${place} ${why}`).join(', ');

test('a failed server is out, and one that is not known stays as it is', () => {
  const servers = [member(), failed(1), member({ health: 'unknown', present: 7 })];
  assert.equal(inWords(look({}, servers)), '100 up, 0 failed, 7 unknown');
  assert.equal(inWords(look({ onFailure: 'remove' }, servers)), '100 up, absent failed, 7 unknown');
});

test('while the sorry servers are in no server has weight, and removal goes on', () => {
  const servers = [member(), failed(1), member({ health: 'unknown', present: 7 })];
  const lost = look({ quorum: 3, onFailure: 'remove' }, servers, { hold: LOST, sorry: [AWAY, AWAY] });
  assert.equal(inWords(lost), '0 sorry, absent failed, 0 unknown');
  assert.deepEqual(lost.sorry, [1, 1]);
});

test('without sorry servers a lost quorum changes no place', () => {
  assert.equal(inWords(look({ quorum: 2 }, [member(), failed(1)])), '100 up, 0 failed');
});

test('the quorum that is regained puts the servers in and the sorry servers to 0', () => {
  const sorry = [{ present: 1, connections: 4 }];
  const { hold, ...back } = look({}, [member({ present: 0 })], { hold: LOST, sorry, now: after(NOW, seconds(9)) });
  assert.equal(inWords({ hold, ...back }), '100 up');
  assert.deepEqual([back.sorry, back.next], [[0], after(NOW, seconds(14))]);
  assert.deepEqual(hold, { held: true, said: true, since: after(NOW, seconds(9)) });
});

test('as many are out as max_ejected allows, those that failed first', () => {
  const servers = [failed(3), member(), failed(1), failed(2)];
  assert.equal(inWords(look({ maxEjected: 50 }, servers)), '100 kept, 100 up, 0 failed, 0 failed');
  assert.equal(inWords(look({ maxEjected: 1 }, servers)), '100 kept, 100 up, 0 failed, 100 kept');
});

test('those that failed at one time are out in the order of the config', () => {
  assert.equal(inWords(look({ maxEjected: 50 }, [failed(1), failed(1)])), '0 failed, 100 kept');
});

test('in a panic those that failed are in with their weight, whatever max_ejected and slow_start say', () => {
  const servers = [member({ cameBack: NOW }), failed(1, { weight: 40 }), failed(2), failed(3)];
  const panic = look({ panicThreshold: 30, maxEjected: 25, slowStart: seconds(10) }, servers);
  assert.equal(inWords(panic), '100 up, 40 panic, 100 panic, 100 panic');
  assert.deepEqual([panic.panic, panic.next], [true, undefined]);
});

test('a panic is below its share, not at it, and not while servers are unknown that could be up', () => {
  assert.equal(look({ panicThreshold: 50 }, [member(), failed(1)]).panic, false);
  assert.equal(look({ panicThreshold: 51 }, [member(), failed(1)]).panic, true);
  assert.equal(look({ panicThreshold: 51 }, [member({ health: 'unknown' }), failed(1), failed(1)]).panic, true);
  assert.equal(look({ panicThreshold: 51 }, [member({ health: 'unknown' }), member(), failed(1)]).panic, false);
});

test('sorry servers are better than a panic', () => {
  const lost = look({ quorum: 1, panicThreshold: 100 }, [failed(1)], { hold: LOST, sorry: [AWAY] });
  assert.equal(lost.panic, false);
  assert.equal(inWords(lost), '0 failed');
});

test('one that comes back grows into its weight, and says when it does next', () => {
  const slow = { slowStart: seconds(10) };
  const back = member({ cameBack: instant(98_000) });
  const { seats, next } = look(slow, [back, member()]);
  assert.deepEqual(
    [seats[0], seats[1]?.place, next],
    [{ place: 28, why: 'slow-start', next: instant(101_000) }, 100, instant(101_000)],
  );
  assert.equal(inWords(look(slow, [back], { now: instant(108_000) })), '100 up');
});

test('an operator stands above all that, and what is out by order is not out by its check', () => {
  const drained = member({ word: { kind: 'drain', weight: null } });
  const disabled = failed(0, { word: { kind: 'disable', weight: null } });
  const lighter = member({ word: { kind: 'weight', weight: 5 } });
  const some = look({ maxEjected: 25 }, [drained, disabled, lighter, failed(1)]);
  assert.equal(inWords(some), '0 ordered, absent ordered, 5 up, 0 failed');
  assert.equal(look({ quorum: 2 }, [drained, member()]).hold.held, false);
  assert.equal(look({ panicThreshold: 50 }, [drained, disabled, member()]).panic, false);
});

test('a server has the weight that it asks for, which the quorum does not count, and an order stands above it', () => {
  const asks = member({ asked: 30 });
  const lighter = member({ asked: 30, word: { kind: 'weight', weight: 5 } });
  const some = look({ quorum: 200, quorumBy: 'weight' }, [asks, lighter]);
  assert.equal(inWords(some), '30 up, 5 up');
  assert.equal(some.quorum.up, 200);
});

test('one that asks to be out is out: in a panic, and where not all that failed may be', () => {
  const out = failed(0, { asksOut: true });
  assert.equal(inWords(look({ panicThreshold: 100 }, [out, failed(1), member()])), '0 failed, 100 panic, 100 up');
  assert.equal(inWords(look({ maxEjected: 50 }, [failed(1), out, failed(2)])), '0 failed, 0 failed, 100 kept');
  assert.equal(inWords(look({ onFailure: 'remove' }, [out])), 'absent failed');
});

// Whatever may come

const anyMember: fc.Arbitrary<Member> = fc.record({
  weight: fc.integer({ min: 0, max: 65535 }),
  health: fc.constantFrom('up', 'down', 'unknown'),
  since: fc.integer({ min: 0, max: 5 }).map((n) => instant(n * 1000)),
  cameBack: fc.option(fc.integer({ min: 0, max: 100 }).map((n) => instant(n * 1000))),
  present: fc.option(fc.integer({ min: 0, max: 65535 })),
  word: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('drain', 'disable'), weight: fc.constant(null) }),
      fc.record({ kind: fc.constant('weight'), weight: fc.integer({ min: 1, max: 65535 }) }),
    ),
    { freq: 4 },
  ),
  asked: fc.option(fc.integer({ min: 0, max: 65535 })),
  asksOut: fc.boolean(),
});
const anyCase = fc.record({
  settings: fc.record({
    quorum: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.record({ percent: fc.integer({ min: 1, max: 100 }) })),
    quorumBy: fc.constantFrom('servers', 'weight'),
    quorumHysteresis: fc.nat({ max: 3 }),
    onFailure: fc.constantFrom('quiesce', 'remove'),
    maxEjected: fc.integer({ min: 1, max: 100 }),
    panicThreshold: fc.nat({ max: 100 }),
    slowStart: fc.nat({ max: 60 }).map(seconds),
  }) as fc.Arbitrary<PoolSettings>,
  servers: fc.array(
    anyMember.map((one): Member => (one.asksOut ? { ...one, health: 'down' } : one)),
    { minLength: 1, maxLength: 12 },
  ),
  sorry: fc.array(fc.record({ present: fc.option(fc.nat({ max: 1 })), connections: fc.nat({ max: 2 }) }), {
    maxLength: 2,
  }),
  held: fc.boolean(),
  now: fc.integer({ min: 100_000, max: 200_000 }).map(instant),
});
const holds = (property: (pool: Pool, given: typeof anyCase extends fc.Arbitrary<infer T> ? T : never) => void): void =>
  fc.assert(
    fc.property(anyCase, (given) => {
      const hold = { held: given.held, said: given.held, since: NOW };
      property(step(given.settings, hold, given.servers, given.sorry, given.now), given);
    }),
    { numRuns: 2000 },
  );
const isSorry = (pool: Pool): boolean => !pool.hold.held && pool.sorry.length > 0;

test('every place is a weight from 0 to 65535, or none; a sorry server has at most 1', () => {
  holds(({ seats, sorry }) => {
    for (const place of [...seats.map((seat) => seat.place), ...sorry])
      assert.ok(place === 'absent' || (Number.isInteger(place) && place >= 0 && place <= 65535));
    for (const place of sorry) assert.ok(place === 'absent' || place <= 1);
  });
});

test('a server that is up has weight, unless none is configured, the sorry servers are in, or an operator has it out', () => {
  holds((pool, { servers }) => {
    for (const [i, { health, weight, word, asked }] of servers.entries()) {
      if (health !== 'up' || isOut(word) || ((asked ?? weight) === 0 && word === null)) continue;
      const place = pool.seats[i]?.place;
      assert.equal(place !== 'absent' && (place ?? 0) > 0, !isSorry(pool));
    }
  });
});

test('of the servers that an operator leaves alone no more are out than max_ejected allows, and in a panic none', () => {
  holds((pool, { servers, settings }) => {
    if (isSorry(pool)) return;
    const judged = servers.map(({ word, asksOut }) => !isOut(word) && !asksOut);
    const out = pool.seats.filter(({ why }, i) => why === 'failed' && judged[i]).length;
    const down = servers.filter(({ health }, i) => health === 'down' && judged[i]).length;
    assert.equal(out, pool.panic ? 0 : Math.min(down, mostEjected(settings.maxEjected, judged.filter(Boolean).length)));
    for (const [i, { place, why }] of pool.seats.entries())
      if (why === 'kept' || why === 'panic')
        assert.equal(place, servers[i]?.word?.weight ?? servers[i]?.asked ?? servers[i]?.weight);
  });
});

test('nothing but the clock: a place changes no sooner than the pool says, and no weight falls by itself', () => {
  holds((pool, { settings, servers, sorry, now }) => {
    const again = (at: Instant): Pool => step(settings, pool.hold, servers, sorry, at);
    const { seats, sorry: places, next } = again(now);
    assert.deepEqual([seats, places], [pool.seats, pool.sorry], 'asking changes nothing');
    const later = next ?? after(now, seconds(10_000));
    const before = again(after(later, milliseconds(-0.01)));
    assert.deepEqual([before.seats, before.sorry], [seats, places]);
    if (next === undefined) return;
    assert.ok(next > now);
    for (const [i, { place }] of again(next).seats.entries())
      assert.ok(place === 'absent' || place >= Number(seats[i]?.place));
  });
});
