/** `lvskeeper plan` */

import { call } from '../control/client.ts';
import type { PlanAnswer } from '../control/director.ts';
import type { Status } from '../control/status.ts';
import { readConfig } from '../system/config-file.ts';
import { sayIssues, sayRefusal } from './ask.ts';
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
Shows what a config would change, part by part, in the order it would be done: "+" added, "~" changed, "-" removed, each with
the live connections that it would break, or that would drain from a server that gets no new ones. Each connection is counted
once. Of virtual routers it says what becomes of the role, where that is known. Without FILE it is the file that the running
daemon was started with. When no daemon runs, all of FILE (${DEFAULT_CONFIG}) is new, and it is compared with the kernel
directly, every server counted as up. Changes nothing.
`,
  run: async (args, io) => {
    const [file] = args.operands;
    let text: string | undefined;
    if (file !== undefined) {
      const reading = readConfig(file);
      if (reading.config === null) return show(args, io, file, { issues: reading.issues });
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
      if (status === 200 || status === 422)
        return show(args, io, file ?? (await fileOfDaemon(args, io)), found as PlanAnswer);
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

/** The file that the daemon reads, for the places of its issues. */
async function fileOfDaemon(args: Arguments, io: Io): Promise<string> {
  const answer = await call(socketOf(args, io), { method: 'GET', path: '/status' });
  return answer.ok && answer.value.status === 200 ? (answer.value.body as Status).config.file : 'config';
}

async function offline(args: Arguments, io: Io, file: string): Promise<ExitCode> {
  const { config, issues } = readConfig(file);
  if (config === null) return show(args, io, file, { issues });
  const { planOffline } = await import('../daemon/offline-plan.ts');
  try {
    const answer = await planOffline(config);
    if (!args.flags.has('json')) io.err('no daemon runs: compared with the kernel, every server counted as up\n');
    return show(args, io, file, answer);
  } catch (error) {
    io.err(
      `lvskeeper: no daemon runs, and the kernel cannot be asked: ${error instanceof Error ? error.message : error}\n`,
    );
    return EXIT.failed;
  }
}

function show(args: Arguments, io: Io, file: string, answer: PlanAnswer): ExitCode {
  if (args.flags.has('json')) io.out(`${JSON.stringify(answer, null, 2)}\n`);
  else if (answer.issues !== undefined) sayIssues(file, answer.issues, io);
  else io.out(renderPlan(answer.changes, { width: io.columns, paint: painter(io.colour) }));
  return answer.issues === undefined ? EXIT.ok : EXIT.failed;
}
