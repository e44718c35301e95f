/** The two daemons under test, behind one interface: the only place that knows how either is configured and started. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../src/control/status.ts';
import type { Host } from '../lab/network.ts';
import { eventually, killAll, now, type Running, signalAll, tree } from '../lab/process.ts';

/** The copy of the build that `run.ts` made for this run. */
const BUNDLE = join(process.env.LAB_OUT ?? '', '../dist/lvskeeper.js');
/** The command, as a package runs it: packaging/files/lvskeeper.sh. */
export const asInstalled = (node = process.execPath): readonly string[] => [node, '--max-semi-space-size=1', BUNDLE];

export type Router = {
  readonly routerId: number;
  readonly address: string;
  /** Milliseconds. */
  readonly interval: number;
  /** One that takes the role back from a lower one. Without it: 100, which takes none. */
  readonly priority?: number;
};
/** `kept`: http on a connection that stays, where the daemon has that; else on a new one. */
export type Check = 'none' | 'tcp' | 'http' | 'kept';
export type Service = {
  /** Without the port, which is 80 everywhere. */
  readonly address: string;
  readonly servers: readonly string[];
  /** Every server once a second. */
  readonly check: Check;
  /** Failures in a row, a second apart, that fail a server; without it as the daemon has it. */
  readonly fall?: number;
};
export type Workload = {
  readonly routers?: readonly Router[];
  readonly services?: readonly Service[];
  /** That services go with the daemon, as keepalived's always do. */
  readonly clearing?: boolean;
};

/** What a process is for: `parent` is the one that was started, and starts the others. */
export type Role = 'vrrp' | 'checker' | 'parent';

export type Started = {
  readonly process: Running;
  /** All its processes, the one that was started first. */
  pids(): number[];
  /** The one that does this work now. */
  pidOf(role: Role): Promise<number>;
  /**
   * Ends it: SIGTERM to the first, or SIGKILL to all at once, stopped first, so that none reacts to the death of another.
   * `sent` is the moment of the signal; `gone` settles when no process is left.
   */
  end(signal: 'SIGTERM' | 'SIGKILL'): { readonly sent: number; readonly gone: Promise<unknown> };
};

export type Daemon = {
  readonly name: 'lvskeeper' | 'keepalived';
  /** Writes its configuration; a start after this one uses it. */
  configure(host: Host, workload: Workload): void;
  start(host: Host): Started;
  /** What it prints when its processes have begun their work. */
  readonly ready: RegExp;
};

/** lvskeeper as a package runs it. `node`: the runtime; a copy of its own shares no memory with other work here. */
export const lvskeeper = (node: string = process.execPath): Daemon => ({
  name: 'lvskeeper',
  configure(host, { routers = [], services = [], clearing = false }) {
    const run = join(host.directory, 'run');
    mkdirSync(run, { recursive: true });
    const text = [`[director]\nname = "${host.name}"\nrun_dir = "${run}"\n`];
    if (clearing) text.push('[ipvs]\non_stop = "remove"\n');
    for (const { routerId, address, interval, priority } of routers)
      text.push(
        `[[vrrp]]\nname = "r${routerId}"\ninterface = "eth0"\nrouter_id = ${routerId}\ninterval = "${interval}ms"`,
        `addresses = ["${address}/32"]\n${priority === undefined ? 'preempt = false' : `priority = ${priority}`}\n`,
      );
    for (const { address, servers, check, fall } of services) {
      text.push(`[[service]]\nname = "${address}"\naddress = "${address}:80"\nforward = "nat"\nscheduler = "rr"\n`);
      if (check !== 'none')
        text.push(
          `[service.check]\ntype = "${check === 'kept' ? 'http' : check}"\ninterval = "1s"\ntimeout = "1s"`,
          `${check === 'kept' ? 'keep_alive = true\n' : ''}${fall === undefined ? '' : `fall = ${fall}\n`}`,
        );
      for (const server of servers) text.push(`[[service.server]]\naddress = "${server}:80"`);
    }
    writeFileSync(join(host.directory, 'lvskeeper.toml'), `${text.join('\n')}\n`);
  },
  start: (host) =>
    started(host.spawn([...asInstalled(node), 'run', join(host.directory, 'lvskeeper.toml')]), async (role) => {
      const socket = join(host.directory, 'run', 'control.sock');
      const status = JSON.parse(
        await host.must([...asInstalled(node), 'status', '--json', '--socket', socket]),
      ) as Status;
      return status.processes.find(({ name }) => name === role)?.pid ?? Number.NaN;
    }),
  ready: /"process":"(?:vrrp|checker)","what":"ready"/,
});

