import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeLine, parseAgentLine } from '../../../src/checkers/agent-line.ts';

/** In few words: `down weight=50 drain max=30`; `-`: no word is known. */
function inWords(line: string): string {
  const read = parseAgentLine(line);
  if (read === undefined) return '-';
  const { weight, mode, maxConnections } = read.advice;
  const percent = weight && 'percent' in weight ? [`${weight.percent}%`] : [];
  return [read.outcome, ...percent, mode ?? [], maxConnections === undefined ? [] : `max=${maxConnections}`]
    .flat()
    .join(' ');
}

/**
 * What HAProxy 2.6.12 of Debian 12 makes of these lines, measured: a server of weight 100 with `agent-check` whose agent
 * answers with the line, then `status`, `weight` and `slim` of `show stat`. It says nothing of up or down where the line does
 * not; here such a line is one of a server that is up.
 */
const AS_HAPROXY: readonly (readonly [string, string])[] = [
  ['up', 'up'],
  ['UP', 'up'],
  ['ready', 'up ready'],
  ['75%', 'up 75%'],
  ['up 75%', 'up 75%'],
  ['up,75%', 'up 75%'],
  ['up,,75%', 'up 75%'],
  ['up\t75%', 'up 75%'],
  ['up  75%', 'up 75%'],
  ['75% ', 'up 75%'],
  ['\tup', 'up'],
  [' down', 'down'],
  ['0%', 'up 0%'],
  ['05%', 'up 5%'],
  ['100%', 'up 100%'],
  ['up 20% 30%', 'up 30%'],
  ['50% 120%', 'up 120%'],
  ['up;75%', '-'],
  ['up; 75%', 'up 75%'],
  ['7%5', '-'],
  ['-5%', '-'],
  ['+5%', '-'],
  ['7.5%', '-'],
  ['5%%', '-'],
  ['75%!', '-'],
  ['75', '-'],
  ['%', '-'],
  ['down', 'down'],
  ['DOWN # Big', 'down'],
  ['down #disk full', 'down'],
  ['stopped # a b', 'down'],
  ['stopped', 'down'],
  ['fail', 'down'],
  ['downs', '-'],
  ['down 50%', 'down 50%'],
  ['up 75% down # bad 20% ', 'down 75%'],
  ['up 50% # 20%', 'up 50%'],
  ['up # a # b', 'up'],
  ['up down', 'down'],
  ['down up', 'up'],
  ['drain', 'up drain'],
  ['Drain', 'up drain'],
  ['drain up', 'up drain'],
  ['maint', 'up maint'],
  ['maint up', 'up maint'],
  ['maint ready', 'up ready'],
  ['ready maint', 'up maint'],
  ['ready drain', 'up drain'],
  ['drain ready', 'up ready'],
  ['maint drain', 'up drain'],
  ['drain 50% maxconn:30', 'up 50% drain max=30'],
  ['ready 30% maxconn:7', 'up 30% ready max=7'],
  ['maxconn:30', 'up max=30'],
  ['MAXCONN:30', 'up max=30'],
  ['maxconn:03', 'up max=3'],
  ['maxconn:30 maxconn:40', 'up max=40'],
  ['maxconn:99999999999999999999', 'up max=4294967295'],
  ['maxconn: 30', '-'],
  ['maxconn:30x', '-'],
  ['maxconn:', '-'],
  ['hello', '-'],
  ['hello up', 'up'],
  ['up hello # x', 'up'],
  ['hello # why', '-'],
  ['# only', '-'],
  ['#down', '-'],
  ['', '-'],
  ['up\0down', '-'],
];
for (const [line, expected] of AS_HAPROXY)
  test(`${JSON.stringify(line)} is ${expected}, as to HAProxy`, () => assert.equal(inWords(line), expected));

const OTHERWISE: readonly (readonly [string, string, string])[] = [
  ['down#disk full', 'down', 'it takes "down#disk" for a word that it does not know'],
  ['drain#why 50%', 'up drain', 'it takes "drain#why" for a word that it does not know, and 50% for a weight'],
  ['failed', 'down', 'it knows "fail" alone'],
  ['1000%', 'up 1000%', 'its weights end at 256'],
  ['99999999999%', 'up 10000%', 'its weights end at 256'],
  ['maxconn:0', 'up max=4294967295', 'it has a number for no limit, 0'],
  ['maxconn:-1', '-', 'it takes it for 4294967295'],
  ['maxconn:+3', '-', 'it takes it for 3'],
];
for (const [line, expected, haproxy] of OTHERWISE)
  test(`${JSON.stringify(line)} is ${expected}; to HAProxy: ${haproxy}`, () => assert.equal(inWords(line), expected));

test('a line with nothing in it has a reason of its own, and so has one without a known word', () => {
  const expected = 'expected "up", "down", "drain", "maint", or a weight such as "75%"';
  assert.deepEqual(judgeLine('answered', ' '), { outcome: 'down', reason: `answered an empty line, ${expected}` });
  assert.deepEqual(judgeLine('answered', 'SSH-2.0-x\x1b[2J'), {
    outcome: 'down',
    reason: `answered "SSH-2.0-x [2J", ${expected}`,
  });
});

test('of a long line the reason has the beginning, and the output the rest, up to 4,096 characters', () => {
  const { reason, output } = judgeLine('answered', `down # ${'x'.repeat(5000)}`);
  assert.ok(reason.length < 100, reason);
  assert.equal(output, `down # ${'x'.repeat(4089)}`);
  assert.equal(judgeLine('answered', 'down # disk full').output, undefined);
});
