/** `lvskeeper confirm`, `lvskeeper rollback` */

import type { Trial } from '../control/director.ts';
import type { Status } from '../control/status.ts';
import { installConfig } from '../system/config-install.ts';
import { ask } from './ask.ts';
import { author } from './order-terms.ts';
import { type Arguments, EXIT, type ExitCode, type Io, JSON_OPTION, SOCKET_OPTION, type VerbModule } from './verb.ts';

const OPTIONS = { json: JSON_OPTION, socket: SOCKET_OPTION };

export const confirm: VerbModule = {
  operands: [0, 0],
  options: OPTIONS,
  about: `
Keeps the config that is on trial (\`lvskeeper apply FILE --confirm TIME\`): writes it over the daemon's config file, whose mode and
owner stay, and tells the daemon, which from then on runs from its file again. Nothing changes in the kernel.
`,
  run: async (args, io) => {
    const found = await trialOf(args, io);
    if (typeof found === 'number') return found;
    const { trial, file } = found;
    const installed = installConfig(file, trial.text, [trial.before]);
    if (!installed.ok) {
      io.err(`lvskeeper: ${installed.error}\nNothing is confirmed: the trial goes on.\n`);
      return EXIT.failed;
    }
    const answer = await ask(args, io, { method: 'POST', path: `/confirm?${by(io)}` });
    if (typeof answer === 'number') {
      // It came too late, or nobody knows: then the file shall not say what is not kept.
      const back = installed.value.undo();
      io.err(back.ok ? `${file} is as it was\n` : `lvskeeper: ${back.error}: it holds what was on trial\n`);
      return answer;
    }
    const { kept } = installed.value;
    if (kept !== null) io.err(`${file} was edited during the trial: what it held is in ${kept}\n`);
    if (args.flags.has('json')) print(io, 'confirmed', file, trial);
    else io.out(`confirmed: ${file} holds what was on trial, and nothing else has changed\n`);
    return EXIT.ok;
  },
};

export const rollback: VerbModule = {
  operands: [0, 0],
  options: OPTIONS,
  about: `
Takes the config that is on trial (\`lvskeeper apply FILE --confirm TIME\`) back at once: what ran before it runs again. The
daemon's config file stays as it is; where it was edited in place, it still holds what was tried, and the status says so.
`,
  run: async (args, io) => {
    const found = await trialOf(args, io);
    if (typeof found === 'number') return found;
    const answer = await ask(args, io, { method: 'POST', path: `/rollback?${by(io)}` });
    if (typeof answer === 'number') return answer;
    const now = await ask(args, io, { method: 'GET', path: '/status' });
    const inPlace = typeof now !== 'number' && (now.body as Status).config.trial?.state === 'rolled-back';
    if (args.flags.has('json')) print(io, 'rolled-back', found.file, found.trial);
    else {
      io.out('rolled back: what ran before the trial runs again\n');
      if (inPlace) io.out(`${found.file} still holds what was tried: mend it, then \`lvskeeper reload\`\n`);
    }
    return EXIT.ok;
  },
};

const by = (io: Io): URLSearchParams => new URLSearchParams({ by: author(io) });

async function trialOf(args: Arguments, io: Io): Promise<{ trial: Trial; file: string } | ExitCode> {
  const trial = await ask(args, io, { method: 'GET', path: '/trial' });
  if (typeof trial === 'number') return trial;
  const status = await ask(args, io, { method: 'GET', path: '/status' });
  if (typeof status === 'number') return status;
  return { trial: trial.body as Trial, file: (status.body as Status).config.file };
}

function print(io: Io, outcome: 'confirmed' | 'rolled-back', file: string, { by, since, until }: Trial): void {
  io.out(`${JSON.stringify({ outcome, file, by, since, until }, null, 2)}\n`);
}
