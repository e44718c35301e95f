/** What the machine says about itself, through tools that are not ours. */

import type { Host } from './network.ts';
import { must } from './process.ts';

export type VirtualService = {
  readonly protocol: string;
  /** `10.77.0.100:80`, or the mark of a firewall-mark service. */
  readonly address: string;
  readonly scheduler: string;
  /** `persistent 300` and the like; empty for none. */
  readonly flags: string;
  readonly servers: readonly RealServer[];
};
export type RealServer = {
  readonly address: string;
  /** As ipvsadm says it: `Masq`, `Tunnel`, `Route`, `Local`. */
  readonly forward: string;
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
};

/** The kernel's IPVS table on a host, by `ipvsadm -Ln`, in the kernel's order, without the services of probes. */
export async function ipvsadm(host: Host): Promise<VirtualService[]> {
  return parseIpvsadm(await host.must(['ipvsadm', '-Ln'])).filter((service) => !isOfProbes(service));
}

/** Those that probes through IPVS go by. */
export async function ipvsadmOfProbes(host: Host): Promise<VirtualService[]> {
  return parseIpvsadm(await host.must(['ipvsadm', '-Ln'])).filter(isOfProbes);
}

/** By the default of `first_probe_mark`. */
const FIRST_MARK = 0x4c56_0000;
const isOfProbes = ({ protocol, address }: VirtualService): boolean =>
  protocol === 'FWM' && Number(address) >= FIRST_MARK;

export function parseIpvsadm(text: string): VirtualService[] {
  const services: (VirtualService & { servers: RealServer[] })[] = [];
  for (const line of text.split('\n').slice(3)) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '->') {
      const [, address = '', forward = '', weight, active, inactive] = words;
      const server = { address, forward, weight: Number(weight), active: Number(active), inactive: Number(inactive) };
      services.at(-1)?.servers.push(server);
    } else if (words.length >= 3) {
      const [protocol = '', address = '', scheduler = '', ...flags] = words;
      services.push({ protocol, address, scheduler, flags: flags.join(' '), servers: [] });
    }
  }
  return services;
}

/** The rules that would make the same table, by `ipvsadm -Sn`, sorted, without the services of probes: equal tables give equal lists. */
export async function ipvsRules(host: Host): Promise<string[]> {
  const rules = (await host.must(['ipvsadm', '-Sn'])).split('\n').filter(Boolean);
  return rules.filter((rule) => !(Number(/ -f (\d+)/.exec(rule)?.[1]) >= FIRST_MARK)).sort();
}

/** The addresses on an interface, `10.77.0.100/32`, by `ip -j address`. IPv6 link-local ones are left out. */
export async function addresses(host: Host, device = 'eth0'): Promise<string[]> {
  const text = await must(['ip', '-n', host.name, '-j', 'address', 'show', 'dev', device]);
  const links = JSON.parse(text) as { addr_info: { local: string; prefixlen: number; scope: string }[] }[];
  return links
    .flatMap((link) => link.addr_info)
    .filter((one) => one.scope !== 'link')
    .map((one) => `${one.local}/${one.prefixlen}`);
}

export type Answer = {
  /** 0 when there was none. */
  readonly status: number;
  readonly body: string;
  /** curl's exit code; 0 when there was an answer, whatever its status. */
  readonly code: number;
};

/** One request by curl on the host, on a new connection, with 5 s to answer unless `options` says otherwise. */
export async function curl(host: Host, url: string, options: readonly string[] = []): Promise<Answer> {
  const argv = ['curl', '-s', '--max-time', '5', '-w', '\n%{http_code}', ...options, url];
  const { stdout, code } = await host.exec(argv);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end), code: code ?? -1 };
}
