/**
 * Stories of virtual routers, as text that a network engineer can review: commands, `----`, what must follow.
 * `UPDATE=1 npm test` rewrites what follows; the diff is the review.
 *
 *     router NAME ADDRESS [group WORD] [priority N] [version 2] [interval D] [down_count N] [preempt no] …
 *     start|stop|kill|crash|resume NAME     sleep NAME D     link NAME up|down     lacks NAME [WHAT IN WORDS]
 *     priority NAME N     promote|demote NAME     ends NAME N (the order, and N is the priority again)
 *     run D     cut A>B     mend A>B     set NAME KEY VALUE
 *
 * NAME may be a beginning and an asterisk: `lb1*` is every router of that machine.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { after, type Duration, milliseconds, parseDuration } from '../../src/base/time.ts';
import type { RouterSettings } from '../../src/vrrp/router.ts';
import { type Node, World } from '../sim/world.ts';

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
      return addRouter(world, name, rest);
    case 'run':
      return world.run(duration(name));
    case 'cut':
      return void world.cut.add(name);
    case 'mend':
      return void world.cut.delete(name);
    case 'start':
      return each(world, name, (node) => world.start(node, false));
    case 'resume':
      return each(world, name, (node) => world.start(node, true));
    case 'stop':
      return each(world, name, (node) => world.feed(node, { type: 'stop' }));
    case 'kill':
      return each(world, name, (node) => world.kill(node));
    case 'crash':
      return each(world, name, (node) => world.crash(node));
    case 'sleep':
      return each(world, name, (node) => {
        node.asleepUntil = after(world.now, duration(rest[0]));
      });
    case 'link':
      return each(world, name, (node) => world.able(node, { up: rest[0] === 'up' }));
    case 'lacks':
      return each(world, name, (node) => world.able(node, { lacks: rest.length === 0 ? null : rest.join(' ') }));
    case 'priority':
      return each(world, name, (node) => world.prioritise(node, Number(rest[0])));
    case 'promote':
    case 'demote':
      return each(world, name, (node) =>
        world.prioritise(node, verb === 'promote' ? 254 : 1, { type: 'order', order: verb, cause: `${verb}d by anna` }),
      );
    case 'ends':
      return each(world, name, (node) =>
        world.prioritise(node, Number(rest[0]), { type: 'order', order: 'none', cause: 'the order has ended' }),
      );
    case 'set':
      return each(world, name, (node) => {
        node.settings = { ...node.settings, ...settings(rest) };
        world.feed(node, { type: 'reconfigure' });
      });
    default:
      assert.fail(`unknown command: ${words.join(' ')}`);
  }
}

function addRouter(world: World, name: string, [source, ...rest]: readonly string[]): void {
  const at = rest.indexOf('group');
  const group = at < 0 ? null : (rest[at + 1] as string);
  world.add(name, source as string, settings(at < 0 ? rest : rest.toSpliced(at, 2)), group);
}

/** `lb1` is the router of that name; `lb1*` are all that begin so: the machine's. */
function each(world: World, name: string, act: (node: Node) => void): void {
  const nodes = name.endsWith('*')
    ? [...world.nodes.values()].filter((node) => node.name.startsWith(name.slice(0, -1)))
    : [world.node(name)];
  assert.ok(nodes.length > 0, `no router ${name}`);
  for (const node of nodes) act(node);
}

function settings(words: readonly string[]): Partial<RouterSettings> {
  const out: { -readonly [K in keyof RouterSettings]?: RouterSettings[K] } = {};
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1] as string;
    if (words[i] === 'priority') out.priority = Number(value);
    else if (words[i] === 'version') out.version = value === '2' ? 2 : 3;
    else if (words[i] === 'interval') out.interval = duration(value);
    else if (words[i] === 'down_count') out.downCount = Number(value);
    else if (words[i] === 'preempt') out.preempt = value !== 'no';
    else if (words[i] === 'preempt_delay') out.preemptDelay = duration(value);
    else if (words[i] === 'announce_refresh') out.announceRefresh = duration(value);
    else if (words[i] === 'probe') out.probe = value === 'yes';
    else assert.fail(`unknown setting: ${words[i]}`);
  }
  return out;
}

function duration(text: string | undefined): Duration {
  const parsed = parseDuration(text ?? '');
  assert.ok(parsed !== undefined, `not a duration: ${text}`);
  return milliseconds(parsed);
}
