/** What can come of a datagram, for the checks that send them; and DNS over TCP. */

import { answerTo } from '../../unit/wire/dns-answer.ts';
import { type Behaviour, both, closes, onRequest, says } from '../behaviour.ts';
import { accepts, closedUdpPort, type Manner, receives } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { dnsAnswer, dnsWith, framed } from '../servers.ts';

type Reply = (answer: Uint8Array | string) => void;
type Case = readonly [what: string, manner: Manner, verdict: Verdict, more?: string];

const DNS = 'type = "dns"\nquery = "www.example.test"';
const UP: Verdict = 'up: A of www.example.test is 10.0.0.1';

/** A message with the bits of one byte turned. */
const spoilt = (message: Uint8Array, at: number, bits: number): Uint8Array =>
  message.map((byte, index) => (index === at ? byte ^ bits : byte));
const ID = 0;
const FIRST_LETTER = 13;
const short = (query: Uint8Array): Uint8Array => answerTo(query, [], { truncated: true });
const each = (...answers: readonly ((query: Uint8Array) => Uint8Array | string)[]): Manner =>
  receives((query, reply) => {
    for (const answer of answers) reply(answer(query));
  });
const truncated = (overTcp?: Behaviour): Manner =>
  receives((query, reply) => reply(short(query)), overTcp && accepts(overTcp));
const repeat = (count: number, answer: (query: Uint8Array) => Uint8Array): Manner =>
  receives((query, reply) => {
    for (let i = 0; i < count; i++) setTimeout(() => reply(answer(query)), i / 8);
  });

const OVER_UDP: readonly Case[] = [
  ['a good server', each(dnsAnswer), UP],
  [
    'an answer of another id',
    each((query) => spoilt(dnsAnswer(query), ID, 1)),
    'down: no answer (what came is none: it is not about what was asked) in {timeout}',
  ],
  [
    'an answer to another question',
    each((query) => spoilt(dnsAnswer(query), FIRST_LETTER, 1)),
    'down: no answer (what came is none: it is not about what was asked) in {timeout}',
  ],
  [
    'the query itself',
    each((query) => query),
    'down: no answer (what came is none: it is not about what was asked) in {timeout}',
  ],
  [
    'those first, and then the answer',
    each(
      (query) => query,
      (query) => spoilt(dnsAnswer(query), ID, 1),
      dnsAnswer,
    ),
    UP,
  ],
  [
    'half an answer',
    each((query) => dnsAnswer(query).subarray(0, -3)),
    'down: no answer (what came is none: it ends before what its counts and lengths announce) in {timeout}',
  ],
  [
    'garbage',
    each(() => 'garbage'),
    'down: no answer (what came is none: it ends before what its counts and lengths announce) in {timeout}',
  ],
  [
    'an empty datagram',
    each(() => ''),
    'down: no answer (what came is none: it ends before what its counts and lengths announce) in {timeout}',
  ],
  [
    'a name that points to itself',
    each((query) =>
      Buffer.concat([Buffer.from(query).subarray(0, 2), Buffer.from('81800001000000000000c00c00010001', 'hex')]),
    ),
    'down: no answer (what came is none: it has a name that is too long, does not end, or is written in an unknown way) in {timeout}',
  ],
  [
    'answers to other questions without an end',
    repeat(400, (query) => spoilt(dnsAnswer(query), ID, 1)),
    'down: no answer (what came, 256 messages, is none: it is not about what was asked)',
  ],
  ['silence', receives(() => undefined), 'down: no answer in {timeout}'],
  ['a closed port', closedUdpPort, 'down: ICMP: port unreachable'],
  ['no such name', each((query) => answerTo(query, [], { rcode: 'NXDOMAIN' })), 'down: NXDOMAIN, expected NOERROR'],
  [
    'no such name, which is expected',
    each((query) => answerTo(query, [], { rcode: 'NXDOMAIN' })),
    'up: NXDOMAIN',
    'rcode = "NXDOMAIN"',
  ],
  [
    'a server that fails',
    each((query) => answerTo(query, [], { rcode: 'SERVFAIL' })),
    'down: SERVFAIL, expected NOERROR',
  ],
  ['no record', each((query) => answerTo(query, [])), 'up: no A of www.example.test'],
  [
    'no record where one is expected',
    each((query) => answerTo(query, [])),
    'down: no A of www.example.test, expected 10.0.0.1',
    'answer = "10.0.0.1"',
  ],
  [
    'another record',
    each(dnsAnswer),
    'down: A of www.example.test is 10.0.0.1, expected 10.0.0.2',
    'answer = "10.0.0.2"',
  ],
  ['truncated, and then whole over TCP', truncated(dnsWith(dnsAnswer)), UP],
  ['truncated, and TCP is closed', truncated(), 'down: truncated over UDP, and then over TCP: connection refused'],
  [
    'truncated, and TCP is silent',
    truncated(() => undefined),
    'down: truncated over UDP, and then over TCP: no answer in {timeout}',
  ],
  [
    'truncated, and TCP hangs up',
    truncated(onRequest(closes)),
    'down: truncated over UDP, and then over TCP: connection closed before an answer',
  ],
  [
    'truncated over TCP too',
    truncated(dnsWith((query) => answerTo(query, [], { truncated: true }))),
    'up: no A of www.example.test',
  ],
];

