import assert from 'node:assert/strict';
import test from 'node:test';
import { nearest } from '../../../src/base/nearest.ts';

const KEYS = ['weight', 'address', 'interval', 'timeout', 'router_id', 'priority'];
const slips: readonly [string, string | undefined][] = [
  ['wieght', 'weight'],
  ['Weight', 'weight'],
  ['adress', 'address'],
  ['intervall', 'interval'],
  ['routerid', 'router_id'],
  ['prio', undefined],
  ['zzz', undefined],
  ['', undefined],
];
for (const [slip, meant] of slips)
  test(`"${slip}" ${meant ? `was meant as ${meant}` : 'is near nothing'}`, () =>
    assert.equal(nearest(slip, KEYS), meant));
