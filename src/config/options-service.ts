/** The options of [[service]] and [[service.server]], without those of its check and of its servers taken together. */

import {
  type Endpoint,
  formatEndpoint,
  type IpAddress,
  inPrefix,
  ip,
  type Prefix,
  parseEndpoint,
  parseIp,
} from '../base/address.ts';
import { derived, type Kind } from '../base/option.ts';
import { choice, duration, endpoint, integer, list, oneOrMore, parsed, wrong, yesNo } from '../base/option-kinds.ts';
import { hostAddress, name, refuseHost } from '../base/option-net.ts';
import { textOrTable } from '../base/option-tables.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { PortRange } from '../ipvs/desired.ts';
import type { Masquerade } from '../ipvs/masquerade.ts';
import { SCHEDULERS, SERVICE_FLAGS } from '../ipvs/table.ts';

const U32 = 0xffff_ffff;

/** `192.0.2.10:80`, `[2001:db8::10]:80`, or with a range of ports, `192.0.2.10:8000-8010`. */
const portRange: Kind<PortRange> = parsed({
  expected: `${endpoint.expected}, or with a range of ports, "192.0.2.10:8000-8010"`,
  parse(text) {
    const [, front = text, last] = /^(.*:\d+)-(\d{1,5})$/.exec(text) ?? [];
    const first = parseEndpoint(front);
    const why = first ? refuseHost(first.address) : parseIp(text) === undefined ? '' : 'which has no port';
    if (first === undefined || why !== undefined) return err(why ?? '');
    const lastPort = last === undefined ? first.port : Number(last);
    if (lastPort > 65535) return err('whose last port is above 65535');
    if (last !== undefined && (first.port === 0 || lastPort <= first.port)) return err('whose range is empty');
    return ok({ ...first, lastPort });
  },
  write: writePortRange,
});

export function writePortRange({ address, port, lastPort }: PortRange): string {
  return `${formatEndpoint({ address, port })}${lastPort === port ? '' : `-${lastPort}`}`;
}

/** What the kernel takes for no server (ip_vs_add_dest, which asks for a unicast address that is not link-local). */
function refuseServer(address: IpAddress): string | undefined {
  if (inPrefix(address, LINK_LOCAL)) return 'which is link-local, and IPVS sends nothing there';
  return inPrefix(address, MAPPED) ? 'which is an IPv4 address in the form of IPv6' : refuseHost(address);
}

const LINK_LOCAL: Prefix = { address: ip('fe80::'), length: 10 };
const MAPPED: Prefix = { address: ip('::ffff:0:0'), length: 96 };

export const serverAddress: Kind<Endpoint> = parsed({
  expected: 'an address, or an address and a port, such as "10.0.0.21:80"',
  parse: parseServerAddress,
  write: writeServerAddress,
});

/** The error says why the text is none, or is empty when there is nothing to add. */
export function parseServerAddress(text: string): Result<Endpoint, string> {
  const address = parseIp(text);
  const parsed = address === undefined ? parseEndpoint(text) : { address, port: 0 };
  const why = parsed ? refuseServer(parsed.address) : '';
  return parsed && why === undefined ? ok(parsed) : err(why ?? '');
}

/** Without a port where it has that of the service. */
export function writeServerAddress(at: Endpoint): string {
  return at.port === 0 ? at.address : formatEndpoint(at);
}

const forward = choice('nat', 'tun', 'dr');

const MASQUERADE = 'true, false, or the address that servers are to see, such as "10.0.0.5"';
const masquerade: Kind<Masquerade> = {
  expected: MASQUERADE,
  schema: () => ({ anyOf: [yesNo.schema(), hostAddress.schema()] }),
  read(value, key, reading) {
    if (value.type === 'boolean') return yesNo.read(value, key, reading);
    return value.type === 'string' ? hostAddress.read(value, key, reading) : wrong(value, key, reading, MASQUERADE);
  },
  write: (value) => value,
};

const TUNNEL = {
  type: {
    is: choice('ipip', 'gre', 'gue'),
    doc: 'How a packet is wrapped: IP in IP, in GRE, or in UDP (generic UDP encapsulation). Linux 5.3 or later knows more than `"ipip"`.',
  },
  port: { is: integer(0, 65535), default: 0, doc: 'UDP port of `"gue"` at the server.' },
  checksum: {
    is: choice('none', 'csum', 'remcsum'),
    default: 'none',
    doc: 'Checksum of `"gre"` and `"gue"`; `"remcsum"` is remote checksum offload, of `"gue"` alone.',
  },
} as const;
const tunnel = textOrTable(
  'tunnel of [[service]]',
  'The tunnel of `"tun"`, when there is more to say than its type.',
  'type',
  TUNNEL,
);

