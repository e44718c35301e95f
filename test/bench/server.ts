/** server.ts: accepts every connection to port 80, answers each request with a 200, and closes. The cheapest that Node can. */

import { createServer } from 'node:net';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

const server = createServer((socket) => {
  socket.on('data', () => socket.end(ANSWER));
  socket.on('error', () => {});
});
server.listen({ port: 80, host: '0.0.0.0', backlog: 4096 }, () => console.log('listening'));
