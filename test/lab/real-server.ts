/**
 * real-server.ts NAME [KEY CERTIFICATE]: a real server. HTTP on port 80, HTTPS on 443 when given a key and a
 * certificate, and UDP on port 53 of every address the host has when it starts.
 *
 *   GET /              NAME, the client's address as seen here, and how many of these were answered, each on a line
 *   GET /healthz       the status that was set last, at first 200
 *   PUT /healthz/503   sets it
 *
 * Over UDP any datagram is answered with NAME, from the address it was sent to.
 */

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import { networkInterfaces } from 'node:os';

const [name = '', key, certificate] = process.argv.slice(2);
let answered = 0;
let health = 200;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, first = '', second = ''] = (request.url ?? '/').split('/');
  if (first === 'healthz') {
    if (request.method === 'PUT') health = Number(second);
    response.writeHead(request.method === 'PUT' ? 204 : health).end();
    return;
  }
  answered += 1;
  response.end(`${name}\n${request.socket.remoteAddress}\n${answered}\n`);
}

async function listen(): Promise<void> {
  const http = createHttpServer(answer);
  // Every address there is, or node would listen on :: and show clients as ::ffff:10.77.0.10.
  await new Promise<void>((resolve) => http.listen({ port: 80, host: '0.0.0.0', backlog: 1024 }, resolve));
  if (key !== undefined && certificate !== undefined) {
    const { createServer } = await import('node:https');
    const https = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer);
    await new Promise<void>((resolve) => https.listen({ port: 443, host: '0.0.0.0' }, resolve));
  }
  const addresses = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  for (const { address } of addresses.filter((one) => one.family === 'IPv4')) {
    const udp = createSocket('udp4');
    udp.on('message', (_, from) => udp.send(name, from.port, from.address));
    await new Promise<void>((resolve) => udp.bind(53, address, resolve));
  }
}

process.on('SIGTERM', () => process.exit(0));
await listen();
// The next one of these starts sooner for it, and this one may be killed before it could write.
flushCompileCache();
console.log('listening');
