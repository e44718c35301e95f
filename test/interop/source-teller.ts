/** A server that tells each client, and its output, from where it is seen: `tcp 8080 10.77.0.11`. Arguments: its ports. */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const plain = (address = ''): string => address.replace(/^::ffff:/, '');

for (const port of process.argv.slice(2).map(Number)) {
  createServer((socket) => {
    const line = `tcp ${port} ${plain(socket.remoteAddress)}\n`;
    process.stdout.write(line);
    socket.on('error', () => {});
    socket.end(line);
  }).listen(port, '::');
  const udp = createSocket('udp6');
  udp.on('message', (_, { address, port: from }) => {
    const line = `udp ${port} ${plain(address)}\n`;
    process.stdout.write(line);
    udp.send(line, from, address);
  });
  udp.bind(port, '::');
}
process.stdout.write('listening\n');
