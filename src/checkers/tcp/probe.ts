/**
 * The `tcp` check: the server is up when it completes a TCP handshake, TLS if asked, and the steps of a dialogue if there
 * are any.
 *
 * A plain connection ends with a reset, not a close: a close would leave it in TIME_WAIT here for a minute.
 */

import type { TcpCheckConfig } from '../../config/config.ts';
import { type Attempt, attempt } from '../attempt.ts';
import { MISSING, open } from '../connection.ts';
import { hear } from '../hear.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { trustOf } from '../trust.ts';
import { createConnectProber } from './connect.ts';
import { createDialogue, prepare } from './dialogue.ts';

export const createTcpProber = (check: TcpCheckConfig, target: ProbeTarget): Prober =>
  check.steps.length === 0 && !check.tls ? createConnectProber(check, target) : createDialogueProber(check, target);

function createDialogueProber(check: TcpCheckConfig, target: ProbeTarget): Prober {
  const trust = check.tls ? trustOf(check, target.address.address) : null;
  const steps = prepare(check.steps);
  let current: Attempt | undefined;

  function run() {
    current = attempt(check.timeout, (settle) => {
      let write = (_: Buffer): void => undefined;
      const dialogue = createDialogue(steps, 'connected over TLS', (bytes) => write(bytes), settle);
      const connection = open(target, trust, check, (result) => {
        if (!result.ok) return settle(result.error);
        const socket = result.value;
        write = (bytes) => socket.write(bytes);
        hear(socket, target.source, dialogue);
        dialogue.begin();
      });
      return {
        waitingFor: () => MISSING[connection.phase()] ?? dialogue.waitingFor(),
        learned: connection.learned,
        release: () => {
          dialogue.end();
          connection.end();
        },
      };
    });
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}
