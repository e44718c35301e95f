/**
 * Stories of virtual routers, as text that a network engineer can review: commands, `----`, what must follow.
 * `UPDATE=1 npm test` rewrites what follows; the diff is the review.
 *
 *     router NAME ADDRESS [priority N] [interval D] [preempt no] [preempt_delay D]
 *     start|stop|kill|crash|resume|sleep|link NAME …     run D     cut A>B     mend A>B     set NAME KEY VALUE
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { after, type Duration, milliseconds, parseDuration } from '../../src/base/time.ts';
import type { RouterSettings } from '../../src/vrrp/router.ts';
import { World } from '../sim/world.ts';

const folder = new URL('./vrrp/', import.meta.url);
const stories = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test('there are stories', () => assert.ok(stories.length >= 10));

for (const name of stories) {
  test(`story: ${name.replace('.txt', '').replaceAll('-', ' ')}`, () => {
    const path = new URL(name, folder);
    const text = readFileSync(path, 'utf8');
    const told = tell(text);
    if (process.env.UPDATE) writeFileSync(path, told);
    else assert.equal(told, text);
  });
}

/** The story with what really follows in the place of what is expected. */
function tell(text: string): string {
  const world = new World();
  const blocks = text.trimEnd().split('\n\n');
  return `${blocks.map((block) => tellBlock(world, block)).join('\n\n')}\n`;
}

function tellBlock(world: World, block: string): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  if (end < 0) return block;
  const commands = lines.slice(0, end);
  world.trace.length = 0;
  for (const command of commands) if (!command.startsWith('#')) obey(world, command.split(/\s+/));
  const owners = world.owners();
  return [...commands, '----', ...world.trace, `owners: ${owners.join(', ') || 'none'}`].join('\n');
}

function obey(world: World, words: readonly string[]): void {
  const [verb, name = '', ...rest] = words;
  switch (verb) {
    case 'router':
      world.add(name, rest[0] as string, settings(rest.slice(1)));
      return;
    case 'run':
      return world.run(duration(name));
    case 'cut':
      return void world.cut.add(name);
    case 'mend':
      return void world.cut.delete(name);
    case 'start':
      return world.start(world.node(name));
    case 'resume':
      return world.start(world.node(name), true);
    case 'stop':
      return world.feed(world.node(name), { type: 'stop' });
    case 'kill':
      return world.kill(world.node(name));
    case 'crash':
      return world.crash(world.node(name));
    case 'sleep':
      world.node(name).asleepUntil = after(world.now, duration(rest[0]));
      return;
    case 'link': {
      const node = world.node(name);
      node.up = rest[0] === 'up';
      const what = node.up ? 'the interface is up' : 'the interface is down';
      return world.feed(node, { type: 'interface', up: node.up, source: node.source, what });
    }
    case 'set': {
      const node = world.node(name);
      node.settings = { ...node.settings, ...settings(rest) };
      return world.feed(node, { type: 'reconfigure' });
    }
    default:
      assert.fail(`unknown command: ${words.join(' ')}`);
  }
}

function settings(words: readonly string[]): Partial<RouterSettings> {
  const out: { -readonly [K in keyof RouterSettings]?: RouterSettings[K] } = {};
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1] as string;
    if (words[i] === 'priority') out.priority = Number(value);
    else if (words[i] === 'interval') out.interval = duration(value);
    else if (words[i] === 'preempt') out.preempt = value !== 'no';
    else if (words[i] === 'preempt_delay') out.preemptDelay = duration(value);
    else assert.fail(`unknown setting: ${words[i]}`);
  }
  return out;
}

function duration(text: string | undefined): Duration {
  const parsed = parseDuration(text ?? '');
  assert.ok(parsed !== undefined, `not a duration: ${text}`);
  return milliseconds(parsed);
}
