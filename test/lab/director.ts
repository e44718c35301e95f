/** lvskeeper itself on a host of the lab: the built bundle, as a package would run it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { execPath as nodePath } from 'node:process';
import type { Status } from '../../src/control/status.ts';
import type { Host } from './network.ts';
import { eventually, killAll, type Running, tree } from './process.ts';

const BUNDLE = join(import.meta.dirname, '../../dist/lvskeeper.js');

export type Director = {
  readonly host: Host;
  /** The supervisor. */
  readonly process: Running;
  readonly config: string;
  readonly socket: string;
  /** `GET /status`, asked over the control socket, which a curl costs half a second to do in the guest. */
  status(): Promise<Status>;
  /** Any path of the control socket, asked by curl with these further options. */
  control(path: string, options?: readonly string[]): Promise<string>;
  /** The process of this name, as `status` gives it. */
  pid(name: 'vrrp' | 'checker'): Promise<number>;
  /** SIGTERM, and waits for the end; whatever of it is still there then is found by `Network.close`. */
  stop(): Promise<void>;
  /** SIGKILL to every process of it at once, the supervisor first: the kernel keeps what it was given. */
  killAll(): Promise<void>;
};

/**
 * Starts it with this configuration, which says nothing in `[director]`: name and run directory come from here, the same
 * ones each time for one host, so that a second start is a restart. Returns when all its processes are ready. `bundle`:
 * another copy of it; `prefix`: a command that starts it with other rights.
 */
export async function director(
  host: Host,
  toml: string,
  { bundle = BUNDLE, prefix = [] }: { readonly bundle?: string; readonly prefix?: readonly string[] } = {},
): Promise<Director> {
  const runDirectory = join(host.directory, 'run');
  const config = join(host.directory, 'lvskeeper.toml');
  const socket = join(runDirectory, 'control.sock');
  mkdirSync(runDirectory, { recursive: true });
  writeDirectorConfig(host, toml);
  const process = host.spawn([...prefix, nodePath, bundle, 'run', config]);

  const control = (path: string, options: readonly string[] = []): Promise<string> =>
    host.must(['curl', '-sS', '--max-time', '5', '--unix-socket', socket, ...options, `http://localhost${path}`]);
  const status = async (): Promise<Status> => JSON.parse(await get(socket, '/status'));

  await eventually(
    `${host.name} to be ready`,
    60_000,
    async () => {
      if (process.exit !== null) throw new Error(`lvskeeper on ${host.name} ended too early`);
      const text = await get(socket, '/status').catch(() => '');
      if (text === '') return undefined;
      return (JSON.parse(text) as Status).processes.every((one) => one.state === 'ready') ? true : undefined;
    },
    250,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${process.output()}`);
  });

  return {
    host,
    process,
    config,
    socket,
    status,
    control,
    async pid(name) {
      const pid = (await status()).processes.find((one) => one.name === name)?.pid;
      if (pid === undefined || pid === null) throw new Error(`${host.name} has no process ${name}`);
      return pid;
    },
    async stop() {
      await process.stop(15_000);
    },
    async killAll() {
      const all = tree(process.pid).map((one) => one.pid);
      killAll(all);
      await process.exited;
      await eventually(`every process of lvskeeper on ${host.name} to end`, 5000, () =>
        host.processes().some((one) => all.includes(one.pid)) ? undefined : true,
      );
    },
  };
}

/** Writes the configuration that `director` would start with: for `check`, or to be reloaded. */
export function writeDirectorConfig(host: Host, toml: string): string {
  const config = join(host.directory, 'lvskeeper.toml');
  const head = `[director]\nname = "${host.name}"\nrun_dir = "${join(host.directory, 'run')}"\n\n`;
  writeFileSync(config, head + toml);
  return config;
}

/** The body of a good answer from a unix socket, which every network namespace can reach. */
function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, timeout: 5000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`GET ${path} of ${socketPath}: ${response.statusCode} ${body}`));
      });
    });
    asking.on('timeout', () => asking.destroy(new Error(`GET ${path} of ${socketPath}: no answer in 5 s`)));
    asking.on('error', reject);
    asking.end();
  });
}
