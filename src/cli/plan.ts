/** `lvskeeper plan` */

import { call } from '../control/client.ts';
import type { PlanAnswer } from '../control/director.ts';
import { sayRefusal } from './ask.ts';
import { type Reading, readConfig, sayIssues } from './config-file.ts';
import { renderPlan } from './render-plan.ts';
import {
  type Arguments,
  DEFAULT_CONFIG,
  EXIT,
  type ExitCode,
  type Io,
  JSON_OPTION,
  painter,
  SOCKET_OPTION,
  socketOf,
  type VerbModule,
} from './verb.ts';

export const plan: VerbModule = {
  operands: [0, 1],
  options: { json: JSON_OPTION, socket: SOCKET_OPTION },
  about: `
Shows, in the order it would be done, what a config would change in the kernel: "+" added, "~" changed, "-" removed, each with
the live connections that it would break. Without FILE it is the file that the running daemon was started with. When no daemon
runs, FILE (${DEFAULT_CONFIG}) is compared with the kernel directly, every server counted as up. Changes nothing.
`,
  run: async (args, io) => {
    const [file] = args.operands;
    let text: string | undefined;
    if (file !== undefined) {
      const reading = readConfig(file);
      if (!reading.ok) return show(args, io, file, { issues: reading.issues });
      text = reading.text;
    }
    // An empty body would stand for the daemon's own file.
    const body = text === '' ? '\n' : text;
    const answer = await call(socketOf(args, io), {
      method: 'POST',
      path: '/plan',
      ...(body !== undefined && { body }),
    });
    if (answer.ok) {
      const { status, body: found } = answer.value;
      if (status === 200 || status === 422) return show(args, io, file ?? 'config', found as PlanAnswer);
      sayRefusal(io, status, found);
      return EXIT.failed;
    }
    // Only where there certainly is no daemon: one that does not answer may be about to change what we would read.
    if (answer.error.code !== 'ENOENT' && answer.error.code !== 'ECONNREFUSED') {
      io.err(`lvskeeper: ${answer.error.message}\n`);
      return EXIT.unreachable;
    }
    return offline(args, io, file ?? DEFAULT_CONFIG);
  },
};

async function offline(args: Arguments, io: Io, file: string): Promise<ExitCode> {
  const reading: Reading = readConfig(file);
  if (!reading.ok) return show(args, io, file, { issues: reading.issues });
  const { planOffline } = await import('../daemon/offline-plan.ts');
  if (!args.flags.has('json')) io.err('no daemon runs: compared with the kernel, every server counted as up\n');
  return show(args, io, file, await planOffline(reading.config));
}

function show(args: Arguments, io: Io, file: string, answer: PlanAnswer): ExitCode {
  if (args.flags.has('json')) io.out(`${JSON.stringify(answer, null, 2)}\n`);
  else if (answer.issues !== undefined) sayIssues(file, answer.issues, io);
  else io.out(renderPlan(answer.changes, painter(io.colour)));
  return answer.issues === undefined ? EXIT.ok : EXIT.failed;
}
