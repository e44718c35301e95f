/** What can go wrong with any connection, over which every check that connects goes. */

import { after, type Behaviour, closes, dribbling, onRequest, pours, resets, says, silent } from '../behaviour.ts';
import { CONNECTED, type ConnectedName, wellBehaved } from '../checks.ts';
import { accepts, closedPort, fullQueue, type Manner } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { certified, http1 } from '../servers.ts';

/** `else` is of all checks that are not named. */
type Verdicts = Partial<Record<ConnectedName, Verdict>> & { readonly else?: Verdict };
type Case = readonly [what: string, mannerOf: (name: ConnectedName) => Manner, verdicts: Verdicts];

const WELL: Record<ConnectedName, Verdict> = {
  tcp: 'up: connected',
  'tcp steps': 'up: 1 step done, last answer: +PONG',
  'tcp tls': 'up: connected over TLS',
  http: 'up: HTTP 200 OK',
  'http 2': 'up: HTTP 200',
  https: 'up: HTTP 200 OK',
  'https 2': 'up: HTTP 200',
  smtp: 'up: 250 mx.example.test',
  'smtp tls': 'up: 250 mx.example.test, over TLS',
  'smtp starttls': 'up: 250 mx.example.test, over TLS',
  grpc: 'up: the server is SERVING',
  'grpc tls': 'up: the server is SERVING',
  'dns tcp': 'up: A of www.example.test is 10.0.0.1',
  agent: 'up: answered "up 75%"',
};

/** Of checks that begin with TLS. */
const inHandshake = (verdict: Verdict): Verdicts => ({
  'tcp tls': verdict,
  https: verdict,
  'https 2': verdict,
  'smtp tls': verdict,
  'grpc tls': verdict,
});
const NO_TLS = inHandshake('down: TLS: the server does not speak TLS on this port');

/** The same for every check, and what a good server of each makes when it is wrapped so. */
const one = (manner: Manner) => (): Manner => manner;
const each =
  (around: (good: Behaviour) => Behaviour) =>
  (name: ConnectedName): Manner =>
    accepts(around(wellBehaved(name)));

/** Long enough for the client to have seen that it is connected, and to have said what it says first. */
const A_MOMENT = 50;

