import assert from 'node:assert/strict';
import test from 'node:test';
import parser from 'toml/lib/parser.js';
import type { FileTable, FileValue } from '../../../src/base/option.ts';
import { linesOf } from '../../../src/config/place.ts';
import { parseToml } from '../../../src/config/toml.ts';

test("the package's tree has the shape that we read", () => {
  const text = 'a.b = "x"\n[c]\n[[d]]\ne = [1, 2.5, true, { f = 2026-01-02 }]\ng = 2026-01-02T03:04:05Z\n';
  assert.deepEqual(JSON.parse(JSON.stringify(parser.parse(text), (_, v) => (typeof v === 'bigint' ? `${v}n` : v))), [
    { type: 'Assign', key: ['a', 'b'], value: { type: 'String', value: 'x', offset: 6 }, offset: 0 },
    { type: 'ObjectPath', value: ['c'], offset: 10 },
    { type: 'ArrayPath', value: ['d'], offset: 14 },
    {
      type: 'Assign',
      key: ['e'],
      offset: 20,
      value: {
        type: 'Array',
        offset: 24,
        value: [
          { type: 'Integer', value: '1n', offset: 25 },
          { type: 'Float', value: 2.5, offset: 28 },
          { type: 'Boolean', value: true, offset: 33 },
          {
            type: 'InlineTable',
            offset: 39,
            value: [
              {
                type: 'InlineTableValue',
                key: ['f'],
                offset: 41,
                value: { type: 'LocalDate', value: '2026-01-02', offset: 45 },
              },
            ],
          },
        ],
      },
    },
    {
      type: 'Assign',
      key: ['g'],
      offset: 59,
      value: {
        type: 'Date',
        value: '2026-01-02T03:04:05.000Z',
        raw: '2026-01-02T03:04:05',
        tz: 'Z',
        offset: 63,
      },
    },
  ]);
});

/** Every key and value as `path line:column`, keys with a colon behind. */
function placesIn(text: string): string[] {
  const parsed = parseToml(text);
  assert.ok(parsed.ok);
  const lines = linesOf(text);
  const show = (at: number) => `${lines.placeOf(at).line}:${lines.placeOf(at).column}`;
  const walk = (value: FileValue, path: string): string[] => {
    if (value.type === 'table') return walkTable(value, path);
    if (value.type !== 'array') return [`${path} ${show(value.at)}`];
    return [`${path} ${show(value.at)}`, ...value.items.flatMap((item, i) => walk(item, `${path}[${i}]`))];
  };
  const walkTable = (table: FileTable, path: string): string[] => [
    `${path} ${show(table.at)}`,
    ...[...table.entries].flatMap(([key, e]) => [
      `${path}.${key}: ${show(e.keyAt)}`,
      ...walk(e.value, `${path}.${key}`),
    ]),
  ];
  return walk(parsed.value, '');
}

test('keys and values have their places: dotted, quoted, inline, in lists, under headers', () => {
  const text = [
    '"q\\"k" . b = 1',
    '[ x . "y z" ]',
    "v = [ 'a', { n.m = 'é😀', o = 2 } ]",
    '[[s]]',
    '  [s.t]',
    '  k = true',
    '[x]',
    'w = 1',
  ].join('\r\n');
  assert.deepEqual(placesIn(text), [
    ' 1:1',
    '.q"k: 1:1',
    '.q"k 1:1',
    '.q"k.b: 1:10',
    '.q"k.b 1:14',
    '.x: 2:3',
    '.x 7:1',
    '.x.y z: 2:7',
    '.x.y z 2:1',
    '.x.y z.v: 3:1',
    '.x.y z.v 3:5',
    '.x.y z.v[0] 3:7',
    '.x.y z.v[1] 3:12',
    '.x.y z.v[1].n: 3:14',
    '.x.y z.v[1].n 3:14',
    '.x.y z.v[1].n.m: 3:16',
    '.x.y z.v[1].n.m 3:20',
    '.x.y z.v[1].o: 3:26',
    '.x.y z.v[1].o 3:30',
    '.x.w: 8:1',
    '.x.w 8:5',
    '.s: 4:3',
    '.s 4:1',
    '.s[0] 4:1',
    '.s[0].t: 5:6',
    '.s[0].t 5:3',
    '.s[0].t.k: 6:3',
    '.s[0].t.k 6:7',
  ]);
});
