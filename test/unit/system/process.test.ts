import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { promisify } from 'node:util';
import { scheduler, setParentDeathSignal, setScheduler } from '../../../src/system/process.ts';

const module_ = new URL('../../../src/system/process.ts', import.meta.url).href;
const raw = new URL('../../../src/system/raw-socket.ts', import.meta.url).href;
const node = (script: string): string[] => ['--input-type=module', '-e', script];

/** What a script prints as a user without privileges. */
async function asNobody(script: string): Promise<string> {
  const drop = 'if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }';
  const { stdout } = await promisify(execFile)(process.execPath, node(`${script.replace('/* drop */', drop)}`));
  return stdout.trim();
}

test('the normal scheduling class is always permitted', () => {
  assert.equal(setScheduler('other').ok, true);
  assert.equal(scheduler(), 'other');
});

test('a priority out of range is a refusal with its code', () => {
  const refused = setScheduler('fifo', 100);
  assert.equal(refused.ok === false && refused.error.code, 'EINVAL');
});

test('without privileges, the refusal says what permission is missing', async () => {
  const script = `import { lockMemory, setScheduler } from '${module_}';
    /* drop */
    const fifo = setScheduler('fifo', 50);
    const locked = lockMemory();
    console.log(fifo.ok || fifo.error.message);
    console.log(locked.ok || locked.error.message.replace(/E[A-Z]+: [a-z ]+/, 'refused '));`;
  assert.deepEqual((await asNobody(script)).split('\n'), [
    'sched_setscheduler EPERM: operation not permitted (needs CAP_SYS_NICE or RLIMIT_RTPRIO)',
    'mlockall refused (needs CAP_IPC_LOCK or RLIMIT_MEMLOCK)',
  ]);
});

test('without privileges, a raw socket is refused with EPERM', async () => {
  const script = `import { createRawSocket } from '${raw}';
    /* drop */
    try { createRawSocket({ family: 4, protocol: 112 }); } catch (error) { console.log(error.syscall, error.code); }`;
  assert.equal(await asNobody(script), 'socket EPERM');
});

test('a child with a death signal does not outlive its parent', { timeout: 30_000 }, async () => {
  const child = `import { setParentDeathSignal } from '${module_}';
    setInterval(() => {}, 1000);
    if (setParentDeathSignal('SIGKILL').ok) console.log('ready');`;
  const parent = spawn(
    process.execPath,
    node(`import { spawn } from 'node:child_process';
      spawn(process.execPath, ${JSON.stringify(node(child))}, { stdio: ['ignore', 'inherit', 'inherit'] });
      setInterval(() => {}, 1000);`),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(parent.stdout, 'data');
  const closed = once(parent.stdout, 'close');
  parent.stdout.resume();
  parent.kill('SIGKILL');
  // The pipe closes when the last process that holds it is gone: the child.
  await closed;
});

test('the death signal can be taken back', () => {
  assert.equal(setParentDeathSignal(null).ok, true);
});
