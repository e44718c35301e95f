/** FRR's zebra and vrrpd, Debian's, as the other router. */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './network.ts';
import { eventually, killAll, type Running, tree } from './process.ts';

export type Frr = {
  readonly vrrpd: Running;
  /** SIGTERM to vrrpd, which resigns and turns its interfaces off, then to zebra, which it does that through. */
  stop(): Promise<void>;
  /** SIGKILL to both at once: the kernel keeps what it was given. */
  killAll(): Promise<void>;
};

const PROGRAMS = '/usr/lib/frr';

/**
 * Starts both on the host and returns when vrrpd runs a virtual router. The macvlan interfaces with the virtual MAC and
 * the addresses, which it does not make itself, must be there.
 */
export async function frr(host: Host, configuration: string): Promise<Frr> {
  // They give up root's rights, and cannot enter the host's own directory then.
  const directory = `/run/frr-${host.name}`;
  const zapi = join(directory, 'zserv.api');
  rmSync(directory, { recursive: true, force: true });
  await host.must(['install', '-d', '-o', 'frr', '-g', 'frr', directory]);
  const start = (name: string, text: string): Running => {
    const file = join(directory, `${name}.conf`);
    writeFileSync(file, text);
    const places = ['--vty_socket', directory, '-z', zapi, '-i', join(directory, `${name}.pid`)];
    return host.spawn([
      join(PROGRAMS, name),
      ...places,
      '-P',
      '0',
      '-f',
      file,
      '--log',
      'stdout',
      '--log-level',
      'debug',
    ]);
  };
  const zebra = start('zebra', '');
  // A vrrpd that finds no zebra tries again only after ten seconds.
  await eventually(`zebra on ${host.name} to listen`, 10_000, () => existsSync(zapi) || undefined);
  const vrrpd = start('vrrpd', configuration);
  await vrrpd.printed(/Initialize -> Backup/, 10_000);
  return {
    vrrpd,
    async stop() {
      await vrrpd.stop();
      await zebra.stop();
    },
    async killAll() {
      killAll([vrrpd, zebra].flatMap((one) => tree(one.pid)).map((one) => one.pid));
      await Promise.all([vrrpd.exited, zebra.exited]);
    },
  };
}
