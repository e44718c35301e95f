/**
 * client.ts PROTOCOL ADDRESS PORT EVERY DEADLINE: a client that asks again and again, every EVERY ms, whether or not
 * earlier asks were answered. Each ask has its own socket, source port and DEADLINE in ms. `tcp` asks are HTTP GETs on a
 * new connection; `udp` asks are one datagram each. The answer is the name of the server.
 *
 * A line on standard input makes it print, as one line of JSON, the asks that have ended since the last time; the end of
 * standard input does so once more after the last ask has ended, and ends the process.
 */

import { createSocket } from 'node:dgram';
import { flushCompileCache } from 'node:module';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** One ask. Times are milliseconds of CLOCK_MONOTONIC. */
export type Ask = {
  readonly start: number;
  readonly end: number;
  /** The server that answered; `null` when none did. */
  readonly server: string | null;
  /** Why there was no answer: an errno, `timeout`, or what was wrong with it; `null` when there was one. */
  readonly error: string | null;
};

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const [protocol, address = '', port = '', every = '', deadline = ''] = process.argv.slice(2);
const ended: Ask[] = [];
let open = 0;

function ask(): void {
  const start = now();
  open += 1;
  let done = false;
  const finish = (server: string | null, error: string | null): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    close();
    open -= 1;
    ended.push({ start, end: now(), server, error });
  };
  const timer = setTimeout(() => finish(null, 'timeout'), Number(deadline));
  const close = protocol === 'udp' ? askUdp(finish) : askTcp(finish);
}

type Finish = (server: string | null, error: string | null) => void;
const errno = (error: Error & { code?: string }): string => error.code ?? error.message;

function askTcp(finish: Finish): () => void {
  const socket = connect({ host: address, port: Number(port) });
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('end', () => {
    const server = /^HTTP\/1\.1 200 .*\r\n\r\n(\S+)/s.exec(text)?.[1];
    if (server === undefined) finish(null, text === '' ? 'closed' : text.slice(0, text.indexOf('\r\n')));
    else finish(server, null);
  });
  socket.on('error', (error) => finish(null, errno(error)));
  socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`);
  return () => socket.destroy();
}

function askUdp(finish: Finish): () => void {
  const socket = createSocket('udp4');
  socket.on('message', (message) => finish(message.toString(), null));
  socket.on('error', (error) => finish(null, errno(error)));
  socket.connect(Number(port), address, () => socket.send('who?'));
  return () => socket.close();
}

flushCompileCache();
const began = now();
let asked = 0;
function tick(): void {
  ask();
  asked += 1;
  // Asks that are overdue are not made up for in a burst; they keep their beat.
  asked = Math.max(asked, Math.floor((now() - began) / Number(every)));
  next = setTimeout(tick, Math.max(0, began + asked * Number(every) - now()));
}
let next = setTimeout(tick, 0);

const report = (): boolean => process.stdout.write(`${JSON.stringify(ended.splice(0))}\n`);
const input = createInterface({ input: process.stdin });
input.on('line', report);
input.on('close', () => {
  clearTimeout(next);
  const wait = setInterval(() => {
    if (open > 0) return;
    clearInterval(wait);
    report();
  }, 10);
});
process.on('SIGTERM', () => process.exit(0));
console.log('asking');
