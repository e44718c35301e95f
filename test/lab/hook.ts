/**
 * hook.ts PORT: what a webhook talks to. Answers each second POST with 503, the others with 204, and prints the body of
 * each that it took, one JSON object a line.
 */

import { createServer } from 'node:http';

let asked = 0;
createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    asked += 1;
    if (asked % 2 === 0) return void response.writeHead(503).end();
    console.log(body.replaceAll('\n', ' '));
    response.writeHead(204).end();
  });
}).listen(Number(process.argv[2]), () => console.log('listening'));
