/** The table of options of [[vrrp]]; those of tracked things are beside what tracks them. */

import type { Kind } from '../base/option.ts';
import { choice, duration, integer, list, perFamily, yesNo } from '../base/option-kinds.ts';
import { hostAddress, interfaceName, multicastGroup, name } from '../base/option-net.ts';
import { keyed, tables } from '../base/option-tables.ts';
import { fileOptions } from '../trackers/file/options.ts';
import { gatewayOptions } from '../trackers/gateway/options.ts';
import { interfaceOptions } from '../trackers/interface/options.ts';
import { processOptions } from '../trackers/process/options.ts';
import { scriptOptions } from '../trackers/script/options.ts';
import { serviceOptions } from '../trackers/service/options.ts';
import { addresses, route, rule } from './options-address.ts';
import { auth, peer } from './options-advert.ts';

const track = keyed(
  '[[vrrp.track]]',
  'Something that the role depends on. Which of the keys below is there says what it is: `track = [{ interface = "eth1", weight = -60 }, { service = "web" }]`.',
  {
    common: {
      weight: {
        is: integer(-253, 253),
        default: null,
        absent: 'none: its failure is a fault, and the addresses are given up',
        doc: 'What is added to the priority: a negative weight while it fails, a positive one while it is well.',
      },
    },
    branches: {
      interface: interfaceOptions,
      script: scriptOptions,
      file: fileOptions,
      process: processOptions,
      service: serviceOptions,
      gateway: gatewayOptions,
    },
    docs: {
      interface: 'Up when the interface is.',
      script: 'Up when a program ends with 0.',
      file: 'A number in a file: it times `weight` is added to the priority; without `weight`, any but 0 is a fault.',
      process: 'Up when enough processes of a name run.',
      service: 'Up while a [[service]] of this file has its quorum.',
      gateway: 'Up while the gateway answers ARP or neighbour solicitations.',
    },
  },
);

export const VRRP = {
  name: { is: name, doc: 'Name of the virtual router in `status`, alerts and metrics.' },
  interface: { is: interfaceName, doc: 'Interface that adverts are sent on and addresses are added to.' },
  router_id: {
    is: integer(1, 255),
    doc: 'Virtual router identifier (VRID); the same on both directors, and unique on the network.',
  },
  version: {
    is: integer(2, 3, '2 or 3') as Kind<2 | 3>,
    default: 3,
    doc: 'Version of VRRP: 3 (RFC 9568), or 2 (RFC 3768) for old peers, of IPv4 alone. The same on both directors.',
  },
  priority: {
    is: integer(1, 255),
    default: 100,
    doc: 'The highest becomes master; 255 says that this director owns the addresses.',
  },
  interval: {
    is: duration('10ms', '255s', '10ms'),
    default: '1s',
    doc: 'Time between adverts; a dead master is noticed after `down_count` of them and a bit. Version 3: at most `"40.95s"`; version 2: whole seconds, the same on both directors.',
  },
  down_count: {
    is: integer(1, 100),
    default: 3,
    doc: 'Adverts that may be missed before the master counts as dead. The RFC says 3.',
  },
  addresses: {
    is: addresses,
    doc: 'The virtual addresses that the master holds. Of both families: two virtual routers, which fail over together.',
  },
  preempt: { is: yesNo, default: true, doc: 'Whether to take over from a living master of lower priority.' },
  preempt_delay: {
    is: duration('0s', '1h'),
    default: '0s',
    doc: 'How long to wait, from its start and from the end of each fault, before taking over from a lower priority.',
  },
  checksum: {
    is: choice('pseudo-header', 'message'),
    default: 'pseudo-header',
    doc: 'Form of checksum that version 3 sends in IPv4; both are accepted. `"pseudo-header"` is keepalived\'s, `"message"` that of RFC 9568, 5.2.8.',
  },
  source: {
    is: perFamily(hostAddress),
    default: [],
    absent: "the interface's first own address",
    doc: 'Source address of adverts, of either family or of both. Of IPv6 it is link-local, unless there are peers.',
  },
  transport: {
    is: choice('ip', 'udp'),
    default: 'ip',
    doc: '`"ip"` is VRRP as the RFC has it, IP protocol 112. `"udp"` sends the same adverts in UDP, for networks that drop protocol 112; it needs `[vrrp.auth]` with `type = "hmac"`, and lvskeeper on all directors.',
  },
  port: {
    is: integer(1, 65535),
    default: 9112,
    doc: 'UDP port, of ours and of the peers. Only with `transport = "udp"`.',
  },
  multicast_group: {
    is: perFamily(multicastGroup),
    default: [],
    absent: '224.0.0.18 and ff02::12',
    doc: 'Multicast group that adverts are sent to, of either family or of both.',
  },
  peers: {
    is: list(peer, 0, 255, false),
    default: [],
    absent: 'none: adverts are multicast',
    doc: 'With any, adverts are sent by unicast to these alone, and accepted from these alone; some of each family that has addresses.',
  },
  auth: { is: auth, default: null, absent: 'none: adverts are neither signed nor checked', doc: 'Authentication.' },
  sync_group: {
    is: name,
    default: null,
    absent: 'alone',
    doc: 'Virtual routers with the same word here change state together, and the fault of one is that of all.',
  },
  track: {
    is: tables('[[vrrp.track]]', track, 0, 1000),
    default: [],
    doc: 'What the role depends on besides the interface.',
  },
  announce_count: {
    is: integer(1, 100),
    default: 5,
    doc: 'Gratuitous ARPs, or neighbour advertisements, for each address in a burst, on becoming master.',
  },
  announce_delay: {
    is: duration('0s', '5m'),
    default: '5s',
    doc: 'Time until the second burst; `"0s"`: there is none.',
  },
  announce_refresh: {
    is: duration('0s', '1h'),
    default: '0s',
    doc: 'While master, one announcement of each address so often; `"0s"`: none.',
  },
  announce_rate: {
    is: integer(1, 100_000),
    default: 1000,
    doc: 'Announcements a second at most, after the first of each address.',
  },
  probe: {
    is: yesNo,
    default: true,
    doc: 'Whether to ask, before the addresses are first claimed, if somebody has them who speaks no VRRP.',
  },
  virtual_mac: {
    is: yesNo,
    default: false,
    doc: "Whether the addresses are on an interface of their own (macvlan) with the virtual router's MAC, `00:00:5e:00:01:VRID` or, of IPv6, `00:00:5e:00:02:VRID` (RFC 9568, 7.3).",
  },
  routes: { is: list(route, 0, 10_000, false), default: [], doc: 'Routes that are there while master.' },
  rules: { is: list(rule, 0, 10_000, false), default: [], doc: 'Rules of policy routing that are there while master.' },
  linger: {
    is: yesNo,
    default: false,
    doc: 'Whether the addresses stay when every process of lvskeeper on the master is killed; otherwise the kernel drops them soon after the peer took over.',
  },
} as const;
