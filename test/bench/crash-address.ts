/**
 * What crashes of a master do to a virtual address: for how long nobody answers for it, for how long two directors have it,
 * and how often it moves. A director alone and a pair of each daemon are struck at the same moment, on one wire with the
 * client that asks.
 *
 * The answers are echo replies as the client's kernel sees them; which director sent one is told by its MAC.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Capture, capture } from '../lab/capture.ts';
import { createNetwork, type Host, type Network } from '../lab/network.ts';
import { eventually, now } from '../lab/process.ts';
import { type AddressTimes, type Span, watchAddresses } from './address-times.ts';
import { aftermath, describe, type Strike, strike, strikesAt } from './crash.ts';
import { BOTH, type Column, type Daemon, keepalived, lvskeeper, type Started } from './daemons.ts';
import type { Figure, Findings } from './figures.ts';

const INTERVAL = 1000;
const PRIORITIES = [150, 100] as const;
/** Milliseconds from one echo request to the next, and how long without an answer is an outage. */
const [EVERY, OUTAGE] = [10, 100];

/** One director, or two of which the first is to be master. */
type Group = {
  readonly column: Column;
  readonly daemon: Daemon;
  readonly vip: string;
  readonly hosts: readonly Host[];
  readonly addresses: readonly AddressTimes[];
  running: readonly Started[];
};

/** Milliseconds that nobody answers, and that two have the address; and how often another answers than before. */
type Suffered = { readonly silent: number; readonly shared: number; readonly moves: number };

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const strikes = strikesAt('vrrp', 'parent', 'all');
  const network = await createNetwork();
  try {
    const client = await network.host('client', '10.77.0.10');
    const groups: Group[] = [];
    for (const count of [1, 2])
      for (const column of BOTH) groups.push(await createGroup(network, column, groups.length + 1, count));
    const figures: Figure[] = [];
    for (const each of strikes) {
      const seen: Suffered[][] = [];
      for (let run = 0; run < Math.ceil(runs / 3); run++) seen.push(await round(groups, client, each));
      const row = (what: string, unit: Figure['unit'], alone: boolean, key: keyof Suffered): Figure => {
        const of = (column: Column): number[] => {
          const at = groups.findIndex((group) => group.column === column && (group.hosts.length === 1) === alone);
          return seen.map((one) => (one[at] as Suffered)[key]);
        };
        return { what: `${describe(each)}, ${what}`, unit, ours: of('ours'), theirs: of('theirs') };
      };
      figures.push(
        row('alone: no answer', 'ms', true, 'silent'),
        row('pair: no answer', 'ms', false, 'silent'),
        row('pair: two own it', 'ms', false, 'shared'),
        row('pair: it moves', '', false, 'moves'),
      );
    }
    return {
      figures,
      notes: [
        `Adverts every ${INTERVAL} ms, priorities ${PRIORITIES.join(' and ')}. The client asks every ${EVERY} ms; ${OUTAGE} ms without an answer count, all of them together.`,
        'The parent is the supervisor, or the first process of keepalived. When it is killed, the daemon is started again as soon as nothing of it is left.',
      ],
    };
  } finally {
    await network.close();
  }
}

async function createGroup(network: Network, column: Column, id: number, count: number): Promise<Group> {
  const daemon = column === 'ours' ? lvskeeper() : keepalived();
  const vip = `10.77.0.${id}9`;
  const hosts: Host[] = [];
  for (const [i, priority] of PRIORITIES.slice(0, count).entries()) {
    const host = await network.host(`${daemon.name}-${id}${i + 1}`, `10.77.0.${id}${i + 1}`);
    daemon.configure(host, { routers: [{ routerId: id, address: vip, interval: INTERVAL, priority }] });
    hosts.push(host);
  }
  return { column, daemon, vip, hosts, addresses: hosts.map(watchAddresses), running: [] };
}

/** What each of the groups suffers of one strike. */
async function round(groups: readonly Group[], client: Host, each: Strike): Promise<Suffered[]> {
  await Promise.all(groups.map(settle));
  const wire = await capture(client, 'icmp[icmptype] = icmp-echoreply');
  const pings = groups.map(({ vip }) => client.spawn(['ping', '-q', '-n', '-i', String(EVERY / 1000), vip]));
  await Promise.all(groups.map(({ vip }) => wire.seen(({ ip }) => ip?.source === vip)));
  await sleep(1000);
  const [from, held] = [now(), await Promise.all(groups.map(holders))];
  await Promise.all(
    groups.map(async (group) => {
      const [master, ...others] = group.running as [Started, ...Started[]];
      group.running = [await strike(each, group.daemon, group.hosts[0] as Host, master), ...others];
    }),
  );
  await aftermath();
  const to = now();
  for (const ping of pings) ping.kill('SIGKILL');
  await wire.stop();
  return groups.map((group, i) => suffered(group, wire, { from, to }, held[i] ?? []));
}

function suffered(group: Group, wire: Capture, { from, to }: Span, held: readonly boolean[]): Suffered {
  const answers = wire.packets().filter(({ at, ip }) => ip?.source === group.vip && at >= from && at <= to);
  const times = [from, ...answers.map(({ at }) => at), to];
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
  const macs = answers.map(({ ethernet }) => ethernet.source);
  const spans = group.addresses.map((one, i) => one.held(group.vip, wire, from, to, held[i] ?? false));
  return {
    silent: sum(gaps.filter((gap) => gap > OUTAGE)),
    shared: sum((spans[0] ?? []).flatMap((a) => (spans[1] ?? []).map((b) => overlap(a, b)))),
    moves: macs.slice(1).filter((mac, i) => mac !== macs[i]).length,
  };
}

const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
const overlap = (a: Span, b: Span): number => Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));

/** Which of the hosts have the address. */
const holders = ({ hosts, vip }: Group): Promise<boolean[]> =>
  Promise.all(
    hosts.map(async (host) => (await host.must(['ip', '-o', 'address', 'show', 'dev', 'eth0'])).includes(` ${vip}/`)),
  );

/** Waits until the first has the address alone and all that a daemon does afterwards is over; where it will not be, starts anew. */
async function settle(group: Group): Promise<void> {
  if (group.running.length === 0) await start(group);
  else if (!(await reigns(group, 10_000))) {
    await Promise.all(group.running.map((one) => one.end('SIGKILL').gone));
    for (const host of group.hosts) await host.exec(['ip', 'address', 'delete', `${group.vip}/32`, 'dev', 'eth0']);
    await start(group);
  }
  if (!(await reigns(group, 30_000))) throw new Error(`${group.daemon.name} does not become master`);
  // The second burst of gratuitous ARP comes 5 s after the first.
  await sleep(5500);
}

async function start(group: Group): Promise<void> {
  group.running = group.hosts.map((host) => group.daemon.start(host));
  await Promise.all(group.running.map((one) => one.process.printed(group.daemon.ready, 30_000)));
}

const reigns = (group: Group, within: number): Promise<boolean> =>
  eventually('the first to have the address alone', within, async () =>
    (await holders(group)).every((holds, i) => holds === (i === 0)) ? true : undefined,
  ).catch(() => false);
