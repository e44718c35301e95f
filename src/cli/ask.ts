/** Asking the daemon, and saying so when it cannot be asked. */

import type { Issue } from '../config/config.ts';
import { formatIssue } from '../config/load.ts';
import { type Call, call } from '../control/client.ts';
import type { OrderRefusal } from '../control/director.ts';
import type { ErrorReply } from '../control/http.ts';
import { type Arguments, EXIT, type ExitCode, type Io, socketOf } from './verb.ts';

/** The answer's body when its status is one of `wanted`; otherwise the exit code, all having been said. */
export async function ask(
  args: Arguments,
  io: Io,
  what: Call,
  wanted: readonly number[] = [200],
): Promise<{ readonly body: unknown } | ExitCode> {
  const answer = await call(socketOf(args, io), what);
  if (!answer.ok) {
    io.err(`lvskeeper: ${answer.error.message}\n`);
    return EXIT.unreachable;
  }
  const { status, body } = answer.value;
  if (wanted.includes(status)) return { body };
  sayRefusal(io, status, body);
  return EXIT.failed;
}

export function sayRefusal(io: Io, status: number, body: unknown): void {
  const { what, todo, issues } = (typeof body === 'object' && body !== null ? body : {}) as Partial<
    ErrorReply & Pick<OrderRefusal, 'issues'>
  >;
  const wrong = issues?.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  for (const text of wrong ?? [what ?? `the daemon answered HTTP ${status}`]) io.err(`lvskeeper: ${text}\n`);
  if (todo !== undefined) io.err(`${todo}\n`);
}

export function sayIssues(file: string, issues: readonly Issue[], io: Io): void {
  for (const issue of issues) io.err(`${formatIssue(file, issue)}\n`);
}
