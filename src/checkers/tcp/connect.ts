/** The `tcp` check that only connects: the cheapest of all checks, and the one that is there most often. */

import type { TcpCheckConfig } from '../../config/config.ts';
import { courseTo } from '../../system/course.ts';
import { dialTcp } from '../../system/tcp-connect.ts';
import { type Attempt, attempt, deadline, type Opened, up } from '../attempt.ts';
import { MISSING, NO_CONNECTION } from '../connection.ts';
import { type Prober, type ProbeTarget, reach } from '../probe.ts';
import { explainNetworkError, explainSocketError } from '../socket-error.ts';

const CONNECTED = up('connected');
const waitingFor = (): string => MISSING.connecting;
const REFUSED: Opened = { waitingFor, release: () => undefined };

export function createConnectProber({ timeout, connectTimeout }: TcpCheckConfig, target: ProbeTarget): Prober {
  const course = courseTo(target.address, reach(target));
  let current: Attempt | undefined;

  function run() {
    current = attempt(timeout, (settle) => {
      const dialled = dialTcp(course, (result) =>
        settle(result.ok ? CONNECTED : explainNetworkError(result.error, target.source)),
      );
      if (!dialled.ok) {
        settle(explainSocketError(dialled.error, target.source));
        return REFUSED;
      }
      const callOff = connectTimeout === null ? undefined : deadline(connectTimeout, NO_CONNECTION, settle);
      return {
        waitingFor,
        release: () => {
          callOff?.();
          dialled.value.end();
          // Until the next one there is nothing to give up: of 10,000 that would be much to keep.
          current = undefined;
        },
      };
    });
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}
