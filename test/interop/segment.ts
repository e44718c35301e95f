/**
 * Two routers and their client on one wire. The wire is a bridge on the client itself, so that the client hears all that
 * crosses it, unicast too, and many segments can run beside each other: they share nothing.
 *
 *     us .11 ── eth0 ─┐                      ┌─ eth0 ── .12 peer
 *                     └─ [ wire .10 client ] ┘                       10.77.0.0/24, fd77::/64, fe80::/64
 *
 * With `wires: 2` there is a second one, `eth1` and `wire1`, 10.78.0.0/24 and fd78::/64.
 */

import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../lab/network.ts';
import { eventually, killAll, must, processes, type Running, run, spawn, tree } from '../lab/process.ts';

export type Station = Host & {
  /** The last part of its addresses: 10.77.0.N, fd77::N and fe80::N. */
  readonly number: number;
  /** Drops all that it sends and all that is sent to it, without a word to it: its interfaces keep their carrier. */
  isolate(): Promise<void>;
  rejoin(): Promise<void>;
  /** Pulls or plugs one cable: the host sees its carrier go and come. */
  cable(device: string, state: 'up' | 'down'): Promise<void>;
};

export type Segment = {
  readonly name: string;
  readonly client: Host;
  readonly us: Station;
  readonly peer: Station;
  /** Where the logs of its processes are; they outlive it. */
  readonly logs: string;
  /** One bridge of the client a wire: `wire`, `wire1`. */
  readonly wires: readonly string[];
  /** Ends what still runs there and removes all but the logs. */
  close(): Promise<void>;
};

/** The prefix of a family on the wire of this index: `10.77.0.`, `fd78::`. */
export const network = (family: 4 | 6, wire = 0): string => (family === 4 ? `10.${77 + wire}.0.` : `fd${77 + wire}::`);
/** The link-local address of a station, on any of its interfaces. */
export const linkLocal = (number: number): string => `fe80::${number}`;

let serial = 0;

