import assert from 'node:assert/strict';
import test from 'node:test';
import type { RecordType } from '../../../src/wire/dns.ts';
import { parseData } from '../../../src/wire/dns-text.ts';

const CASES: readonly {
  readonly type: RecordType;
  readonly good: Readonly<Record<string, string>>;
  readonly bad: readonly string[];
}[] = [
  { type: 'A', good: { '10.0.0.1': '10.0.0.1' }, bad: ['::1', '10.0.0', 'a', ' 10.0.0.1'] },
  { type: 'AAAA', good: { '2001:DB8:0:0::1': '2001:db8::1' }, bad: ['10.0.0.1', '::1/64'] },
  { type: 'NS', good: { 'A.Example.': 'a.example', '.': '.' }, bad: ['a b', 'a..b', ''] },
  { type: 'CNAME', good: { 'a.example': 'a.example' }, bad: ['a b'] },
  { type: 'PTR', good: { 'a.example': 'a.example' }, bad: ['a b'] },
  {
    type: 'MX',
    good: { '10 a.': '10 a', ' 010\tA ': '10 a', '65535 .': '65535 .' },
    bad: ['a', '10', '65536 a', '-1 a', '1 2 a', '10 a b'],
  },
  { type: 'SRV', good: { '0 5 443 A.': '0 5 443 a' }, bad: ['0 5 a', '0 5 65536 a', '0 5 443'] },
  {
    type: 'SOA',
    good: { 'A. hm.a. 4294967295': 'a hm.a 4294967295' },
    bad: ['a hm.a', 'a hm.a 4294967296', 'a hm 1 2'],
  },
  { type: 'TXT', good: { ' v=Spf1 -ALL.': ' v=Spf1 -ALL.' }, bad: [] },
];

for (const { type, good, bad } of CASES)
  test(`${type}: what people write`, () => {
    for (const [written, value] of Object.entries(good))
      assert.deepEqual(parseData(type, written), { ok: true, value });
    for (const written of bad) {
      const read = parseData(type, written);
      assert.match(read.ok ? '' : read.error, /^(an? |text|priority, |two )/, `${written} is refused in words`);
    }
  });
