import assert from 'node:assert/strict';
import test from 'node:test';
import { groupOrder, type Member } from '../../../src/vrrp/group.ts';
import type { Router } from '../../../src/vrrp/router.ts';
import { initial } from '../../../src/vrrp/step.ts';
import { World } from '../../sim/world.ts';

const settings = new World().add('any', '10.0.0.1').settings;
const member = (name: string, change: Partial<Router>): Member => ({
  name,
  router: { ...initial(settings), state: 'backup', ...change },
});
const decide = (...members: Member[]) => {
  const order = groupOrder(members);
  return order && `${order.member.name} ${order.event.order}: ${order.event.cause}`;
};

test('members in one state are left alone', () => {
  assert.equal(decide(member('a', {}), member('b', {})), undefined);
  assert.equal(decide(member('a', { state: 'master' }), member('b', { state: 'master' })), undefined);
});

test('one that is ready waits for the others', () => {
  assert.equal(decide(member('a', { ready: 'silence' }), member('b', {})), undefined);
});

test('when all are ready they become master one after the other, and the first is not called back', () => {
  assert.equal(decide(member('a', { ready: 'silence' }), member('b', { ready: 'too' })), 'a master: silence');
  assert.equal(decide(member('a', { state: 'master' }), member('b', { ready: 'too' })), 'b master: too');
});

test('one that gives way takes the others with it', () => {
  assert.equal(
    decide(member('a', { cause: 'x is higher' }), member('b', { state: 'master' })),
    'b backup: a is backup: x is higher',
  );
});

test('what one lacks is a fault of all, and its end clears them', () => {
  const broken = member('a', { state: 'fault', lacks: 'eth1 is down' });
  assert.equal(decide(broken, member('b', { state: 'master' })), 'b fault: a: eth1 is down');
  assert.equal(decide(broken, member('b', { state: 'fault', groupLacks: 'a: eth1 is down' })), undefined);
  const held = member('b', { state: 'fault', groupLacks: 'a: eth1 is down' });
  assert.equal(decide(member('a', {}), held), 'b clear: the rest of its group can serve again');
});

test('nothing is decided while a member has not started', () => {
  assert.equal(decide(), undefined);
  assert.equal(decide(member('a', { ready: 'silence' }), member('b', { state: 'init' })), undefined);
  assert.equal(decide(member('a', { state: 'master' }), member('b', { state: 'init' })), undefined);
});

test('a group of one is master when its only member is ready, and free of what a member lacked that has left', () => {
  assert.equal(decide(member('a', { ready: 'silence' })), 'a master: silence');
  assert.equal(decide(member('a', { state: 'master' })), undefined);
  assert.equal(
    decide(member('a', { state: 'fault', groupLacks: 'c: eth2 is down' })),
    'a clear: the rest of its group can serve again',
  );
});

test('of two that lack something, each is told of the other, and the rest of the first', () => {
  const [a, b] = ['a', 'b'].map((name) => member(name, { state: 'fault', lacks: `eth-${name} is down` }));
  assert.ok(a && b);
  assert.equal(decide(a, b, member('c', {})), 'a fault: b: eth-b is down');
  const toldA = member('a', { ...a.router, groupLacks: 'b: eth-b is down' });
  assert.equal(decide(toldA, b, member('c', {})), 'b fault: a: eth-a is down');
  const toldB = member('b', { ...b.router, groupLacks: 'a: eth-a is down' });
  assert.equal(decide(toldA, toldB, member('c', {})), 'c fault: a: eth-a is down');
});

test('one that has just started joins a group that is master, and one that had a master does not', () => {
  const master = member('a', { state: 'master' });
  assert.equal(decide(master, member('b', { untried: true })), 'b master: the rest of its group is master');
  assert.equal(
    decide(master, member('b', { untried: true }), member('c', { cause: 'x is higher' })),
    'a backup: c is backup: x is higher',
  );
  assert.equal(decide(member('a', {}), member('b', { untried: true })), undefined);
});