const CASES: readonly Case[] = [
  ['a good server', each((good) => good), WELL],
  ['a slow one, that is late to accept', each((good) => after(300, good)), WELL],
  ['one whose bytes come one by one', each(dribbling), WELL],
  ['one whose queue is full at first', one(fullQueue(300)), { tcp: 'up: connected' }],
  ['a closed port', one(closedPort), { else: 'down: connection refused' }],
  [
    'a full queue, which drops the SYN',
    one(fullQueue()),
    { else: 'down: no answer in {timeout}', 'dns tcp': 'down: no connection in {timeout}' },
  ],
  [
    'accept and reset',
    one(accepts(after(A_MOMENT, resets))),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: connection reset before a match of /^\\+PONG/ (nothing came)',
      http: 'down: connection reset before an answer',
      'http 2': 'down: connection reset before an answer',
      smtp: 'down: connection reset before a greeting',
      'smtp starttls': 'down: connection reset before a greeting',
      grpc: 'down: connection reset before an answer',
      'dns tcp': 'down: connection reset before an answer',
      agent: 'down: connection reset',
      ...inHandshake('down: TLS: connection closed during the handshake'),
    },
  ],
  [
    'accept and close',
    one(accepts(after(A_MOMENT, closes))),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: connection closed before a match of /^\\+PONG/ (nothing came)',
      http: 'down: connection closed before an answer',
      'http 2': 'down: connection closed before an answer',
      smtp: 'down: connection closed before a greeting',
      'smtp starttls': 'down: connection closed before a greeting',
      grpc: 'down: connection closed before an answer',
      'dns tcp': 'down: connection closed before an answer',
      agent: 'down: connection closed without an answer',
      ...inHandshake('down: TLS: connection closed during the handshake'),
    },
  ],
  [
    'accept and silence',
    one(accepts(silent)),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: no match of /^\\+PONG/ (nothing came) in {timeout}',
      http: 'down: connected, but no answer in {timeout}',
      'http 2': 'down: connected, but no answer in {timeout}',
      smtp: 'down: no greeting in {timeout}',
      'smtp starttls': 'down: no greeting in {timeout}',
      grpc: 'down: connected, but no answer in {timeout}',
      'dns tcp': 'down: no answer in {timeout}',
      agent: 'down: connected, but no answer in {timeout}',
      ...inHandshake('down: TLS handshake not finished in {timeout}'),
    },
  ],
  [
    'garbage',
    one(accepts(says(Buffer.from('\u0000\u0001\u0002\u0007garbage\n', 'latin1')))),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: no match of /^\\+PONG/ (came: garbage) in {timeout}',
      http: 'down: not HTTP: it begins "garbage"',
      'http 2': 'down: not HTTP/2: Protocol error',
      smtp: 'down: greeting: not SMTP: garbage',
      'smtp starttls': 'down: greeting: not SMTP: garbage',
      grpc: 'down: not HTTP/2: Protocol error',
      'dns tcp':
        'down: no answer (what came is none: it ends before what its counts and lengths announce) in {timeout}',
      agent: 'down: answered "garbage", expected "up", "down", "drain", "maint", or a weight such as "75%"',
      ...NO_TLS,
    },
  ],
  [
    'a line without an end',
    one(accepts(pours('x'))),
    {
      tcp: 'up: connected',
      'tcp steps': `down: step 1: no match of /^\\+PONG/ in 64 KiB (came: ${'x'.repeat(60)}…)`,
      http: `down: not HTTP: it begins "${'x'.repeat(60)}…"`,
      'http 2': 'down: not HTTP/2: Protocol error',
      smtp: 'down: greeting: a line of more than 4 KiB',
      'smtp starttls': 'down: greeting: a line of more than 4 KiB',
      grpc: 'down: not HTTP/2: Protocol error',
      'dns tcp':
        'down: no answer (what came, 256 messages, is none: it has a name that is too long, does not end, or is written in an unknown way)',
      agent: `down: answered "${'x'.repeat(60)}…", and no end of the line in 64 KiB`,
      ...NO_TLS,
    },
  ],
  [
    'an SSH server',
    one(accepts(says('SSH-2.0-OpenSSH_9.2\r\n'))),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: no match of /^\\+PONG/ (came: SSH-2.0-OpenSSH_9.2) in {timeout}',
      http: 'down: not HTTP: it begins "SSH-2.0-OpenSSH_9.2"',
      'http 2': 'down: not HTTP/2: Protocol error',
      smtp: 'down: greeting: not SMTP: SSH-2.0-OpenSSH_9.2',
      'smtp starttls': 'down: greeting: not SMTP: SSH-2.0-OpenSSH_9.2',
      grpc: 'down: not HTTP/2: Protocol error',
      'dns tcp': 'down: no answer in {timeout}',
      agent: 'down: answered "SSH-2.0-OpenSSH_9.2", expected "up", "down", "drain", "maint", or a weight such as "75%"',
      ...NO_TLS,
    },
  ],
  [
    'a server of plain HTTP/1',
    one(accepts(http1)),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: no match of /^\\+PONG/ (came: HTTP/1.1 200 OK) in {timeout}',
      'http 2': 'down: not HTTP/2: Protocol error',
      smtp: 'down: no greeting in {timeout}',
      'smtp starttls': 'down: no greeting in {timeout}',
      grpc: 'down: not HTTP/2: Protocol error',
      'dns tcp': 'down: no answer in {timeout}',
      agent: 'down: connected, but no answer in {timeout}',
      ...NO_TLS,
    },
  ],
  [
    'a server of TLS where none is expected, that says so',
    one(accepts(onRequest(says(Buffer.from('15030100020246', 'hex')), closes))),
    {
      'tcp steps': 'down: step 1: connection closed before a match of /^\\+PONG/ (came: F)',
      http: 'down: not HTTP: the server speaks TLS on this port',
      'http 2': 'down: connection closed before an answer',
      grpc: 'down: connection closed before an answer',
      'dns tcp': 'down: connection closed before an answer',
    },
  ],
  [
    'a server of TLS where none is expected, that hangs up',
    one(accepts(CONNECTED.https.server(certified('good')))),
    {
      tcp: 'up: connected',
      'tcp steps': 'down: step 1: connection closed before a match of /^\\+PONG/ (nothing came)',
      http: 'down: connection closed before an answer',
      'http 2': 'down: connection closed before an answer',
      smtp: 'down: no greeting in {timeout}',
      'smtp starttls': 'down: no greeting in {timeout}',
      grpc: 'down: connection closed before an answer',
      'dns tcp': 'down: connection closed before an answer',
      agent: 'down: connected, but no answer in {timeout}',
    },
  ],
];

export const CONNECTIONS: readonly Row[] = CASES.flatMap(([what, mannerOf, verdicts]) =>
  (Object.keys(CONNECTED) as ConnectedName[]).flatMap((name) => {
    const verdict = verdicts[name] ?? verdicts.else;
    if (verdict === undefined) return [];
    return { what: `${name}: ${what}`, toml: CONNECTED[name].toml, manner: mannerOf(name), verdict };
  }),
);
