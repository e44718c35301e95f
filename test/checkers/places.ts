/** Where the misbehaving is: a port of 127.0.0.1, or a file. Each is made when first asked for, and there until the end. */

import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Behaviour, silent } from './behaviour.ts';

/** What an option may name in braces, such as `{port}`. */
export type Place = Readonly<Record<string, string | number>>;
export type Manner = (stage: Stage) => Promise<Place>;

export type Stage = {
  /** Ends with the stage. */
  onEnd(end: () => void): void;
  /** The place where this manner is, made once. */
  place(manner: Manner): Promise<Place>;
  /** A folder of this stage, which everybody may look into. */
  folder(): string;
  /** Connections that servers of this stage have open. */
  open(): number;
  adopt(socket: net.Socket): void;
  end(): void;
};

export function createStage(): Stage {
  const ends: (() => void)[] = [];
  const places = new Map<Manner, Promise<Place>>();
  const sockets = new Set<net.Socket>();
  let folder: string | undefined;
  const stage: Stage = {
    onEnd: (end) => void ends.push(end),
    place(manner) {
      let place = places.get(manner);
      if (place === undefined) {
        place = manner(stage);
        places.set(manner, place);
      }
      return place;
    },
    folder() {
      if (folder !== undefined) return folder;
      const made = mkdtempSync(join(tmpdir(), 'lvskeeper-checkers-'));
      chmodSync(made, 0o755);
      ends.push(() => rmSync(made, { recursive: true, force: true }));
      folder = made;
      return made;
    },
    open: () => sockets.size,
    adopt(socket) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    },
    end() {
      for (const end of ends) end();
      for (const socket of sockets) socket.destroy();
    },
  };
  return stage;
}

/** A server that does so with every connection. */
export const accepts =
  (behaviour: Behaviour): Manner =>
  async (stage) => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      stage.adopt(socket);
      socket.once('end', () => socket.end());
      behaviour(socket);
    });
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(server, 'listening');
    stage.onEnd(() => server.close());
    return { port: portOf(server) };
  };

/** Nobody listens: it is the near end of a connection, so that no other server of the table gets it meanwhile. */
export const closedPort: Manner = async (stage) => {
  const { port } = await accepts(silent)(stage);
  const holder = net.connect(Number(port), '127.0.0.1');
  stage.adopt(holder);
  await once(holder, 'connect');
  return { port: holder.localPort ?? 0 };
};

/** The queue of connections is full, so that the kernel drops every SYN; after `ms`, if they are given, all are accepted. */
export const fullQueue =
  (ms?: number): Manner =>
  async (stage) => {
    const wait = (time: string): string => `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${time})`;
    const program = `
      const server = require('node:net').createServer((socket) => socket.on('error', () => undefined));
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        require('node:fs').writeSync(1, String(server.address().port));
        ${wait(String(ms))};
      });`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    stage.onEnd(() => child.kill('SIGKILL'));
    const [said] = await once(child.stdout, 'data');
    const port = Number(said);
    // The kernel holds one more than it is asked to.
    for (let i = 0; i < 2; i++) {
      const filler = net.connect(port, '127.0.0.1');
      stage.adopt(filler);
      await once(filler, 'connect');
    }
    return { port };
  };

/** A server over UDP; `behave` is given each datagram, and what answers it. With `tcp` it has the same port there too. */
export const receives =
  (behave: (datagram: Buffer, reply: (answer: Uint8Array | string) => void) => void, tcp?: Manner): Manner =>
  async (stage) => {
    const other = tcp === undefined ? undefined : await tcp(stage);
    const socket = dgram.createSocket('udp4');
    socket.on('message', (datagram, from) =>
      behave(datagram, (answer) => socket.send(answer, from.port, from.address, () => undefined)),
    );
    socket.bind(Number(other?.port ?? 0), '127.0.0.1');
    await once(socket, 'listening');
    stage.onEnd(() => socket.close());
    return { port: socket.address().port };
  };

/** The same: a socket that is connected hears nobody else. */
export const closedUdpPort: Manner = async (stage) => {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.connect(9, '127.0.0.1');
  await once(socket, 'connect');
  stage.onEnd(() => socket.close());
  return { port: socket.address().port };
};

function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return address.port;
}
