/** keepalived, Debian's, as the other director. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './network.ts';
import { eventually, killAll, type Running, tree } from './process.ts';

export type Keepalived = {
  readonly process: Running;
  /** SIGTERM, and waits for the end: it sends priority 0 and takes its addresses away. */
  stop(): Promise<void>;
  /** SIGKILL to every process of it at once: the kernel keeps what it was given. */
  killAll(): Promise<void>;
};

/** Starts it on the host, with files of its own, and waits until its VRRP process runs. */
export async function keepalived(host: Host, configuration: string): Promise<Keepalived> {
  const file = join(host.directory, 'keepalived.conf');
  const pid = (name: string): string => join(host.directory, `keepalived-${name}.pid`);
  writeFileSync(file, configuration);
  const pids = ['--pid', pid('main'), '--vrrp_pid', pid('vrrp'), '--checkers_pid', pid('checkers')];
  const process = host.spawn(['keepalived', '-n', '-l', '-D', '-f', file, ...pids]);
  await process.printed(/Starting VRRP child process/);
  return {
    process,
    async stop() {
      await process.stop();
      await eventually('the processes of keepalived to end', 5000, () =>
        host.processes().some((one) => one.command.includes(file)) ? undefined : true,
      );
    },
    async killAll() {
      killAll(tree(process.pid).map((one) => one.pid));
      await process.exited;
    },
  };
}