/**
 * keepalived as Debian installs it. `realtime`: with the options that its manual gives against a busy machine. `preload`: with
 * this library, whose environment is set too.
 */
export const keepalived = ({ realtime = false, preload = [] as readonly string[] } = {}): Daemon => ({
  name: 'keepalived',
  configure(host, { routers = [], services = [] }) {
    const tuned = realtime ? '  vrrp_rt_priority 50\n  vrrp_no_swap\n' : '';
    const text = [`global_defs {\n  router_id ${host.name}\n${tuned}}`];
    for (const { routerId, address, interval, priority } of routers)
      text.push(
        `vrrp_instance R${routerId} {\n  state BACKUP\n  interface eth0\n  version 3`,
        ...(priority === undefined ? ['  nopreempt'] : []),
        `  virtual_router_id ${routerId}\n  priority ${priority ?? 100}\n  advert_int ${interval / 1000}`,
        `  virtual_ipaddress {\n    ${address}/32\n  }\n}`,
      );
    for (const { address, servers, check, fall } of services) {
      text.push(`virtual_server ${address} 80 {\n  delay_loop 1\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP`);
      for (const server of servers) text.push(`  real_server ${server} 80 {\n    weight 1\n${checkOf(check, fall)}  }`);
      text.push('}');
    }
    writeFileSync(join(host.directory, 'keepalived.conf'), `${text.join('\n')}\n`);
  },
  start(host) {
    const pid = (name: string): string => join(host.directory, `keepalived-${name}.pid`);
    // It refuses to start on the pid files of one that was killed.
    for (const name of ['main', 'vrrp', 'checkers']) rmSync(pid(name), { force: true });
    const files = ['--pid', pid('main'), '--vrrp_pid', pid('vrrp'), '--checkers_pid', pid('checkers')];
    // -G: without it each line goes to the console of the machine too, which is slow in the guest.
    return started(
      host.spawn([
        'env',
        ...preload,
        'keepalived',
        '-n',
        '-l',
        '-G',
        '-f',
        join(host.directory, 'keepalived.conf'),
        ...files,
      ]),
      async (role) => Number(readFileSync(pid(role === 'checker' ? 'checkers' : role), 'utf8')),
    );
  },
  ready: /Entering BACKUP STATE/,
});

/** Its retries are counted after the first failure. */
function checkOf(check: Check, fall: number | undefined): string {
  if (check === 'none') return '';
  const retry = fall === undefined ? '' : `      retry ${fall - 1}\n      delay_before_retry 1\n`;
  const [name, url] = check === 'tcp' ? ['TCP_CHECK', ''] : ['HTTP_GET', URL_CHECKED];
  return `    ${name} {\n${url}      connect_timeout 1\n${retry}    }\n`;
}
const URL_CHECKED = '      url {\n        path /\n        status_code 200\n      }\n';

function started(root: Running, child: (role: Role) => Promise<number>): Started {
  const pids = (): number[] => tree(root.pid).map(({ pid }) => pid);
  return {
    process: root,
    pids,
    pidOf: async (role) => (role === 'parent' ? root.pid : child(role)),
    end(how) {
      const all = pids();
      const sent = now();
      if (how === 'SIGTERM') root.kill('SIGTERM');
      else {
        signalAll(all, 'SIGSTOP');
        killAll(all);
      }
      return {
        sent,
        gone: eventually('its processes to end', 30_000, () => (all.some(alive) ? undefined : true), 5),
      };
    },
  };
}

const alive = (pid: number): boolean => signalAll([pid], 0);

/** Both, in the order of the columns. */
export const BOTH = ['ours', 'theirs'] as const;
export type Column = (typeof BOTH)[number];
