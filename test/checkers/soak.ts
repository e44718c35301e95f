/**
 * Runs so many checks (the argument) over all rows of the table, against the servers of `serve.ts`, and prints what this
 * process holds while nothing is under way: at five times, the first when everything has been loaded and used once.
 *
 *   node --expose-gc --enable-experimental-regexp-engine test/checkers/soak.ts 100000
 */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Held } from './held.ts';
import type { Place } from './places.ts';
import { aim, isToExpire, probe } from './row.ts';
import { TABLE } from './table.ts';

const AT_ONCE = 48;
const SAMPLES = 4;
/** Of probes that are to expire; what they wait for is proved elsewhere. */
const BRIEF = '20ms';

const total = Number(process.argv[2]);
const server = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
const [line] = await new Promise<[string]>((resolve) =>
  createInterface({ input: server.stdout }).once('line', (text) => resolve([text])),
);
const places: readonly Place[] = JSON.parse(line);
const aimed = TABLE.map((row, i) => aim(row.toml, places[i] as Place, isToExpire(row) ? BRIEF : '10s'));
const outcomes: Record<string, number> = {};
let next = 0;

async function runUpTo(end: number): Promise<void> {
  const worker = async (): Promise<void> => {
    while (next < end) {
      const one = aimed[next++ % aimed.length];
      if (one === undefined) return;
      const { outcome } = await probe(one);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const descriptors = (): readonly string[] =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== '';
    } catch {
      return false;
    }
  });
const watchedBy = (fd: string): number => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^tfd:/gm)?.length ?? 0;

const busy = (): number =>
  process.getActiveResourcesInfo().filter((name) => ['TCPSocketWrap', 'UDPWrap', 'ProcessWrap'].includes(name)).length;

async function hold(): Promise<Held> {
  // What was ended is gone a few turns later; programs that were killed, when the kernel says so. One is the server.
  for (let i = 0; i < 100 && busy() > 1; i++) await sleep(20);
  await sleep(50);
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await sleep(20);
  }
  const fds = descriptors();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    checks: next,
    descriptors: fds.length,
    watched: fds.reduce((sum, fd) => sum + watchedBy(fd), 0),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    processes: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').length,
    heap: heapUsed,
    external: external + arrayBuffers,
  };
}

await runUpTo(aimed.length);
const held = [await hold()];
for (let i = 1; i <= SAMPLES; i++) {
  await runUpTo(aimed.length + Math.ceil((total * i) / SAMPLES));
  held.push(await hold());
}
server.stdin.end();
// Whatever is still held must not keep the process.
process.stdout.write(`${JSON.stringify({ held, outcomes })}\n`, () => process.exit());
