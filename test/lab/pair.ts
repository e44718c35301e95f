/** The pair that the stories tell of: lb1 with priority 150, lb2 with 100, one service for each forwarding mode. */

import { type Director, director } from './director.ts';
import { eventually } from './process.ts';
import { type Mode, type Topology, VIP } from './topology.ts';

/** What the protocol allows for, with an interval of one second: RFC 9568, 6.1. */
export const INTERVAL = 1000;
export const skew = (priority: number): number => ((256 - priority) / 256) * INTERVAL;
/** What is granted beyond the protocol's own time, to the machine and to whoever measures. */
export const GRACE = 200;

export const CHECK = { interval: 1000, timeout: 800, rise: 2, fall: 2 } as const;
export const PRIORITY = { lb1: 150, lb2: 100 } as const;

/** One `[[vrrp]]` with the three virtual addresses. */
export const vrrpToml = (priority: number, more = ''): string => `
[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
priority = ${priority}
addresses = [${Object.values(VIP)
  .map((address) => `"${address}/24"`)
  .join(', ')}]
${more}
`;

/** The services of one mode, TCP 80 checked over HTTP and UDP 53 checked by the same, over all servers. */
export function servicesToml(mode: Mode, servers: readonly string[], more = ''): string {
  const check = `
[service.check]
type = "http"
path = "/healthz"
port = 80
interval = "${CHECK.interval}ms"
timeout = "${CHECK.timeout}ms"
rise = ${CHECK.rise}
fall = ${CHECK.fall}
`;
  const service = (name: string, protocol: string, port: number): string => `
[[service]]
name = "${name}"
address = "${VIP[mode]}:${port}"
protocol = "${protocol}"
forward = "${mode}"
scheduler = "rr"
${more}
${check}
${servers.map((address) => `[[service.server]]\naddress = "${address}:${port}"\nweight = 10\n`).join('')}
`;
  return service(mode, 'tcp', 80) + service(`${mode}-udp`, 'udp', 53);
}

export const addressesOf = (lab: Topology): string[] => lab.servers.map((one) => one.host.address);

/** The whole config of one director of the pair, of the given modes. */
export const directorToml = (lab: Topology, priority: number, modes: readonly Mode[] = ['nat', 'tun', 'dr']): string =>
  vrrpToml(priority) + modes.map((mode) => servicesToml(mode, addressesOf(lab))).join('');

/** Starts both, lb1 first, and returns when lb1 is master. */
export async function startPair(lab: Topology, modes?: readonly Mode[]): Promise<{ lb1: Director; lb2: Director }> {
  const lb1 = await director(lab.lb1, directorToml(lab, PRIORITY.lb1, modes));
  const lb2 = await director(lab.lb2, directorToml(lab, PRIORITY.lb2, modes));
  await becomes(lb1, 'master');
  return { lb1, lb2 };
}

/** Waits until the director says that its router is in this state. */
export async function becomes(one: Director, state: string, within = 20_000): Promise<void> {
  const deadline = performance.now() + within;
  for (;;) {
    const router = (await one.status()).routers[0];
    if (router?.state === state) return;
    if (performance.now() > deadline)
      throw new Error(`${one.host.name} is ${router?.state}, not ${state}, after ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until every server of every service has its weight in the kernel, as the director says. */
export const serversUp = (one: Director): Promise<true> =>
  eventually(`the servers to be up on ${one.host.name}`, 15_000, async () =>
    (await one.status()).services.every((s) => s.servers.every((server) => server.weight === 10)) ? true : undefined,
  );
