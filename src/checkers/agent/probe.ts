/**
 * The `agent` check: connects to an agent that runs on the server, and reads one line, in which it says whether the server
 * is up and what share of the traffic it wants.
 */

import { excerpt } from '../../base/printable.ts';
import type { AgentCheckConfig } from '../../config/config.ts';
import { judgeLine } from '../agent-line.ts';
import { type Attempt, attempt, down, type Finding } from '../attempt.ts';
import { MISSING, open } from '../connection.ts';
import { hear } from '../hear.ts';
import type { ProbeResult, Prober, ProbeTarget } from '../probe.ts';

/** Bytes within which the line must end. */
const LIMIT = 64 * 1024;

export function createAgentProber(check: AgentCheckConfig, target: ProbeTarget): Prober {
  const limits = { connectTimeout: check.connectTimeout, tlsTimeout: null };
  let current: Attempt | undefined;

  function run(): Promise<ProbeResult> {
    const line = createLine();
    current = attempt(check.timeout, (settle) => {
      const connection = open(target, null, limits, (result) => {
        if (!result.ok) return settle(result.error);
        const socket = result.value;
        // Before the ear, to which an orderly end is a loss like others.
        socket.once('end', () => settle(line.end()));
        hear(socket, target.source, {
          heard: (bytes) => {
            const finding = line.take(bytes);
            if (finding !== undefined) settle(finding);
          },
          lost: (finding) => settle(line.lost(finding)),
        });
        if (check.send !== null) socket.write(check.send);
      });
      return {
        waitingFor: () => MISSING[connection.phase()] ?? line.waitingFor(),
        release: () => connection.end(),
      };
    });
    return current.result.then((result) => (line.begun() ? result : whenSilent(check, result)));
  }

  return { run, close: () => current?.giveUp() };
}

function whenSilent({ absent }: AgentCheckConfig, result: ProbeResult): ProbeResult {
  if (result.outcome !== 'down' || absent === 'down') return result;
  return { ...result, outcome: 'up', reason: `${result.reason}, which counts as up` };
}

/** The first line, as it comes: ended by CR or LF, or else by the end of the connection. */
function createLine() {
  const chunks: Buffer[] = [];
  let size = 0;
  const text = (): string => Buffer.concat(chunks).toString('utf8');

  return {
    begun: (): boolean => size > 0,
    take(bytes: Buffer): Finding | undefined {
      const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d);
      chunks.push(end < 0 ? bytes : bytes.subarray(0, end));
      size += bytes.length;
      if (end >= 0) return judgeLine('answered', text());
      if (size < LIMIT) return undefined;
      return down(`answered "${excerpt(text())}", and no end of the line in ${LIMIT / 1024} KiB`);
    },
    end: (): Finding => (size === 0 ? down('connection closed without an answer') : judgeLine('answered', text())),
    lost: (finding: Finding): Finding =>
      size === 0 || finding.outcome !== 'down'
        ? finding
        : down(`${finding.reason} after "${excerpt(text())}", the beginning of a line`),
    waitingFor: (): string =>
      size === 0 ? 'connected, but no answer' : `answered "${excerpt(text())}", but no end of the line`,
  };
}