const tcp = (...then: readonly Behaviour[]): Manner => accepts(onRequest(...then));
const OVER_TCP: readonly Case[] = [
  [
    'an answer of another id',
    accepts(dnsWith((query) => spoilt(dnsAnswer(query), ID, 1))),
    'down: no answer (what came is none: it is not about what was asked) in {timeout}',
  ],
  [
    'half an answer, then silence',
    tcp(says(framed(new Uint8Array(40)).subarray(0, 20))),
    'down: no answer in {timeout}',
  ],
  [
    'half an answer, then closed',
    tcp(says(framed(new Uint8Array(40)).subarray(0, 20)), closes),
    'down: connection closed before an answer',
  ],
  [
    'an empty message',
    tcp(both(says(framed(new Uint8Array())))),
    'down: no answer (what came is none: it ends before what its counts and lengths announce) in {timeout}',
  ],
];

const answering = (...texts: readonly (string | Uint8Array)[]): Manner =>
  receives((_, reply: Reply) => texts.forEach(reply));
const EXPECTS = "send = 'ping'\nexpect = '^pong'";
const UDP: readonly Case[] = [
  ['the answer', answering('pong'), 'up: answered pong', EXPECTS],
  ['another answer', answering('421 busy'), 'down: no match of /^pong/ (came: 421 busy) in {timeout}', EXPECTS],
  ['others, and then the answer', answering('421 busy', '', 'pong'), 'up: answered pong', EXPECTS],
  [
    'other answers without an end',
    receives((_, reply) => {
      for (let i = 0; i < 100; i++) reply('421 busy');
    }),
    'down: no match of /^pong/ (came: 421 busy, the last of 64)',
    EXPECTS,
  ],
  ['garbage', answering(Uint8Array.of(0, 255, 7)), 'down: no match of /^pong/ (came: 00 ff 07) in {timeout}', EXPECTS],
  ['an empty datagram', answering(''), 'down: no match of /^pong/ (came: (an empty datagram)) in {timeout}', EXPECTS],
  [
    'other bytes',
    answering(Uint8Array.of(3, 1)),
    'down: no answer that begins with 02 01 (came: 03 01) in {timeout}',
    'expect_hex = "02 01"',
  ],
  ['silence', receives(() => undefined), 'down: no answer in {timeout}', EXPECTS],
  ['a closed port', closedUdpPort, 'down: ICMP: port unreachable', EXPECTS],
  ['silence, where nothing is expected', receives(() => undefined), 'up: no ICMP unreachable in 300 ms'],
  ['an answer, where nothing is expected', answering('x'), 'up: answered x'],
  ['a closed port, where nothing is expected', closedUdpPort, 'down: ICMP: port unreachable'],
];

const rows = (name: string, toml: string, cases: readonly Case[]): readonly Row[] =>
  cases.map(([what, manner, verdict, more = '']) => ({
    what: `${name}: ${what}`,
    toml: `${toml}\n${more}`,
    manner,
    verdict,
  }));

export const DATAGRAMS: readonly Row[] = [
  ...rows('dns', DNS, OVER_UDP),
  ...rows('dns tcp', `${DNS}\ntransport = "tcp"`, OVER_TCP),
  ...rows('udp', 'type = "udp"', UDP),
];
