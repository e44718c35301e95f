/** The options of [ipvs] with its settings and its connection synchronization: what of IPVS belongs to no service. */

import type { Kind } from '../base/option.ts';
import { choice, duration, integer, parsed, wrong, yesNo } from '../base/option-kinds.ts';
import { interfaceName, multicastGroup, name } from '../base/option-net.ts';
import { inlineTable, table } from '../base/option-tables.ts';
import { err, ok } from '../base/result.ts';
import { PROBE_MARKS } from '../ipvs/probe-services.ts';

const INT = 0x7fff_ffff;
const U32 = 0xffff_ffff;

/** The kernel counts in ticks, up to INT_MAX of them: 24.8 days where there are 1000 a second. */
const timeout = duration('1s', '24d', '1s');

/** What is left alone is as the machine has it. */
const AS_IT_IS = { default: null, absent: 'left alone' } as const;

const MOST_CPUS = 8192;

/** As cpuset(7) has it, and as the kernel tells it again: in order, neighbours as a range. */
const cpuList: Kind<string> = parsed({
  expected: 'a list of CPUs, as in "0-3,8"',
  schema: { pattern: '^\\d+(-\\d+)?(,\\d+(-\\d+)?)*$' },
  parse(written) {
    if (!/^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/.test(written)) return err('');
    const cpus = new Set<number>();
    for (const range of written.split(',')) {
      const [first = 0, last = first] = range.split('-').map(Number);
      if (last < first) return err('whose range is empty');
      if (last >= MOST_CPUS) return err(`which has a CPU above ${MOST_CPUS - 1}`);
      for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
    }
    return ok(writeCpus([...cpus].sort((a, b) => a - b)));
  },
  write: (value) => value,
});

function writeCpus(cpus: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const cpu of cpus) {
    const range = ranges.at(-1);
    if (range?.[1] === cpu - 1) range[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

const defence = choice('never', 'automatic', 'always');

const THRESHOLD = {
  threshold: { is: integer(0, INT), doc: 'Packets that a connection must have had before it is sent.' },
  period: {
    is: integer(0, INT),
    doc: 'Packets after which it is sent again; greater than `threshold`. 0: not again until its state changes.',
  },
} as const;

export const SYSCTL = {
  expire_nodest_conn: {
    is: yesNo,
    ...AS_IT_IS,
    doc: "A packet of a connection whose server is gone ends the connection, and the client learns of it. The kernel's default drops the packet, so that a server that comes back finds its connections.",
  },
  expire_quiescent_template: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'With persistence: new connections of a client whose server has weight 0 go to another server, rather than still to that one.',
  },
  conn_reuse_mode: {
    is: integer(0, 3),
    ...AS_IT_IS,
    doc: 'A new connection from a port that an old one had: 0 goes to the same server; 1 may go to another one when the old one has ended (and `expire_nodest_conn` says so, or it is in TIME_WAIT); 2 also in FIN_WAIT, the last that is seen of one with `"dr"`; 3 is both.',
  },
  sloppy_tcp: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'A connection that is not known may begin with any packet but RST, not with SYN alone: one that another director has had goes on here, at the same server where the scheduler is `"mh"` or `"sh"`.',
  },
  sloppy_sctp: { is: yesNo, ...AS_IT_IS, doc: 'The same for SCTP, whose connections begin with INIT otherwise.' },
  schedule_icmp: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'ICMP errors about a connection that is not known are scheduled as its packets would be.',
  },
  conntrack: {
    is: yesNo,
    ...AS_IT_IS,
    doc: "Connections are in netfilter's connection tracking too: needed where stateful rules or source NAT are to see them, and it costs time.",
  },
  backup_only: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'Nothing is directed while the sync daemon of this director is backup, so that with `"dr"` and `"tun"` two directors that are servers of each other do not send packets round.',
  },
  sync_threshold: {
    is: inlineTable(
      'sync_threshold of [ipvs.sysctl]',
      'a table { threshold, period }',
      'When a connection is sent to the other directors.',
      THRESHOLD,
    ),
    ...AS_IT_IS,
    doc: 'When a connection is sent to the other directors.',
  },
  sync_refresh_period: {
    is: duration('0s', '24d', '1s'),
    ...AS_IT_IS,
    doc: 'A connection whose state has not changed is not sent again for so long (or half of its timeout); `"0s"` goes by `sync_threshold` alone.',
  },
  sync_retries: {
    is: integer(0, 3),
    ...AS_IT_IS,
    doc: 'How often it is sent again, each an eighth of `sync_refresh_period` after the other, against loss.',
  },
  sync_ports: {
    is: integerOf([1, 2, 4, 8, 16, 32, 64]),
    ...AS_IT_IS,
    doc: 'Threads of each sync daemon, each with a UDP port of its own, from `port` of `[ipvs.sync]` upwards; the same on all directors.',
  },
  sync_persist_mode: {
    is: integer(0, 1),
    ...AS_IT_IS,
    doc: '0 sends every connection; 1 sends of persistent services which server a client has, and not each connection, for which the other directors need `sloppy_tcp` or `sloppy_sctp`.',
  },
  nat_icmp_send: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'A server of `"nat"` whose packet belongs to no known connection gets an ICMP error.',
  },
  drop_entry: {
    is: defence,
    ...AS_IT_IS,
    doc: 'Against floods of SYN: half-open connections are dropped at random; `"automatic"` only while memory is short (`amemthresh`).',
  },
  drop_packet: {
    is: defence,
    ...AS_IT_IS,
    doc: 'Some packets are dropped before they reach a server: `"automatic"` the more, the shorter memory is; `"always"` one of `am_droprate`.',
  },
  am_droprate: { is: integer(1, INT), ...AS_IT_IS, doc: 'Of so many packets `drop_packet = "always"` drops one.' },
  secure_tcp: {
    is: defence,
    ...AS_IT_IS,
    doc: 'Stricter states of TCP: with `"nat"` a connection counts as established only after the whole handshake.',
  },
  cache_bypass: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'Transparent web caches: without a server a packet goes on to where it was sent.',
  },
  ignore_tunneled: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'Packets of protocols that IPVS does not know are not looked at again, so that a director that is a server too does not schedule what was tunnelled to it.',
  },
  run_estimation: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'Whether the kernel estimates rates; it costs time with many services.',
  },
  est_cpulist: { is: cpuList, ...AS_IT_IS, doc: 'CPUs of the threads that estimate rates.' },
  est_nice: { is: integer(-20, 19), ...AS_IT_IS, doc: 'Their nice value.' },
  amemthresh: {
    is: integer(0, INT),
    ...AS_IT_IS,
    doc: 'Memory is short below so many free pages, for what is `"automatic"`.',
  },
  pmtu_disc: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'Packets too large for the way to a server that must not be cut are refused with ICMP; `false` cuts those of `"tun"`.',
  },
  snat_reroute: {
    is: yesNo,
    ...AS_IT_IS,
    doc: 'Replies of `"nat"` are routed as if they were sent from here; `false` saves the time where no rule routes the two differently.',
  },
} as const;