/** `swapped`: the peer has the lower address, which decides between equals. */
export async function createSegment(name: string, { wires = 1, swapped = false } = {}): Promise<Segment> {
  const out = process.env.LAB_OUT;
  if (out === undefined) throw new Error('the lab has its own world: run this with `npm run lab -- test/interop`');
  serial += 1;
  const id = `s${serial}`;
  const logs = mkdtempSync(join(out, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}-`));
  const files = mkdtempSync('/tmp/segment-');
  const bridges = Array.from({ length: wires }, (_, i) => (i === 0 ? 'wire' : `wire${i}`));
  const namespaces: { readonly namespace: string; readonly running: readonly Running[] }[] = [];

  /** `port`: the interface of the client that its cable is plugged into. */
  async function host(role: string, number: number, port: string): Promise<Host> {
    const namespace = `${id}-${role}`;
    const running: Running[] = [];
    await must(['ip', 'netns', 'add', namespace]);
    namespaces.push({ namespace, running });
    const link = async (state: 'up' | 'down'): Promise<void> =>
      void (await ip(`${id}-cl`, [`link set dev ${port} ${state}`]));
    const directory = join(files, role);
    mkdirSync(directory);
    const made = hostOf({ namespace, role, number, running, link, directory, log: join(logs, role) });
    // Addresses are those given here: FRR advertises itself as a router, too.
    await made.sysctl({ 'net.ipv6.conf.default.accept_ra': 0, 'net.ipv6.conf.default.accept_dad': 0 });
    return made;
  }

  async function station(role: string, number: number): Promise<Station> {
    const port = (wire: number): string => `${role}${wire}`;
    const plain = await host(role, number, port(0));
    for (const [wire, bridge] of bridges.entries()) {
      const mac = macOf(role, wire);
      await ip(client.name, [
        `link add name ${port(wire)} type veth peer name eth${wire} address ${mac} netns ${plain.name}`,
        `link set dev ${port(wire)} master ${bridge} up`,
      ]);
      await ip(plain.name, bringUp(`eth${wire}`, number, wire));
    }
    const ports = (change: string): Promise<unknown> =>
      client.must(['bridge', '-batch', '-'], bridges.map((_, i) => `link set dev ${port(i)} ${change}\n`).join(''));
    return {
      ...plain,
      number,
      isolate: async () => void (await ports('state 0')),
      rejoin: async () => void (await ports('state 3')),
      cable: async (device, state) =>
        void (await ip(client.name, [`link set dev ${port(Number(device.slice(3)))} ${state}`])),
    };
  }

  async function close(): Promise<void> {
    const networks = new Set(namespaces.map(({ namespace }) => networkOf(namespace)));
    const ours = namespaces.flatMap(({ running }) => running).filter((one) => one.exit === null);
    killAll(ours.flatMap((one) => tree(one.pid)).map((one) => one.pid));
    await Promise.all(ours.map((one) => one.exited));
    await eventually(`the processes of ${name} to end`, 5000, () => {
      const alive = processes().filter((one) => networks.has(one.network));
      killAll(alive.map((one) => one.pid));
      return alive.length === 0 ? true : undefined;
    });
    await must(['ip', '-batch', '-'], namespaces.map(({ namespace }) => `netns delete ${namespace}\n`).join(''));
    rmSync(files, { recursive: true });
  }

  const client = await host('cl', 10, 'wire');
  for (const [wire, bridge] of bridges.entries()) {
    await ip(client.name, [
      `link add name ${bridge} address ${macOf('cl', wire)} type bridge stp_state 0 mcast_snooping 0`,
      ...bringUp(bridge, 10, wire),
    ]);
  }
  const us = await station('us', swapped ? 12 : 11);
  const peer = await station('peer', swapped ? 11 : 12);
  return { name, client, us, peer, logs, wires: bridges, close };
}

/** By role, whatever its address: who sent a frame can be told from any tape. */
const MACS: Readonly<Record<string, string>> = { cl: 'cc', us: '01', peer: '02' };
const macOf = (role: string, wire: number): string => `02:00:00:00:0${wire}:${MACS[role]}`;
/** Of `us`, on the first wire. */
export const OUR_MAC = macOf('us', 0);

const ip = (namespace: string, commands: readonly string[]): Promise<string> =>
  must(['ip', '-n', namespace, '-batch', '-'], commands.map((one) => `${one}\n`).join(''));

/** Its addresses, without a wait for duplicates, and no link-local one but ours. */
const bringUp = (device: string, number: number, wire: number): string[] => [
  'link set lo up',
  `link set ${device} addrgenmode none`,
  `link set ${device} up`,
  `address add ${network(4, wire)}${number}/24 dev ${device}`,
  `address add ${network(6, wire)}${number}/64 dev ${device} nodad`,
  `address add ${linkLocal(number)}/64 dev ${device} nodad`,
];

const networkOf = (namespace: string): string => `net:[${statSync(`/run/netns/${namespace}`).ino}]`;

type Making = {
  readonly namespace: string;
  readonly role: string;
  readonly number: number;
  readonly running: Running[];
  readonly link: (state: 'up' | 'down') => Promise<void>;
  readonly directory: string;
  /** How the names of its logs begin. */
  readonly log: string;
};

function hostOf({ namespace, role, number, running, link, directory, log }: Making): Host {
  const inside = (argv: readonly string[]): string[] => ['ip', 'netns', 'exec', namespace, ...argv];
  const start = (argv: readonly string[]): Running => {
    const label = (argv[0] ?? '').split('/').at(-1);
    const one = spawn(inside(argv), `${log}-${running.length + 1}-${label}.log`);
    running.push(one);
    return one;
  };
  const inode = networkOf(namespace);
  return {
    name: namespace,
    address: `${network(4)}${number}`,
    mac: macOf(role, 0),
    directory,
    exec: (argv, input) => run(inside(argv), input),
    must: (argv, input) => must(inside(argv), input),
    spawn: start,
    node: (script, args = []) => start([process.execPath, script, ...args]),
    sysctl: async (settings) => {
      const lines = Object.entries(settings).map(
        ([key, value]) => `echo ${value} >/proc/sys/${key.replaceAll('.', '/')}`,
      );
      await must(inside(['sh', '-e', '-c', lines.join('\n')]));
    },
    linkDown: () => link('down'),
    linkUp: () => link('up'),
    processes: () => processes().filter((one) => one.network === inode),
  };
}
