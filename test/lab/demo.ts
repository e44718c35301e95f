/**
 * The demo (`test/run demo`): a pair of directors carries NAT, TUN and DR, loses a server, and loses a director. Prints what
 * happens as it happens, and what a client saw of it. Ends with an error when anything was not as it should be.
 */

import type { Event } from '../../src/control/event.ts';
import { describe } from '../../src/control/render.ts';
import { type Director, director } from './director.ts';
import { becomes, CHECK, directorToml, GRACE, INTERVAL, PRIORITY, skew, startPair } from './pair.ts';
import { type Ask, failures, longestGap, type Prober, served, startProber } from './prober.ts';
import { eventually, now } from './process.ts';
import { createTopology, type Mode, type Server, type Topology, VIP } from './topology.ts';
import { addresses, ipvsadm } from './witness.ts';

const MODES = Object.keys(VIP) as Mode[];
const began = now();
let step = 0;

const say = (text = ''): void => console.log(text === '' ? '' : `      ${text}`);
function title(text: string): void {
  step += 1;
  console.log(`\n${((now() - began) / 1000).toFixed(0).padStart(3)} s  ${step}. ${text}`);
}
const ms = (n: number): string => `${Math.round(n).toLocaleString('en')} ms`;

/** What must hold, or the demo has failed. */
function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not as it should be: ${what}`);
}

console.log(`
  lvskeeper: two directors, three real servers, three forwarding modes

              client 10.77.0.10
                    |
     ---------+-----+-----+---------      virtual addresses, on the master:
              |     |     |                 NAT 10.77.0.100
      lb1 .11 | lb2 .12   | rs1 .21         TUN 10.77.0.101
     priority |  priority | rs2 .22         DR  10.77.0.102
       150    |    100    | rs3 .23`);

title('Build the network, start both directors');
const lab = await createTopology();
try {
  const pair = await startPair(lab);
  await showOwner(pair.lb1, pair.lb2);
  await balance(lab);
  await loseServer(lab);
  await loseDirector(lab, pair.lb1, pair.lb2);
  await takeBack(lab, pair.lb2);
} finally {
  await lab.close();
}
console.log(`\n${((now() - began) / 1000).toFixed(0).padStart(3)} s  All as it should be. Nothing is left behind.\n`);

async function showOwner(...directors: readonly Director[]): Promise<void> {
  for (const one of directors) {
    const held = (await addresses(one.host)).slice(1).map((address) => address.split('/')[0]);
    const state = (await one.status()).routers[0]?.state ?? 'unknown';
    say(`${one.host.name}  ${state.toUpperCase().padEnd(6)}  ${held.join(', ') || 'no virtual address'}`);
    must((state === 'master') === (held.length === MODES.length), `${one.host.name} is ${state} and holds ${held}`);
  }
}

/** Asks over TCP until so many answers have come; prints who gave them. */
async function ask(client: Topology['client'], mode: Mode, count: number): Promise<readonly Ask[]> {
  const prober = await startProber(client, { address: VIP[mode], protocol: 'tcp', every: 30, deadline: 3000 });
  await prober.answered(now() + 30 * (count - 1), 30_000);
  const asks = await prober.stop();
  const counts = Object.entries(served(asks))
    .sort()
    .map(([server, n]) => `${server} ${n}`);
  const failed = failures(asks).length;
  say(
    `${mode.toUpperCase().padEnd(3)}  ${asks.length} requests: ${counts.join(', ')}; ${failed === 0 ? 'none' : failed} failed`,
  );
  return asks;
}

async function balance({ client, lb1, servers }: Topology): Promise<void> {
  title('Ask the virtual address of each mode, over HTTP');
  await eventually('the servers to be up', 15_000, async () => {
    const table = await ipvsadm(lb1);
    return table.length === 2 * MODES.length && table.every((s) => s.servers.every((one) => one.weight > 0))
      ? true
      : undefined;
  });
  for (const mode of MODES) {
    const asks = await ask(client, mode, 30);
    must(failures(asks).length === 0, `requests to ${mode} failed`);
    must(Object.keys(served(asks)).length === servers.length, `${mode} did not reach every server`);
  }
}

async function loseServer({ client, lb1, servers }: Topology): Promise<void> {
  const rs2 = servers[1] as Server;
  title('Kill a real server, rs2');
  const weight = async (): Promise<number | undefined> =>
    (await ipvsadm(lb1))
      .find((s) => s.protocol === 'TCP' && s.address === `${VIP.dr}:80`)
      ?.servers.find((s) => s.address === `${rs2.host.address}:80`)?.weight;
  const until = (wanted: 'zero' | 'back'): Promise<number> =>
    eventually(`the weight of rs2 to be ${wanted}`, 15_000, async () =>
      ((await weight()) === 0) === (wanted === 'zero') ? now() : undefined,
    );
  const killed = now();
  await rs2.kill();
  const quiesced = await until('zero');
  say(
    `weight 0 in the kernel after ${ms(quiesced - killed)} (checked every ${ms(CHECK.interval)}, ${CHECK.fall} failures)`,
  );
  const without = await ask(client, 'dr', 30);
  must(failures(without).length === 0 && !('rs2' in served(without)), 'a request went to the dead server');

  await rs2.start();
  const started = now();
  const back = await until('back');
  say(`started again: its weight is back after ${ms(back - started)} (${CHECK.rise} good answers)`);
  const again = await ask(client, 'dr', 30);
  must('rs2' in served(again), 'rs2 gets no requests');
}

async function loseDirector(lab: Topology, lb1: Director, lb2: Director): Promise<void> {
  title('Lose the master, lb1: SIGKILL to every process of it, and its cable pulled');
  const prober: Prober = await startProber(lab.client, { address: VIP.dr });
  await prober.answered(now() + 500);
  const killed = now();
  await Promise.all([lb1.killAll(), lab.lb1.linkDown()]);
  await becomes(lb2, 'master');
  await prober.answered(now() + 500);
  const asks = await prober.stop();
  const gap = longestGap(asks);
  const allowed = 3 * INTERVAL + skew(PRIORITY.lb2) + GRACE;
  say(`a client that asks every 10 ms had no answer for at most ${ms(gap.length)}`);
  say(`(${failures(asks).length} of ${asks.length} requests lost; the protocol allows for ${ms(allowed - GRACE)})`);
  must(gap.length <= allowed, `the client went ${ms(gap.length)} without an answer`);
  const events = JSON.parse(await lb2.control('/events?kind=vrrp')) as Event[];
  const last = events.at(-1);
  if (last !== undefined) say(`lb2 says why: ${describe(last)}`);
  await eventually('the addresses of lb1 to run out', 15_000, async () =>
    (await addresses(lab.lb1)).length === 1 ? true : undefined,
  );
  say(`its addresses were gone from lb1 after ${ms(now() - killed)}, with nobody there to remove them`);
  await lab.lb1.linkUp();
  await showOwner(lb2);
}

async function takeBack(lab: Topology, lb2: Director): Promise<void> {
  title('Start lb1 again: it has the higher priority, and takes over');
  const lb1 = await director(lab.lb1, directorToml(lab, PRIORITY.lb1));
  await becomes(lb1, 'master');
  await becomes(lb2, 'backup');
  await eventually('lb2 to let go', 5000, async () => ((await addresses(lab.lb2)).length === 1 ? true : undefined));
  await showOwner(lb1, lb2);

  title('Stop lb1 in good order: it resigns');
  const again = await startProber(lab.client, { address: VIP.dr });
  await again.answered(now() + 500);
  await lb1.stop();
  await becomes(lb2, 'master');
  await again.answered(now() + 500);
  const resigned = longestGap(await again.stop());
  say(
    `the client had no answer for at most ${ms(resigned.length)} (the protocol allows for ${ms(skew(PRIORITY.lb2))})`,
  );
  must(resigned.length <= skew(PRIORITY.lb2) + GRACE, 'the hand-over took too long');
  await lb2.stop();
}
