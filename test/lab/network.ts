/**
 * Hosts on one wire: network namespaces, each with one interface `eth0` on a bridge of the namespace the test runs in.
 *
 * It works only inside the world that `npm run lab` makes, whose namespaces and /run are its own: names need not be
 * unique on the machine, and whatever a crash leaves behind ends with that world.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, killAll, must, type Output, processes, type Running, run, spawn, tree } from './process.ts';

export type Host = {
  readonly name: string;
  /** Its own IPv4 address, on `eth0`, in a /24. */
  readonly address: string;
  /** Made from the last number of the address, so that captures read well: 10.77.0.21 has 02:00:00:00:00:21. */
  readonly mac: string;
  /** A directory for this host's files; it stays until the network is closed. */
  readonly directory: string;
  /** Runs a command on the host to its end. Any exit code is an answer. */
  exec(argv: readonly string[], input?: string): Promise<Output>;
  /** As `exec`, but an exit code other than 0 throws. Gives standard output. */
  must(argv: readonly string[], input?: string): Promise<string>;
  /** Starts a command on the host; its output goes to a log that outlives the test when it fails. */
  spawn(argv: readonly string[]): Running;
  /** Starts a Node script on the host. */
  node(script: string, args?: readonly string[]): Running;
  sysctl(settings: Readonly<Record<string, string | number>>): Promise<void>;
  /** Pulls the cable: the host sees no carrier, and nothing it sends arrives anywhere. */
  linkDown(): Promise<void>;
  linkUp(): Promise<void>;
  /** Every process on the host, whoever started it. */
  processes(): readonly { readonly pid: number; readonly command: string }[];
};

export type Network = {
  /** Makes a host; `address` must be inside 10.77.0.0/24. */
  host(name: string, address: string): Promise<Host>;
  /** Drops, on the wire, all that `from` sends to `to`, and nothing else. Gives back the undoing. */
  cut(from: Host, to: Host): Promise<() => Promise<void>>;
  /** Cuts both ways in one step. */
  partition(a: Host, b: Host): Promise<() => Promise<void>>;
  /**
   * Ends what the hosts still run and removes them. Throws if a process was left behind by one that has ended, or if a
   * process, namespace or interface cannot be removed. A second time it does nothing.
   */
  close(): Promise<void>;
};

const BRIDGE = 'wire';

export async function createNetwork(): Promise<Network> {
  const out = process.env.LAB_OUT;
  if (out === undefined) throw new Error('the lab has its own world: run this with `npm run lab`');
  const logs = mkdtempSync(join(out, 'logs-'));
  const directories = mkdtempSync('/tmp/network-');
  const before = readdirSync('/sys/class/net');
  const hosts = new Map<string, { readonly host: Host; readonly network: string; readonly running: Running[] }>();

  await must(
    ['ip', '-batch', '-'],
    `link add name ${BRIDGE} type bridge stp_state 0 mcast_snooping 0\nlink set ${BRIDGE} up`,
  );

  async function host(name: string, address: string): Promise<Host> {
    const mac = macOf(address);
    const directory = join(directories, name);
    mkdirSync(directory);
    await must(
      ['ip', '-batch', '-'],
      [
        `netns add ${name}`,
        `link add name ${name} type veth peer name eth0 address ${mac} netns ${name}`,
        `link set dev ${name} master ${BRIDGE} up`,
      ].join('\n'),
    );
    await must(
      ['ip', '-n', name, '-batch', '-'],
      `link set lo up\naddress add ${address}/24 dev eth0\nlink set eth0 up\n`,
    );
    const inside = (argv: readonly string[]): string[] => ['ip', 'netns', 'exec', name, ...argv];
    const running: Running[] = [];
    const network = `net:[${statSync(`/run/netns/${name}`).ino}]`;
    const start = (argv: readonly string[]): Running => {
      const label = (argv[0] ?? '').split('/').at(-1);
      const one = spawn(inside(argv), join(logs, `${name}-${running.length + 1}-${label}.log`));
      running.push(one);
      return one;
    };
    const made: Host = {
      name,
      address,
      mac,
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
      linkDown: async () => void (await must(['ip', 'link', 'set', 'dev', name, 'down'])),
      linkUp: async () => void (await must(['ip', 'link', 'set', 'dev', name, 'up'])),
      processes: () => processes().filter((one) => one.network === network),
    };
    hosts.set(name, { host: made, network, running });
    return made;
  }

  let cutting = false;
  async function drop(pairs: readonly string[]): Promise<() => Promise<void>> {
    if (!cutting) {
      await must(
        ['nft', '-f', '-'],
        `table bridge lab {
           set cut { type ifname . ifname; }
           chain forward { type filter hook forward priority 0; policy accept; iifname . oifname @cut drop; }
         }`,
      );
      cutting = true;
    }
    const element = `bridge lab cut { ${pairs.join(', ')} }`;
    await must(['nft', `add element ${element}`]);
    return async () => void (await must(['nft', `delete element ${element}`]));
  }

  let closed = false;
  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    const all = processes();
    const networks = new Set([...hosts.values()].map(({ network }) => network));
    const ours = [...hosts.values()].flatMap(({ running }) => running).filter((one) => one.exit === null);
    const known = ours.flatMap((one) => tree(one.pid, all)).map((one) => one.pid);
    const strays = all.filter((one) => networks.has(one.network) && !known.includes(one.pid));

    killAll([...known, ...strays.map((one) => one.pid)]);
    await Promise.all(ours.map((one) => one.exited));
    await eventually('the processes of the hosts to end', 5000, () => {
      const alive = processes().filter((one) => networks.has(one.network));
      killAll(alive.map((one) => one.pid));
      return alive.length === 0 ? true : undefined;
    });
    const commands = [...hosts.keys()].map((name) => `netns delete ${name}`);
    await must(['ip', '-batch', '-'], [...commands, `link delete ${BRIDGE}`].join('\n'));
    if (cutting) await must(['nft', 'delete table bridge lab']);
    rmSync(directories, { recursive: true });
    // A namespace lets go of its interfaces a moment after it is deleted.
    await eventually(`only ${before} to be left of the interfaces`, 5000, () =>
      readdirSync('/sys/class/net').length === before.length ? true : undefined,
    );
    const left = [...hosts.keys()].filter((name) => existsSync(`/run/netns/${name}`));
    if (left.length > 0) throw new Error(`namespaces left behind: ${left}`);
    if (strays.length > 0) {
      throw new Error(`processes left behind:\n${strays.map((one) => `${one.pid} ${one.command}`).join('\n')}`);
    }
  }

  return {
    host,
    cut: (from, to) => drop([`${from.name} . ${to.name}`]),
    partition: (a, b) => drop([`${a.name} . ${b.name}`, `${b.name} . ${a.name}`]),
    close,
  };
}

function macOf(address: string): string {
  const digits = (address.split('.').at(-1) ?? '').padStart(4, '0');
  return `02:00:00:00:${digits.slice(0, 2)}:${digits.slice(2)}`;
}
