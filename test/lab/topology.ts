/**
 * The one topology of all stories: a client, two directors and real servers on one wire, and a virtual address for each
 * forwarding mode, so that all three run at once over the same servers.
 *
 *              cl 10.77.0.10
 *                   │                        nat 10.77.0.100
 *   ────────┬───────┼───────┬────────        tun 10.77.0.101
 *           │       │       │                dr  10.77.0.102
 *      lb1 .11   lb2 .12   rs1 .21, rs2 .22, rs3 .23
 *
 * NAT needs the replies to cross the director, TUN and DR need them not to: on the real servers, what comes from their own
 * address to the client goes by way of 10.77.0.100, what comes from a virtual address goes straight.
 */

import { join } from 'node:path';
import { createNetwork, type Host, type Network } from './network.ts';
import { eventually, killAll, must, type Running } from './process.ts';
import { curl } from './witness.ts';

export const VIP = { nat: '10.77.0.100', tun: '10.77.0.101', dr: '10.77.0.102' } as const;
export type Mode = keyof typeof VIP;

export type Topology = {
  readonly network: Network;
  readonly client: Host;
  readonly lb1: Host;
  readonly lb2: Host;
  readonly servers: readonly Server[];
  /** Removes it all; see `Network.close`. */
  close(): Promise<void>;
};

export type Server = {
  readonly host: Host;
  /** Kills the server's process: its port refuses from then on. */
  kill(): Promise<void>;
  /** Starts it again and waits until it answers. */
  start(): Promise<void>;
  /** Makes `/healthz` answer with this status. */
  health(status: number): Promise<void>;
};

const REAL_SERVER = join(import.meta.dirname, 'real-server.ts');
const CLIENT_ADDRESS = '10.77.0.10';

/** With `servers` running real servers, and nothing on the directors but their kernel settings. */
export async function createTopology({ servers = 3, https = false } = {}): Promise<Topology> {
  const network = await createNetwork();
  try {
    const client = await network.host('cl', CLIENT_ADDRESS);
    const lb1 = await director(network, 'lb1', '10.77.0.11');
    const lb2 = await director(network, 'lb2', '10.77.0.12');
    const real: Server[] = [];
    for (let i = 1; i <= servers; i += 1) real.push(await server(network, `rs${i}`, `10.77.0.2${i}`, https));
    // One after the other: the first fills node's compile cache for the others.
    for (const one of real) await one.start();
    return { network, client, lb1, lb2, servers: real, close: network.close };
  } catch (error) {
    await network.close();
    throw error;
  }
}

async function director(network: Network, name: string, address: string): Promise<Host> {
  const host = await network.host(name, address);
  await host.sysctl({
    'net.ipv4.ip_forward': 1,
    'net.ipv4.conf.all.send_redirects': 0,
    'net.ipv4.conf.eth0.send_redirects': 0,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.eth0.rp_filter': 0,
  });
  return host;
}

async function server(network: Network, name: string, address: string, https: boolean): Promise<Server> {
  const host = await network.host(name, address);
  // tunl0 appears in a namespace by itself as soon as the module is loaded, or is made here.
  await host.must(
    ['sh', '-e', '-c', '[ -e /sys/class/net/tunl0 ] || ip tunnel add tunl0 mode ipip; ip -batch -'],
    [
      'link set tunl0 up',
      `address add ${VIP.tun}/32 dev lo`,
      `address add ${VIP.dr}/32 dev lo`,
      `rule add from ${address} lookup 100`,
      `route add ${CLIENT_ADDRESS} via ${VIP.nat} dev eth0 table 100`,
    ].join('\n'),
  );
  await host.sysctl({
    'net.ipv4.conf.all.arp_ignore': 1,
    'net.ipv4.conf.all.arp_announce': 2,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.eth0.rp_filter': 0,
    'net.ipv4.conf.tunl0.rp_filter': 0,
  });
  const certificate = https ? await makeCertificate(host) : [];
  let process: Running | null = null;
  return {
    host,
    async start() {
      process = host.node(REAL_SERVER, [name, ...certificate]);
      await process.printed(/listening/);
    },
    async kill() {
      if (process === null) return;
      killAll([process.pid]);
      await process.exited;
    },
    async health(status) {
      await eventually(`${name} to take its health`, 5000, async () => {
        const url = `http://127.0.0.1/healthz/${status}`;
        return (await curl(host, url, ['-X', 'PUT'])).status === 204 ? true : undefined;
      });
    },
  };
}

/** The certificate that an `https` server shows, to be trusted by a check: for its name and for its address. */
export const certificateOf = (server: Server): string => join(server.host.directory, 'certificate.pem');

async function makeCertificate(host: Host): Promise<string[]> {
  const [key, certificate] = [join(host.directory, 'key.pem'), join(host.directory, 'certificate.pem')];
  const names = `subjectAltName=DNS:${host.name}.lab,IP:${host.address}`;
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${host.name}.lab`];
  await must(['openssl', 'req', '-x509', '-days', '1', ...kind, '-addext', names, '-keyout', key, '-out', certificate]);
  return [key, certificate];
}
