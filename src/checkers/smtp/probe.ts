/**
 * The `smtp` check: greeting, EHLO, STARTTLS and EHLO again where asked, QUIT (RFC 5321, RFC 3207). The server is up when
 * every answer is the good one; to QUIT any answer will do, or the end of the connection.
 *
 * A plain connection ends with a reset, as that of the `tcp` check does.
 */

import type net from 'node:net';
import type { SmtpCheckConfig } from '../../config/config.ts';
import { type Attempt, attempt, down, type Finding, up } from '../attempt.ts';
import { type Connection, MISSING, open, startTls } from '../connection.ts';
import { hear } from '../hear.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { type Trust, trustOf } from '../trust.ts';
import { createReplyReader, describeReply, offers, type Reply } from './reply.ts';

export function createSmtpProber(check: SmtpCheckConfig, target: ProbeTarget): Prober {
  const trust = check.tls || check.starttls ? trustOf(check, target.address.address) : null;
  let current: Attempt | undefined;
  const run = () => {
    current = attempt(check.timeout, (settle) => converse(check, target, trust, settle));
    return current.result;
  };
  return { run, close: () => current?.giveUp() };
}

/** What is answered, by the name that it has in a reason, and the code that is good. */
const TURNS = {
  greeting: { name: 'greeting', good: 220 },
  ehlo: { name: 'answer to EHLO', good: 250 },
  starttls: { name: 'answer to STARTTLS', good: 220 },
  secureEhlo: { name: 'answer to EHLO over TLS', good: 250 },
  quit: { name: 'answer to QUIT', good: null },
} as const;

function converse(
  check: SmtpCheckConfig,
  target: ProbeTarget,
  trust: Trust | null,
  settle: (finding: Finding) => void,
) {
  let connection: Connection = open(target, check.tls ? trust : null, check, (result) => {
    if (result.ok) listen(result.value);
    else settle(result.error);
  });
  let turn: keyof typeof TURNS = 'greeting';
  let socket: net.Socket;
  let stop = (): void => undefined;
  let name = '';

  function listen(to: net.Socket): void {
    const replies = createReplyReader();
    socket = to;
    stop = hear(to, target.source, {
      heard(bytes) {
        const read = replies.read(bytes);
        if (!read.ok) return settle(down(`${TURNS[turn].name}: ${read.error}`));
        // What comes before its command is no answer to it, but there is nothing that it could be an answer to either.
        const [reply] = read.value;
        if (reply !== undefined) answered(reply);
      },
      lost: (finding) => settle(turn === 'quit' ? done() : lost(finding)),
    });
  }

  const lost = (finding: Finding): Finding =>
    finding.outcome === 'down'
      ? down(`${finding.reason} before ${turn === 'greeting' ? 'a' : 'an'} ${TURNS[turn].name}`)
      : finding;

  function ask(command: string, next: keyof typeof TURNS): void {
    turn = next;
    socket.write(`${command}\r\n`);
  }

  function answered(reply: Reply): void {
    const { name: what, good } = TURNS[turn];
    if (good !== null && reply.code !== good) return settle(down(`${what}: ${describeReply(reply)}, expected ${good}`));
    switch (turn) {
      case 'greeting':
        return ask(`EHLO ${check.heloName}`, 'ehlo');
      case 'ehlo':
        return check.starttls ? askForTls(reply) : bid(reply);
      case 'starttls':
        return secure();
      case 'secureEhlo':
        return bid(reply);
      case 'quit':
        return settle(done());
    }
  }

  function askForTls(reply: Reply): void {
    if (offers(reply, 'STARTTLS')) ask('STARTTLS', 'starttls');
    else settle(down('STARTTLS is not offered'));
  }

  function secure(): void {
    stop();
    if (trust === null) return;
    connection = startTls(socket, target, trust, check, (result) => {
      if (!result.ok) return settle(result.error);
      listen(result.value);
      ask(`EHLO ${check.heloName}`, 'secureEhlo');
    });
  }

  function bid({ lines: [first = ''] }: Reply): void {
    name = first;
    ask('QUIT', 'quit');
  }

  const done = (): Finding => up(`${describeReply({ code: 250, lines: [name] })}${trust === null ? '' : ', over TLS'}`);

  return {
    waitingFor: () => MISSING[connection.phase()] ?? `no ${TURNS[turn].name}`,
    learned: () => connection.learned(),
    release: () => connection.end(),
  };
}
