/** One question to one resolver: a datagram there and back, or the same over TCP (RFC 1035, 4.2). */

import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { type Endpoint, familyOf, ip, parseIp } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, formatDuration } from '../base/time.ts';
import { createUnframer, framed } from '../wire/dns-stream.ts';

export type DnsQuestion = {
  readonly to: Endpoint;
  readonly query: Uint8Array;
  /** Whether a message is the answer: others, which anybody may send, are passed over. */
  readonly accepts: (message: Uint8Array) => boolean;
  readonly timeout: Duration;
  readonly signal: AbortSignal;
};

/** Why there is no answer goes on where the resolver's address ends: `no answer in 2 s`. */
export type DnsExchange = (question: DnsQuestion) => Promise<Result<Uint8Array, string>>;

/** From a port of its own, so that a forged answer has to guess it (RFC 5452, 9.2). */
export const askByUdp: DnsExchange = ({ to, query, accepts, timeout, signal }) =>
  settleOnce(timeout, signal, (settle) => {
    const socket = createSocket(familyOf(to.address) === 4 ? 'udp4' : 'udp6');
    socket.on('error', (error) => settle(err(wordsOf(error))));
    socket.on('message', (message) => {
      if (accepts(message)) settle(ok(message));
    });
    let closed = false;
    // It may have been given up by then. Not as the callback of `connect`, which is called with an error too.
    socket.on('connect', () => closed || socket.send(query));
    socket.connect(to.port, to.address);
    return () => {
      closed = true;
      socket.close();
    };
  });

export const askByTcp: DnsExchange = ({ to, query, accepts, timeout, signal }) =>
  settleOnce(timeout, signal, (settle) => {
    const socket = connect({ host: to.address, port: to.port });
    socket.on('error', (error) => settle(err(wordsOf(error))));
    socket.on('close', () => settle(err('closed the connection without an answer')));
    socket.on(
      'data',
      createUnframer((message) => settle(accepts(message) ? ok(message) : err('answered another question'))),
    );
    socket.write(framed(query));
    return () => socket.destroy();
  });

type Settle = (result: Result<Uint8Array, string>) => void;

/** `begin` gives what ends it; that is done once, whatever comes first: an answer, the time, or the signal. */
function settleOnce(
  timeout: Duration,
  signal: AbortSignal,
  begin: (settle: Settle) => () => void,
): Promise<Result<Uint8Array, string>> {
  return new Promise((resolve) => {
    let settled = false;
    const settle: Settle = (result) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      // `begin` may settle before it returns.
      setImmediate(() => end?.());
      resolve(result);
    };
    const abort = (): void => settle(err('given up'));
    const timer = setTimeout(() => settle(err(`no answer in ${formatDuration(timeout)}`)), timeout);
    signal.addEventListener('abort', abort);
    let end: (() => void) | undefined;
    try {
      end = begin(settle);
    } catch (error) {
      // No descriptor, say.
      settle(err(wordsOf(error as Error)));
    }
    if (signal.aborted) abort();
  });
}

const wordsOf = (error: Error): string => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' ? 'nobody listens there (connection refused)' : (code ?? error.message);
};

const RESOLV_CONF = '/etc/resolv.conf';
const DNS_PORT = 53;
/** MAXNS of resolv.h. */
const MOST_RESOLVERS = 3;

/** The resolvers of resolv.conf(5), as the file is now; that of this machine where it names none, as resolver(3) has it. */
export async function systemResolvers(): Promise<readonly Endpoint[]> {
  let text = '';
  try {
    text = await readFile(RESOLV_CONF, 'utf8');
  } catch {
    // Without the file it is as if it named none.
  }
  return resolversIn(text);
}

/** An address with a zone (`fe80::1%eth0`) is left out: it is not reached without its interface. */
export function resolversIn(text: string): readonly Endpoint[] {
  const found = text.split('\n').flatMap((line) => {
    const [, written = ''] = /^nameserver\s+(\S+)/.exec(line) ?? [];
    const address = parseIp(written);
    return address === undefined ? [] : [{ address, port: DNS_PORT }];
  });
  return found.length > 0 ? found.slice(0, MOST_RESOLVERS) : [{ address: ip('127.0.0.1'), port: DNS_PORT }];
}
