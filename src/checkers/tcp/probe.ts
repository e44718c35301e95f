/**
 * The `tcp` check: the server is up when it completes a TCP handshake.
 *
 * The connection ends with a reset, not a close: a close would leave it in TIME_WAIT here for a minute.
 */

import type { TcpCheckConfig } from '../../config/config.ts';
import { connectTcp } from '../../system/tcp-socket.ts';
import { type Attempt, attempt, up } from '../attempt.ts';
import { type Prober, type ProbeTarget, reach } from '../probe.ts';
import { explainSocketError } from '../socket-error.ts';

export function createTcpProber(check: TcpCheckConfig, target: ProbeTarget): Prober {
  let current: Attempt | undefined;

  function run() {
    current = attempt(check.timeout, (settle) => {
      const opened = connectTcp(target.address, reach(target));
      if (!opened.ok) {
        settle(explainSocketError(opened.error, target.source));
        return { waitingFor: () => 'no answer', release: () => {} };
      }
      const socket = opened.value;
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
