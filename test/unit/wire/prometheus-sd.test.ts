import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeTargets } from '../../../src/wire/prometheus-sd.ts';

test('the labels of a group are those of each of its targets', () => {
  const text = JSON.stringify([
    { targets: ['10.0.0.21:80', '10.0.0.22:80'], labels: { weight: '5' } },
    { targets: ['[2001:db8::1]:80'] },
    { targets: [] },
  ]);
  assert.deepEqual(decodeTargets(text), {
    ok: true,
    value: [
      { target: '10.0.0.21:80', labels: { weight: '5' } },
      { target: '10.0.0.22:80', labels: { weight: '5' } },
      { target: '[2001:db8::1]:80', labels: {} },
    ],
  });
});

test('an empty list is one', () => {
  assert.deepEqual(decodeTargets('[]'), { ok: true, value: [] });
});

const REFUSED: readonly (readonly [text: string, why: string])[] = [
  ['', 'it is empty, expected a JSON list of target groups'],
  [' \n', 'it is empty, expected a JSON list of target groups'],
  ['[{"targets": ["10.0.0.21:80"', 'it is no JSON, or was cut short'],
  ['<html>', 'it is no JSON, or was cut short'],
  ['{}', 'it is no JSON list, expected [{ "targets": ["10.0.0.21:80"] }]'],
  ['null', 'it is no JSON list, expected [{ "targets": ["10.0.0.21:80"] }]'],
  ['[{"targets": []}, "10.0.0.21:80"]', 'group 2 of 2: it is no table with "targets"'],
  ['[null]', 'group 1 of 1: it is no table with "targets"'],
  ['[[]]', 'group 1 of 1: it is no table with "targets"'],
  ['[{"labels": {}}]', 'group 1 of 1: "targets" is no list'],
  ['[{"targets": "10.0.0.21:80"}]', 'group 1 of 1: "targets" is no list'],
  ['[{"targets": [1]}]', 'group 1 of 1: a target is no text'],
  ['[{"targets": [], "labels": []}]', 'group 1 of 1: "labels" is no table'],
  ['[{"targets": [], "labels": {"weight": 5}}]', 'group 1 of 1: a label is no text'],
];

for (const [text, why] of REFUSED)
  test(`${JSON.stringify(text)} is refused whole`, () => {
    assert.deepEqual(decodeTargets(text), { ok: false, error: why });
  });

test('a text cut short anywhere is refused, never half taken', () => {
  const text = JSON.stringify([{ targets: ['10.0.0.21:80', '10.0.0.22:80'], labels: { weight: '5' } }]);
  for (let length = 0; length < text.length; length++)
    assert.equal(decodeTargets(text.slice(0, length)).ok, false, text.slice(0, length));
});

test('a list of more targets than any service may have is refused', () => {
  const targets = Array.from({ length: 20_001 }, (_, i) => `10.0.${i >> 8}.${i & 255}:80`);
  assert.equal(decodeTargets(JSON.stringify([{ targets: targets.slice(1) }])).ok, true);
  assert.deepEqual(decodeTargets(JSON.stringify([{ targets }])), {
    ok: false,
    error: 'it lists more than 20000 targets',
  });
});

test('a name that every object has is no label', () => {
  const read = decodeTargets('[{"targets": ["a"], "labels": {"__proto__": "5"}}]');
  assert.ok(read.ok);
  assert.equal(read.value[0]?.labels.weight, undefined);
});
