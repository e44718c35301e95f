import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeVerdicts, type Verdicts } from '../../../src/control/verdicts.ts';
import { VERDICTS } from './fake-director.ts';

type Json = Record<string, unknown>;
const read = (value: unknown) => decodeVerdicts(JSON.stringify(value));
const copy = () => structuredClone(VERDICTS) as unknown as Json & { services: (Json & { servers: Json[] })[] };

function read1(change: (answer: ReturnType<typeof copy>) => void): Verdicts['services'][number]['servers'][number] {
  const answer = copy();
  change(answer);
  const result = read(answer);
  assert.ok(result.ok, result.ok ? '' : result.error);
  const server = result.value.services[0]?.servers[0];
  assert.ok(server);
  return server;
}

test('what a director says is read as it was said', () => {
  assert.deepEqual(read(VERDICTS), { ok: true, value: VERDICTS });
  const none = { ...VERDICTS, services: [] };
  assert.deepEqual(read(none), { ok: true, value: none });
});

test('what another version says besides is passed over', () => {
  const answer = copy();
  Object.assign(answer, { mood: 'good', format: 2 });
  Object.assign(answer.services[0] ?? {}, { quorum: null });
  Object.assign(answer.services[0]?.servers[0] ?? {}, { weight: 7, checks: [{}] });
  assert.deepEqual(read(answer), { ok: true, value: VERDICTS });
});

test('a state that is not known here says nothing, and neither does a reason that is no text', () => {
  const server = read1(({ services: [service] }) =>
    Object.assign(service?.servers[0] ?? {}, { state: 'limping', reason: 7 }),
  );
  assert.deepEqual([server.state, server.reason], ['unknown', '']);
  assert.equal(read1(({ services: [service] }) => delete service?.servers[0]?.reason).reason, '');
});

test('text of a peer cannot move the cursor, begin a line or fill the screen', () => {
  const server = read1(({ services: [service] }) =>
    Object.assign(service?.servers[0] ?? {}, {
      name: 'web1\u001b[2J',
      reason: `down\n! all is lost${'x'.repeat(10_000)}`,
    }),
  );
  assert.equal(server.name, 'web1 [2J');
  assert.match(server.reason, /^down ! all is lostx+$/);
  assert.equal(server.reason.length, 300);
});

const set =
  (...path: readonly (string | number)[]) =>
  (value: unknown): unknown => {
    const answer = copy();
    const last = path.at(-1) as string;
    let at = answer as unknown as Json;
    for (const key of path.slice(0, -1)) at = at[key] as Json;
    at[last] = value;
    return answer;
  };

const WRONG: readonly (readonly [what: string, answer: unknown, error: string])[] = [
  ['no object', 7, 'its answer has no director'],
  ['null', null, 'its answer has no director'],
  ['a list', [], 'its answer has no director'],
  ['no name', set('director')(undefined), 'its answer has no director'],
  ['an empty name', set('director')(''), 'its answer has no director'],
  ['an endless name', set('director')('x'.repeat(301)), 'its answer has no director'],
  ['no date', set('at')('yesterday'), 'its answer has no at'],
  ['a number as date', set('at')(1), 'its answer has no at'],
  ['no services', set('services')({}), 'its answer has no services'],
  ['a service that is none', set('services')([null]), 'its answer has no services[0].name'],
  ['no servers', set('services', 0, 'servers')('all'), 'its answer has no services[0].servers'],
  ['a server that is none', set('services', 0, 'servers')(['web1']), 'its answer has no services[0].servers[0].state'],
  ['no state', set('services', 0, 'servers', 0, 'state')(1), 'its answer has no services[0].servers[0].state'],
  ['no address', set('services', 0, 'servers', 0, 'address')(80), 'its answer has no services[0].servers[0].address'],
  ['no since', set('services', 0, 'servers', 0, 'since')(null), 'its answer has no services[0].servers[0].since'],
];

for (const [what, answer, error] of WRONG)
  test(`${what}: ${error}`, () => assert.deepEqual(read(answer), { ok: false, error }));

test('a text is taken whole or not at all: cut anywhere it is refused, and nothing throws', () => {
  const text = JSON.stringify(VERDICTS);
  for (let length = 0; length < text.length; length++) {
    const result = decodeVerdicts(text.slice(0, length));
    assert.deepEqual(result, { ok: false, error: 'its answer is no JSON, or was cut short' });
  }
});
