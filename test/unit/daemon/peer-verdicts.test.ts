/** When the other directors are asked, what counts of their answers, and how they are compared with what this one finds. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Endpoint, formatEndpoint, ip } from '../../../src/base/address.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import { after } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { ServiceStatus } from '../../../src/control/status.ts';
import type { ServerVerdict, Verdicts } from '../../../src/control/verdicts.ts';
import { createPeerVerdicts } from '../../../src/daemon/peer-verdicts.ts';
import { unansweredService } from '../../../src/daemon/unanswered.ts';
import { createFakeClock } from './fake-clock.ts';

const LB2: Endpoint = { address: ip('10.0.0.3'), port: 9790 };
const LB3: Endpoint = { address: ip('2001:db8::4'), port: 9790 };

/** The clock stands at 1 s when a test begins. A change is noticed within 8 s by default. */
const EPOCH = Date.UTC(2026, 2, 1, 12);
const date = (at: number): string => new Date(EPOCH + at).toISOString();

function services(more = ''): readonly ServiceConfig[] {
  const server = (n: number): string => `[[service.server]]\nname = "web${n}"\naddress = "10.0.0.2${n}:80"\n`;
  const text = `[[service]]\nname = "web"\naddress = "192.0.2.10:80"\nforward = "nat"\n[service.check]\ntype = "tcp"\n${more}\n${server(1)}${server(2)}`;
  const { config, issues } = load(text, { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}

type State = ServerVerdict['state'];

/** As the checker process tells it: since `since`, each server in such a state. */
function own(states: readonly State[], since: number, checked = true): readonly ServiceStatus[] {
  const [config] = services();
  assert.ok(config);
  const status = unansweredService(config, new Date(0), new Map());
  const check = {
    ...{ name: 'tcp', type: 'tcp', reason: '', last: null, took: null, probes: 1, failures: 0, localErrors: 0 },
    ...{ certificateExpires: null, output: null },
  };
  return [
    {
      ...status,
      servers: status.servers.map((server, i) => {
        const state = states[i] ?? 'unknown';
        return { ...server, state, since: date(since), checks: checked ? [{ ...check, state }] : [] };
      }),
    },
  ];
}

/** What a peer says, by a clock that is an hour ahead: each server in its state for `heldFor` ms. */
function says(director: string, states: readonly State[], heldFor = 3_600_000, service = 'web'): Verdicts {
  const at = EPOCH + 3_600_000;
  return {
    ...{ director, version: '1.2.3', at: new Date(at).toISOString() },
    services: [
      {
        name: service,
        servers: states.map((state, i) => ({
          ...{ name: `server ${i}`, address: `10.0.0.2${i + 1}:80`, state, reason: state === 'down' ? 'HTTP 503' : '' },
          since: new Date(at - heldFor).toISOString(),
        })),
      },
    ],
  };
}

/** The peers of lb1, each of which answers when the test says so. */
function daemon(...peers: readonly Endpoint[]) {
  const clock = createFakeClock();
  type Question = { readonly signal: AbortSignal; readonly answer: (answer: Result<Verdicts, string>) => void };
  const open = new Map<string, Question>();
  const asked: string[] = [];
  const all = createPeerVerdicts({
    ask: (peer, signal) =>
      new Promise((answer) => {
        const key = formatEndpoint(peer);
        assert.ok(!open.has(key), `${key} is asked twice at a time`);
        asked.push(`${clock.now()} ${key}`);
        open.set(key, { signal, answer });
      }),
    later(by, work) {
      const timer = clock.timer(work);
      timer.arm(after(clock.now(), by));
      return { cancel: timer.close };
    },
    now: clock.now,
    date,
    director: () => 'lb1',
  });
  all.configure(peers);

  return {
    all,
    clock,
    asked,
    open,
    async answer(peer: Endpoint, answer: Verdicts | string): Promise<void> {
      const key = formatEndpoint(peer);
      const question = open.get(key);
      assert.ok(question, `${key} is not asked`);
      open.delete(key);
      question.answer(typeof answer === 'string' ? err(answer) : ok(answer));
      await setImmediate();
    },
    /** What is said of web1 and web2. */
    words: (status: readonly ServiceStatus[], configs = services()) =>
      all.marked(status, configs).flatMap(({ servers }) => servers.map(({ disagreement }) => disagreement)),
  };
}

const LONG_AGO = -3_600_000;

test('each peer is asked 5 s after its last answer, whatever that was, and never twice at a time', async () => {
  const { answer, asked, clock } = daemon(LB2, LB3);
  assert.deepEqual(asked, ['1000 10.0.0.3:9790', '1000 [2001:db8::4]:9790']);
  await answer(LB2, says('lb2', ['up', 'up']));
  clock.pass(4_999);
  assert.equal(asked.length, 2);
  clock.pass(1);
  assert.deepEqual(asked.slice(2), ['6000 10.0.0.3:9790'], 'lb3 has not answered');
  clock.pass(2_000);
  await answer(LB2, 'no answer in 2 s');
  clock.pass(5_000);
  assert.deepEqual(asked.slice(3), ['13000 10.0.0.3:9790']);
});

test('what only one of a pair cannot reach is said, with the reason of the other', async () => {
  const { answer, words } = daemon(LB2);
  assert.deepEqual(words(own(['up', 'down'], LONG_AGO)), [null, null], 'nothing is known of lb2');
  await answer(LB2, says('lb2', ['down', 'up']));
  assert.deepEqual(words(own(['up', 'down'], LONG_AGO)), [
    'only lb2 cannot reach web1: HTTP 503',
    'only this director cannot reach web2',
  ]);
  assert.deepEqual(words(own(['down', 'up'], LONG_AGO)), [null, null]);
  assert.deepEqual(words(own(['unknown', 'up'], LONG_AGO)), [null, null]);
});

test('several peers are compared together', async () => {
  const { answer, words } = daemon(LB2, LB3);
  await answer(LB2, says('lb2', ['up', 'down']));
  await answer(LB3, says('lb3', ['up', 'up']));
  assert.deepEqual(words(own(['down', 'up'], LONG_AGO)), [
    'only this director cannot reach web1',
    'only lb2 cannot reach web2: HTTP 503',
  ]);
});

test('services and servers that the peer does not have are not compared, and neither are those without a check', async () => {
  const { answer, words, clock } = daemon(LB2);
  await answer(LB2, says('lb2', ['down']));
  assert.deepEqual(words(own(['up', 'up'], LONG_AGO)), ['only lb2 cannot reach web1: HTTP 503', null]);
  assert.deepEqual(words(own(['up', 'up'], LONG_AGO, false)), [null, null]);
  assert.deepEqual(words(own(['up', 'up'], LONG_AGO), []), [null, null], 'no longer in the config');
  clock.pass(5_000);
  await answer(LB2, says('lb2', ['down', 'down'], 3_600_000, 'mail'));
  assert.deepEqual(words(own(['up', 'up'], LONG_AGO)), [null, null]);
});

test('a change counts when the other must have noticed it too, whatever its clock says', async () => {
  const { answer, words, clock } = daemon(LB2);
  clock.pass(10_000);
  await answer(LB2, says('lb2', ['up', 'up'], 8_000));
  // The answer came at 11 s.
  assert.deepEqual(words(own(['down', 'up'], 3_000)), ['only this director cannot reach web1', null]);
  assert.deepEqual(words(own(['down', 'up'], 3_001)), [null, null]);
  assert.deepEqual(words(own(['down', 'up'], 12_000)), [null, null], 'after the answer');
  assert.deepEqual(words(own(['down', 'up'], 3_000), services('backup_interval = "10s"')), [null, null]);
  clock.pass(5_000);
  await answer(LB2, says('lb2', ['up', 'up'], 7_999));
  assert.deepEqual(words(own(['down', 'up'], LONG_AGO)), [null, null]);
});

test('an answer counts for 15 s, and then the peer is in trouble, which ends with the next answer', async () => {
  const { all, answer, words, clock } = daemon(LB2);
  const known = { address: '10.0.0.3:9790', director: 'lb2', answered: date(1_000) };
  await answer(LB2, says('lb2', ['down', 'up']));
  assert.deepEqual(all.status(), [{ ...known, age: 0, trouble: null }]);
  clock.pass(5_000);
  await answer(LB2, 'connection refused');
  clock.pass(10_000);
  assert.deepEqual(all.status(), [{ ...known, age: 15_000, trouble: null }]);
  assert.equal(words(own(['up', 'up'], LONG_AGO))[0], 'only lb2 cannot reach web1: HTTP 503');
  clock.pass(1);
  assert.deepEqual(all.status(), [{ ...known, age: 15_001, trouble: 'connection refused' }]);
  assert.deepEqual(words(own(['up', 'up'], LONG_AGO)), [null, null]);
  await answer(LB2, says('lb2', ['down', 'up']));
  assert.deepEqual(all.status(), [{ ...known, answered: date(16_001), age: 0, trouble: null }]);
  clock.pass(15_001);
  assert.equal(all.status()[0]?.trouble, 'no answer yet', 'what was before is over');
});

test('a peer that never answers is told of after 15 s', async () => {
  const { all, answer, clock } = daemon(LB2);
  const unknown = { address: '10.0.0.3:9790', director: null, answered: null, age: null };
  await answer(LB2, 'connection refused');
  clock.pass(15_000);
  assert.deepEqual(all.status(), [{ ...unknown, trouble: null }]);
  clock.pass(1);
  assert.deepEqual(all.status(), [{ ...unknown, trouble: 'connection refused' }]);
});

test('one that has the name of this director is not compared: it may be this one', async () => {
  const { all, answer, words, clock } = daemon(LB2);
  await answer(LB2, says('lb1', ['down', 'down']));
  assert.deepEqual(words(own(['up', 'up'], LONG_AGO)), [null, null]);
  clock.pass(15_001);
  assert.match(all.status()[0]?.trouble ?? '', /^it is called lb1 as this director is: take it out of peers/);
});

test('a reload keeps what is known of the peers that stay, and asks the others no more', async () => {
  const { all, answer, asked, words, open, clock } = daemon(LB2, LB3);
  await answer(LB2, says('lb2', ['down', 'up']));
  all.configure([LB2]);
  assert.equal(words(own(['up', 'up'], LONG_AGO))[0], 'only lb2 cannot reach web1: HTTP 503');
  assert.equal(open.get('[2001:db8::4]:9790')?.signal.aborted, true);
  await answer(LB3, says('lb3', ['down', 'down']));
  clock.pass(5_000);
  assert.deepEqual(asked.slice(2), ['6000 10.0.0.3:9790']);
  all.close();
  assert.equal(open.get('10.0.0.3:9790')?.signal.aborted, true);
  assert.deepEqual(all.status(), []);
  await answer(LB2, says('lb2', ['down', 'up']));
  clock.pass(60_000);
  assert.equal(asked.length, 3);
});

test('without an answer the services are the very same', () => {
  const { all } = daemon(LB2);
  const status = own(['up', 'up'], LONG_AGO);
  assert.equal(all.marked(status, services()), status);
});