export const SERVER = {
  name: {
    is: name,
    default: derived<string>('its address', ({ address }) =>
      address === undefined ? undefined : writeServerAddress(address as Endpoint),
    ),
    doc: 'Name in `status`, alerts and metrics.',
  },
  address: {
    is: serverAddress,
    doc: 'Where the server listens. Without a port it is that of the service, which with `"dr"` and `"tun"` it must be.',
  },
  weight: {
    is: integer(0, 65535),
    default: 1,
    doc: 'IPVS weight while up: its share next to the others; 0 gets no new connections.',
  },
  forward: { is: forward, default: null, absent: "the service's", doc: 'How packets reach this server.' },
  tunnel: { is: tunnel, default: null, absent: "the service's", doc: 'Its tunnel, with `"tun"`.' },
  upper_threshold: {
    is: integer(0, U32),
    default: 0,
    doc: 'Connections at which it gets no new ones; 0 is no threshold.',
  },
  lower_threshold: {
    is: integer(0, U32),
    default: 0,
    doc: 'It gets new ones again when it has fewer connections than this; 0 is three quarters of `upper_threshold`.',
  },
} as const;

export const SERVICE = {
  name: { is: name, doc: 'Name of the service in `status`, alerts and metrics.' },
  active: {
    is: choice('always', 'master'),
    default: 'always',
    doc: 'When the kernel has the service: `"always"`, also in backup, ready for a failover; `"master"`, only while its virtual router is master here (each family by itself): it comes some tenths of a second after the address. Its servers are probed all the same.',
  },
  vrrp: {
    is: name,
    default: null,
    absent: 'the one whose address the service has',
    doc: 'Name of the `[[vrrp]]` of `active = "master"`.',
  },
  address: {
    is: oneOrMore(portRange, 1000),
    default: [],
    as: 'addresses',
    doc: 'Virtual address and port that clients use, a range of ports, or a list of these; port 0 is every port, and needs `persistence`.',
  },
  fwmark: {
    is: oneOrMore(integer(1, U32), 1000),
    default: [],
    as: 'fwmarks',
    doc: 'Mark that netfilter gives to the packets of the service, or a list of them, besides or instead of `address`.',
  },
  fwmark_family: {
    is: choice('ipv4', 'ipv6'),
    default: null,
    absent: 'that of the first server',
    doc: 'Of the marked packets.',
  },
  protocol: { is: choice('tcp', 'udp', 'sctp'), default: 'tcp', doc: 'Transport protocol of `address`.' },
  forward: {
    is: forward,
    doc: 'How packets reach the servers: `"nat"` rewrites the destination, `"tun"` tunnels, `"dr"` rewrites the MAC address.',
  },
  tunnel: { is: tunnel, default: null, absent: 'IP in IP', doc: 'The tunnel of `"tun"`.' },
  masquerade: {
    is: masquerade,
    default: false,
    doc: 'Whether the servers of `"nat"` see an address of the director as the client\'s, and so need no route through it: `true` is that of the outgoing interface, or say which, one that the director has. They learn nothing of the client\'s. It is done by nftables, and asks for `conntrack` of `[ipvs.sysctl]` by itself.',
  },
  scheduler: { is: choice(...SCHEDULERS), default: 'wlc', doc: "The kernel's scheduler, by its name in ipvsadm(8)." },
  flags: {
    is: list(choice(...SERVICE_FLAGS), 0, SERVICE_FLAGS.length),
    default: [],
    doc: 'Flags of the scheduler, as in ipvsadm(8): with `"sh"` and `"mh"`, `-port` takes the port of the client into account, `-fallback` goes on to another server where the one chosen is out.',
  },
  ops: {
    is: yesNo,
    default: false,
    doc: 'One-packet scheduling, of UDP: each packet goes to a server by itself, and no connection is kept.',
  },
  persistence: {
    is: duration('1s', '31d', '1s'),
    default: null,
    absent: 'no persistence',
    doc: 'How long a client keeps its server.',
  },
  persistence_granularity: {
    is: integer(1, 32),
    default: 32,
    doc: 'Prefix length of IPv4: clients that share it keep one server.',
  },
  persistence_granularity_ipv6: {
    is: integer(1, 128),
    default: 128,
    doc: 'The same, of IPv6.',
  },
  persistence_engine: {
    is: choice('sip'),
    default: null,
    absent: 'the address of the client',
    doc: 'By what a client is known: `"sip"` is the Call-ID, of UDP.',
  },
  drain_timeout: {
    is: duration('0s', '7d'),
    default: '5m',
    doc: 'How long a server that you have taken out of the file keeps its connections: it has weight 0, and goes when they are over or this time is; `"0s"` takes it out at once.',
  },
} as const;
