/** What can go wrong with TLS, for every check that speaks it. */

import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { type Behaviour, closes, pours, says, silent } from '../behaviour.ts';
import { OVER_TLS, type TlsName } from '../checks.ts';
import { accepts } from '../places.ts';
import type { Row, Verdict } from '../row.ts';
import { certified, fixture, mail } from '../servers.ts';

/** One verdict is that of every check. */
type Verdicts = Verdict | Readonly<Record<TlsName, Verdict>>;
type Case = {
  readonly server: string;
  readonly options: tls.TlsOptions;
  readonly says: Verdicts;
  /** What else is asked of the check, and what is not. */
  readonly check?: string;
  readonly without?: 'sni' | 'ca';
};

const WELL: Verdicts = {
  'tcp tls': 'up: connected over TLS',
  https: 'up: HTTP 200 OK',
  'https 2': 'up: HTTP 200',
  'smtp tls': 'up: 250 mx.example.test, over TLS',
  'smtp starttls': 'up: 250 mx.example.test, over TLS',
  'grpc tls': 'up: the server is SERVING',
};

const GOOD = certified('good');
const AUTHORITY = readFileSync(fixture('authority'));

/** A server of one name, which refuses who asks for another or for none (RFC 6066, 3). */
const only = (name: string): tls.TlsOptions => {
  const context = tls.createSecureContext(GOOD);
  return { SNICallback: (asked, done) => (asked === name ? done(null, context) : done(new Error('unknown name'))) };
};
const demanding: tls.TlsOptions = { ...GOOD, requestCert: true, rejectUnauthorized: true, ca: AUTHORITY };
const shows = (name: string): string => `certificate = "${fixture(name)}"\nkey = "${fixture(name)}"`;

/** TLS 1.3 is done before the server has looked at our certificate: it tells us with the next thing that it says. */
const DEMANDED: Verdicts = {
  'tcp tls': 'up: connected over TLS',
  https: 'down: TLS: the server refuses (alert: certificate required)',
  'https 2': 'down: TLS: the server refuses (alert: certificate required)',
  'smtp tls': 'down: TLS: the server refuses (alert: certificate required) before a greeting',
  'smtp starttls': 'down: TLS: the server refuses (alert: certificate required) before an answer to EHLO over TLS',
  'grpc tls': 'down: TLS: the server refuses (alert: certificate required)',
};
const HUNG_UP: Verdicts = {
  'tcp tls': 'up: connected over TLS',
  https: 'down: connection closed before an answer',
  'https 2': 'down: connection closed before an answer',
  'smtp tls': 'down: connection closed before a greeting',
  'smtp starttls': 'down: connection closed before an answer to EHLO over TLS',
  'grpc tls': 'down: connection closed before an answer',
};
const CLOSED = 'down: TLS: connection closed during the handshake';
const REFUSED = 'down: TLS: the server refuses (alert: handshake failure)';
const UNTRUSTED = 'down: TLS: certificate is not from a trusted authority';
const SELF_SIGNED = 'down: TLS: certificate is self-signed and not among the trusted ones';
const OTHER_NAME =
  'down: TLS: certificate is not for other.example.test but for DNS:www.example.test, IP Address:127.0.0.1';

const CASES: readonly Case[] = [
  {
    server: 'an expired certificate',
    options: certified('expired'),
    says: 'down: TLS: certificate has expired (2021-01-02)',
  },
  {
    server: 'one of the future',
    options: certified('early'),
    says: 'down: TLS: certificate is not valid before 2124-01-02',
  },
  { server: 'a self-signed one', options: certified('self-signed'), says: SELF_SIGNED },
  { server: 'a self-signed one, not verified', options: certified('self-signed'), says: WELL, check: 'verify = false' },
  { server: 'an expired one, not verified', options: certified('expired'), says: WELL, check: 'verify = false' },
  { server: 'one that the system does not trust', options: GOOD, says: UNTRUSTED, without: 'ca' },
  {
    server: 'one of another name',
    options: GOOD,
    says: OTHER_NAME,
    check: 'sni = "other.example.test"',
    without: 'sni',
  },
  { server: 'one of its address, no name being sent', options: GOOD, says: WELL, without: 'sni' },
  { server: 'its name alone is served, and sent', options: only('www.example.test'), says: WELL },
  {
    server: 'its name alone is served, and none is sent',
    options: only('www.example.test'),
    says: REFUSED,
    without: 'sni',
  },
  { server: 'another name alone is served', options: only('other.example.test'), says: CLOSED },
  { server: 'a certificate is demanded, and shown', options: demanding, says: WELL, check: shows('good') },
  { server: 'a certificate is demanded', options: demanding, says: DEMANDED },
  { server: 'another certificate is demanded', options: demanding, says: HUNG_UP, check: shows('self-signed') },
  { server: 'a certificate is demanded, by TLS 1.2', options: { ...demanding, maxVersion: 'TLSv1.2' }, says: REFUSED },
  { server: 'TLS 1.2 at most', options: { ...GOOD, maxVersion: 'TLSv1.2' }, says: WELL },
  {
    server: 'TLS 1.1 at most, which is too old',
    options: { ...GOOD, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    says: 'down: TLS: the server refuses (alert: protocol version)',
  },
];

const rowsOf = ({ server: what, options, says: verdicts, check = '', without }: Case): readonly Row[] =>
  (Object.keys(OVER_TLS) as TlsName[]).map((name) => {
    const { toml, server } = OVER_TLS[name];
    const asked = toml.split('\n').filter((line) => without === undefined || !line.startsWith(`${without} = `));
    return {
      what: `${name}: ${what}`,
      toml: [...asked, check].join('\n'),
      manner: accepts(server(options)),
      verdict: typeof verdicts === 'string' ? verdicts : verdicts[name],
    };
  });

/** STARTTLS has a handshake of its own, behind a dialogue. */
const behindStartTls = (what: string, then: Behaviour, verdict: Verdict): Row => ({
  what: `smtp starttls: ${what}`,
  toml: OVER_TLS['smtp starttls'].toml,
  manner: accepts(
    mail({
      STARTTLS(socket) {
        socket.removeAllListeners('data');
        socket.write('220 go ahead\r\n');
        socket.once('data', () => then(socket));
        socket.resume();
      },
    }),
  ),
  verdict,
});

export const SECURED: readonly Row[] = [
  ...CASES.flatMap(rowsOf),
  behindStartTls('220, then silence', silent, 'down: TLS handshake not finished in {timeout}'),
  behindStartTls('220, then closed', closes, CLOSED),
  behindStartTls('220, then plain text', says('250 OK\r\n'), 'down: TLS: the server does not speak TLS on this port'),
  behindStartTls(
    '220, then garbage without an end',
    pours('x'),
    'down: TLS: the server does not speak TLS on this port',
  ),
];
