import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { createLog, type Level, type Surroundings } from '../../../src/system/log.ts';

const PIPE: Surroundings = { terminal: false, colour: false, journal: false };

function logWith(surroundings: Surroundings, config: { level?: Level; format?: 'auto' | 'json' | 'text' } = {}) {
  const written: string[] = [];
  const stream = {
    writableLength: 0,
    failed: (_: Error): void => {},
    write(text: string, done?: () => void) {
      written.push(text);
      done?.();
      return true;
    },
    on(_: 'error', listener: (error: Error) => void) {
      stream.failed = listener;
    },
  };
  const log = createLog({
    stream,
    config: { level: 'info', format: 'auto', ...config },
    surroundings,
    now: () => new Date(2026, 2, 1, 12, 1, 3, 50),
  });
  return { log, written, stream };
}

test('elsewhere than on a terminal an entry is one JSON object a line', () => {
  const { log, written } = logWith(PIPE);
  log.info('a\nb', { n: 1, list: ['x'], error: new Error('why'), nothing: undefined });
  assert.equal(written.length, 1);
  assert.match(written[0] ?? '', /^[^\n]+\n$/);
  const { time, ...rest } = JSON.parse(written[0] ?? '') as Record<string, unknown>;
  assert.equal(time, new Date(2026, 2, 1, 12, 1, 3, 50).toISOString());
  assert.deepEqual(rest, { level: 'info', message: 'a\nb', n: 1, list: ['x'], error: 'why' });
});

test('on a terminal it is text, one line, without what could move the cursor', () => {
  const { log, written } = logWith({ ...PIPE, terminal: true });
  log.warning('web: down\u001b[2J', { server: 'a b', n: 1, empty: '', reason: 'x\ny' });
  assert.deepEqual(written, ['12:01:03.050 warning web: down [2J server="a b" n=1 empty="" reason="x y"\n']);
});

test('colour comes only where it was asked for', () => {
  const { log, written } = logWith({ terminal: true, colour: true, journal: false });
  log.error('x');
  assert.ok(written[0]?.includes('\u001b[31merror'));
});

test('the journal gets the priority of syslog ahead of each line', () => {
  const { log, written } = logWith({ ...PIPE, journal: true }, { level: 'debug' });
  for (const level of ['debug', 'info', 'warning', 'error'] as const) log[level]('x');
  assert.deepEqual(
    written.map((line) => line.slice(0, 4)),
    ['<7>{', '<6>{', '<4>{', '<3>{'],
  );
});

test('the config chooses form and level, also later', () => {
  const { log, written } = logWith(PIPE, { format: 'text', level: 'warning' });
  log.info('unseen');
  log.configure({ level: 'info', format: 'json' });
  log.info('seen');
  assert.deepEqual(
    written.map((line) => (JSON.parse(line) as { message: string }).message),
    ['seen'],
  );
});

test('fields that a log bears are in each of its entries', () => {
  const { log, written } = logWith(PIPE);
  log.with({ process: 'vrrp' }).info('x', { router: 'edge' });
  assert.match(written[0] ?? '', /"process":"vrrp","router":"edge"}/);
});

test('entries that would pile up are dropped and counted, and the count is told when there is room', () => {
  const { log, written, stream } = logWith(PIPE);
  stream.writableLength = 2 << 20;
  log.info('lost');
  log.info('lost too');
  stream.writableLength = 0;
  log.info('kept');
  const [told, kept] = written.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([told?.entries, kept?.message, written.length], [2, 'kept', 2]);
});

test('a reader that has gone is no error', async () => {
  const { log, written, stream } = logWith(PIPE);
  stream.failed(new Error('EPIPE'));
  log.info('x');
  await log.flush();
  assert.deepEqual(written, []);
});

test('a process whose log nobody reads goes on, and writes all once it is read', async (t) => {
  const script = `
    const { createLog, surroundings } = await import(${JSON.stringify(import.meta.resolve('../../../src/system/log.ts'))});
    const log = createLog({ stream: process.stdout, config: { level: 'info', format: 'auto' }, surroundings: surroundings(process.stdout), now: () => new Date() });
    for (let i = 0; i < 3000; i++) log.info('x'.repeat(100), { i });
    process.stderr.write('still here\\n');
    await log.flush();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stderr, 'data');
  let text = '';
  child.stdout.on('data', (data) => {
    text += String(data);
  });
  await once(child, 'close');
  const entries = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { i: number });
  assert.equal(entries.length, 3000);
  assert.equal(entries.at(-1)?.i, 2999);
});
