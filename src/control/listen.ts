/** Where the control API and the metrics listen: the unix socket and its ownership, and a TCP port. */

import { mkdirSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import { type Endpoint, formatEndpoint } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { call } from './client.ts';

/** Takes no more connections, ends those there are, and removes the unix socket. */
export type Listening = { readonly close: () => Promise<void> };

/**
 * Listens on the unix socket `path`, with mode 0600. The socket of a dead daemon is replaced; one that anybody still
 * listens on is not, and neither is a file of another kind. The error says what to do.
 */
export async function listenUnix(server: Server, path: string): Promise<Result<Listening, string>> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  } catch (error) {
    return err(`cannot make ${dirname(path)} for the control socket: ${codeOf(error)}`);
  }
  let failure = await attempt(server, () => listenPrivately(server, path));
  if (failure === 'EADDRINUSE') {
    const taken = await clearStale(path);
    if (taken !== undefined) return err(taken);
    failure = await attempt(server, () => listenPrivately(server, path));
  }
  return failure === undefined ? ok(closerOf(server)) : err(`cannot listen on the control socket ${path}: ${failure}`);
}

/** Listens on a TCP address. */
export async function listenTcp(server: Server, { address, port }: Endpoint): Promise<Result<Listening, string>> {
  const failure = await attempt(server, () => server.listen({ host: address, port }));
  if (failure === undefined) return ok(closerOf(server));
  const where = formatEndpoint({ address, port });
  if (failure === 'EADDRINUSE')
    return err(`cannot listen on ${where}: another program does; choose another metrics.listen`);
  if (failure === 'EADDRNOTAVAIL') return err(`cannot listen on ${where}: this machine does not have that address`);
  return err(`cannot listen on ${where}: ${failure}`);
}

/** Binding is synchronous, so the file is never there with another mode. */
function listenPrivately(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
}

function attempt(server: Server, listen: () => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      server.off('listening', done);
      resolve(error.code ?? error.message);
    };
    const done = (): void => {
      server.off('error', failed);
      // A connection that the kernel refuses to accept (no descriptors left) is the client's loss only.
      server.on('error', () => {});
      resolve(undefined);
    };
    server.once('error', failed);
    server.once('listening', done);
    listen();
  });
}

/** Removes a socket that nobody listens on; otherwise says who is in the way. */
async function clearStale(path: string): Promise<string | undefined> {
  const before = statSync(path, { throwIfNoEntry: false });
  if (before === undefined) return undefined;
  if (!before.isSocket()) return `${path} is there and is not a socket; remove it or choose another director.run_dir`;
  const found = await call(path, { method: 'GET', path: '/', timeout: 2_000 });
  if (found.ok) {
    const { pid } = found.value.body as { pid?: unknown };
    return `another lvskeeper is running (pid ${pid ?? 'unknown'}): it listens on ${path}; stop it first, or give this one another director.run_dir`;
  }
  if (found.error.code !== 'ECONNREFUSED')
    return `another program holds ${path} and does not answer (${found.error.code}); stop it first, or give this director another director.run_dir`;
  // Another one starting at this very moment may have replaced it already.
  if (statSync(path, { throwIfNoEntry: false })?.ino === before.ino) unlinkSync(path);
  return undefined;
}

const closerOf = (server: Server): Listening => ({
  close: () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
});

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);
