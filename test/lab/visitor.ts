/**
 * visitor.ts ADDRESS PORT: a client that stays. It asks `GET /` on one connection, again and again, and prints the name
 * of the server with each answer, and `closed` when the connection ends. SIGTERM ends it with a reset, which leaves no
 * state behind in between.
 */

import { connect } from 'node:net';

const [address = '', port = ''] = process.argv.slice(2);
/** Less than the 5 s after which node's server closes an idle connection. */
const EVERY = 200;

const socket = connect({ host: address, port: Number(port) });
const ask = (): boolean => socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
socket.setEncoding('latin1');
socket.on('connect', () => {
  ask();
  setInterval(ask, EVERY);
});
socket.on('data', (text: string) => {
  const server = /\r\n\r\n(\S+)/.exec(text)?.[1];
  if (server !== undefined) console.log(server);
});
socket.on('error', () => {});
socket.on('close', () => {
  console.log('closed');
  process.exit(1);
});
process.on('SIGTERM', () => {
  socket.removeAllListeners('close');
  socket.resetAndDestroy();
  setTimeout(() => process.exit(0), 100);
});