function integerOf(choices: readonly number[]): Kind<number> {
  const expected = `one of ${choices.join(', ')}`;
  return {
    expected,
    schema: () => ({ enum: choices }),
    read(value, key, reading) {
      const found = value.type === 'integer' ? choices.find((c) => BigInt(c) === value.value) : undefined;
      return found ?? wrong(value, key, reading, expected);
    },
    write: (value) => value,
  };
}

export const SYNC = {
  vrrp: {
    is: name,
    doc: 'Name of the `[[vrrp]]` that it follows: it sends while that router is master here, and receives otherwise.',
  },
  interface: { is: interfaceName, doc: 'Interface to the other directors.' },
  id: {
    is: integer(0, 255),
    default: 0,
    doc: 'Directors with the same one exchange their connections; others on the same network have another.',
  },
  group: { is: multicastGroup, default: '224.0.0.81', doc: 'Multicast address, IPv4 or IPv6.' },
  port: { is: integer(1, 65535), default: 8848, doc: 'UDP port, the first of `sync_ports`.' },
  ttl: { is: integer(1, 255), default: 1, doc: 'TTL, or hop limit, of what is sent.' },
  max_length: {
    is: integer(1024, 65487),
    default: null,
    absent: 'what fits the MTU of Ethernet',
    doc: 'Bytes of payload of one datagram; the same on all directors.',
  },
} as const;

export const IPVS = {
  on_stop: {
    is: choice('keep', 'remove'),
    default: 'keep',
    doc: 'What becomes of the services in the kernel when the daemon is stopped: `"keep"` leaves them, so that connections go on, `"remove"` takes all of ours out. A restart never does.',
  },
  first_probe_mark: {
    is: integer(1, U32 - PROBE_MARKS + 1),
    default: 0x4c56_0000,
    doc: 'Firewall marks of checks through IPVS (`via`): one for each server, of the 65,536 from this one on; servers beyond those are probed directly. Nothing else on this machine may use them.',
  },
  timeout_tcp: {
    is: timeout,
    ...AS_IT_IS,
    doc: 'An established TCP connection without a packet is forgotten after so long.',
  },
  timeout_tcp_fin: { is: timeout, ...AS_IT_IS, doc: 'The same once a FIN was seen.' },
  timeout_udp: { is: timeout, ...AS_IT_IS, doc: 'The same of UDP.' },
  sysctl: {
    is: table(
      '[ipvs.sysctl]',
      "The kernel's settings of IPVS, `net.ipv4.vs.*`. What they were before is put back by a clean stop, and when they are taken out of the file; one that the kernel lacks is told in an event.",
      SYSCTL,
    ),
    default: {},
    doc: "The kernel's settings.",
  },
  sync: {
    is: table(
      '[ipvs.sync]',
      "The kernel's connection synchronization: the master sends its connections, the others take them in and go on with them after a failover. It is not encrypted, and anybody on that network can send.",
      SYNC,
    ),
    default: null,
    absent: 'no synchronization',
    doc: 'Connection synchronization.',
  },
} as const;
