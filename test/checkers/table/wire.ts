/**
 * What a network can do to a probe, for every check: rows that need one of their own. `wire.ts` of test/interop makes these
 * places: hosts behind the peer, which is a router to them, and ports of the peer that its firewall guards.
 */

import { CONNECTED } from '../checks.ts';
import type { Place } from '../places.ts';
import type { Verdict } from '../row.ts';

const CHECKS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(CONNECTED).map(([name, { toml }]) => [name, toml])),
  dns: 'type = "dns"\nquery = "www.example.test"',
  udp: 'type = "udp"\nexpect = "pong"',
  'udp, expecting nothing': 'type = "udp"',
  ping: 'type = "ping"',
  exec: 'type = "exec"\nuser = "root"\ncommand = ["/bin/true"]',
  file: 'type = "file"\nfile = "/none/such"',
};

export const PEER = '10.77.0.12';
/** Addresses to which the peer is the router. */
export const BEYOND = {
  network: '198.51.100.0/24',
  unreachable: '198.51.100.1',
  prohibited: '198.51.100.2',
  dropped: '198.51.100.3',
  noRoute: '198.51.100.4',
};
/** Ports of the peer. */
export const GUARDED = { drop: 7001, portUnreachable: 7002, prohibited: 7003, reset: 7004 };

/** No packet of theirs leaves this machine. */
const LOCAL = { exec: 'up: exit code 0', file: 'up: there is no /none/such, which counts as up' } as const;
const SILENCE = 'up: no ICMP unreachable in 300 ms';
type Verdicts = Readonly<Record<string, Verdict | RegExp>> & { readonly else: Verdict };
const here = (port: number): Place => ({ address: PEER, port });
const there = (address: string): Place => ({ address, port: 80 });

const CASES: readonly (readonly [what: string, place: Place, verdicts: Verdicts])[] = [
  [
    'a SYN that the firewall drops',
    here(GUARDED.drop),
    {
      else: 'down: no answer in {timeout}',
      'dns tcp': 'down: no connection in {timeout}',
      'udp, expecting nothing': SILENCE,
      ping: /^up: answered in /,
    },
  ],
  [
    'a way that ends in a black hole',
    there(BEYOND.dropped),
    {
      else: 'down: no answer in {timeout}',
      'dns tcp': 'down: no connection in {timeout}',
      'udp, expecting nothing': SILENCE,
    },
  ],
  [
    'a firewall that says port unreachable',
    here(GUARDED.portUnreachable),
    {
      else: 'down: connection refused',
      dns: 'down: ICMP: port unreachable',
      udp: 'down: ICMP: port unreachable',
      'udp, expecting nothing': 'down: ICMP: port unreachable',
      ping: /^up: answered in /,
    },
  ],
  [
    'a firewall that says it forbids it',
    here(GUARDED.prohibited),
    { else: 'down: host unreachable', ping: /^up: answered in / },
  ],
  [
    'a firewall that resets',
    here(GUARDED.reset),
    {
      else: 'down: connection refused',
      dns: 'down: ICMP: port unreachable',
      udp: 'down: ICMP: port unreachable',
      'udp, expecting nothing': 'down: ICMP: port unreachable',
      ping: /^up: answered in /,
    },
  ],
  ['a router that says host unreachable', there(BEYOND.unreachable), { else: 'down: host unreachable' }],
  [
    'a router that says it forbids it',
    there(BEYOND.prohibited),
    { else: 'down: host unreachable', ping: 'down: forbidden by a firewall' },
  ],
  ['a router that has no route', there(BEYOND.noRoute), { else: 'down: network unreachable' }],
  [
    'an address that nobody has',
    there('10.77.0.99'),
    { else: 'down: host unreachable', 'udp, expecting nothing': SILENCE },
  ],
  ['no route at all', there('203.0.113.1'), { else: 'local-error: cannot probe: no route to the server' }],
  [
    'a source that is not here',
    { ...there(PEER), source: '192.0.2.77' },
    {
      else: 'local-error: cannot probe: 192.0.2.77 is not on this machine, or has no free port',
      // Sent without a bind, and to the kernel both are one.
      ping: 'local-error: cannot probe: no route to the server',
    },
  ],
];

export type WireRow = {
  readonly what: string;
  readonly toml: string;
  readonly place: Place;
  readonly verdict: Verdict | RegExp;
};

export const WIRE: readonly WireRow[] = CASES.flatMap(([what, place, verdicts]) =>
  Object.entries(CHECKS).map(([name, toml]) => ({
    what: `${name}: ${what}`,
    toml,
    place,
    verdict: { ...verdicts, ...LOCAL }[name] ?? verdicts.else,
  })),
);
