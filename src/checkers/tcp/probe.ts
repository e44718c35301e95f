/**
 * The `tcp` check: the server is up when it completes a TCP handshake.
 *
 * The connection ends with a reset, not a close. A close would leave it in TIME_WAIT here for a minute; and as a bound
 * source address has one port space towards all servers (the kernel picks the port at bind(2), before it knows the
 * destination), about 470 checks a second would use it up.
 */

import { connect } from 'node:net';
import type { TcpCheckConfig } from '../../config/config.ts';
import { type Attempt, attempt, up } from '../attempt.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { explainSocketError } from '../socket-error.ts';

export function createTcpProber(check: TcpCheckConfig, target: ProbeTarget): Prober {
  const where = {
    host: target.address.address,
    port: target.address.port,
    ...(target.source === null ? {} : { localAddress: target.source }),
  };
  let current: Attempt | undefined;

  function run() {
    current = attempt(check.timeout, (settle) => {
      const socket = connect(where);
      socket.once('connect', () => settle(up('connected')));
      socket.on('error', (error) => settle(explainSocketError(error, target.source)));
      return {
        waitingFor: () => 'no answer',
        release: () => (socket.connecting ? socket.destroy() : socket.resetAndDestroy()),
      };
    });
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}
