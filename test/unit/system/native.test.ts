import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { attempt, CONSTANT_NAMES, constants as c, native } from '../../../src/system/native.ts';

const addon = new URL('../../../src/system/native.ts', import.meta.url).href;
const run = promisify(execFile);
const node = (script: string): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, ['--input-type=module', '-e', `import { native, constants as c } from '${addon}';\n${script}`]);

test('every constant that is named in TypeScript is a number in the addon', () => {
  for (const name of CONSTANT_NAMES) assert.equal(typeof c[name], 'number', name);
});

test('a refused system call throws an error in the shape of Node’s own', () => {
  assert.throws(() => native.socket(c.AF_INET, 77, 0), {
    name: 'Error',
    message: 'socket EINVAL: invalid argument',
    code: 'EINVAL',
    errno: -22,
    syscall: 'socket',
  });
});

test('a refused system call is a value where that is wanted', () => {
  const result = attempt(() => native.interfaceIndex('none-such'));
  assert.equal(result.ok, false);
  assert.equal(result.ok === false && result.error.code, 'ENODEV');
});

test('what is no refusal is not made a value', () => {
  assert.throws(() => attempt(() => native.close('1' as unknown as number)), TypeError);
  assert.throws(() => attempt(() => native.bind(0, 'x' as unknown as Uint8Array)), TypeError);
  assert.throws(() => attempt(() => native.closePoll({} as never)), TypeError);
  assert.throws(() => attempt(() => native.interfaceIndex('a-name-of-more-than-15-bytes')), TypeError);
});

test('the loopback interface has an index', () => {
  assert.ok(native.interfaceIndex('lo') >= 1);
});

test('a listener that throws is an uncaught exception, and polling goes on after it', async () => {
  const { stdout } = await node(`
    const fd = native.openTimer();
    let calls = 0;
    process.on('uncaughtException', (error) => console.log(error.message));
    const poll = native.poll(fd, () => {
      calls += 1;
      native.expired(fd);
      if (calls === 2) return native.closePoll(poll);
      native.armTimer(fd, 1);
      throw new Error('thrown in a callback');
    });
    native.armTimer(fd, 1);
  `);
  assert.equal(stdout, 'thrown in a callback\n');
});

test('promises and ticks made in a callback run right after it', async () => {
  const { stdout } = await node(`
    const fd = native.openTimer();
    const poll = native.poll(fd, () => {
      native.closePoll(poll);
      setImmediate(() => console.log('immediate'));
      Promise.resolve().then(() => console.log('promise'));
      process.nextTick(() => console.log('tick'));
    });
    native.armTimer(fd, 1);
  `);
  assert.equal(stdout, 'tick\npromise\nimmediate\n');
});

test('a process may exit with descriptors still polled', async () => {
  const { stdout } = await node(`
    const fd = native.openTimer();
    native.poll(fd, () => { console.log('exiting'); process.exit(0); });
    native.poll(native.openTimer(), () => {});
    native.armTimer(fd, 1);
  `);
  assert.equal(stdout, 'exiting\n');
});

test('a worker may end with descriptors still polled, and with closed ones not yet collected', async () => {
  const worker = new Worker(
    `import('${addon}').then(({ native }) => {
      native.poll(native.openTimer(), () => {});
      native.closePoll(native.poll(native.openTimer(), () => {}));
      require('node:worker_threads').parentPort.postMessage('open');
    });`,
    { eval: true },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  assert.equal(await worker.terminate(), 1);
});

test('a closed poll is let go of', async () => {
  const { stdout } = await run(process.execPath, [
    '--expose-gc',
    '--input-type=module',
    '-e',
    `import { native } from '${addon}';
    import { setImmediate as turn } from 'node:timers/promises';
    let collected = 0;
    const registry = new FinalizationRegistry(() => { collected += 1; });
    const fd = native.openTimer();
    for (let n = 0; n < 100; n++) {
      const callback = () => {};
      registry.register(callback, n);
      const poll = native.poll(fd, callback);
      native.closePoll(poll);
      native.closePoll(poll);
      await turn();
    }
    for (let n = 0; n < 50 && collected < 90; n++) { gc(); await turn(); }
    console.log(collected >= 90);`,
  ]);
  assert.equal(stdout, 'true\n');
});
