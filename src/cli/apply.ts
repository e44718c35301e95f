/** `lvskeeper apply` */

import { resolve } from 'node:path';
import { formatDuration, milliseconds, parseDuration, seconds } from '../base/time.ts';
import { call } from '../control/client.ts';
import type { ApplyAnswer, PlanAnswer, ReloadAnswer, Trial, TrialRefusal } from '../control/director.ts';
import type { Status } from '../control/status.ts';
import { readConfig } from '../system/config-file.ts';
import { installConfig } from '../system/config-install.ts';
import { ask, sayIssues, sayRefusal } from './ask.ts';
import { author } from './order-terms.ts';
import { renderPlan } from './render-plan.ts';
import {
  type Arguments,
  EXIT,
  type ExitCode,
  type Io,
  JSON_OPTION,
  painter,
  SOCKET_OPTION,
  socketOf,
  type VerbModule,
  type WrongUsage,
} from './verb.ts';
import { moment } from './when.ts';

/** As the API has them. */
const SHORTEST = seconds(1);
const LONGEST = seconds(86_400);

export const apply: VerbModule = {
  operands: [1, 1],
  options: {
    confirm: { value: 'TIME', help: 'on trial: goes back by itself after TIME ("5m")' },
    json: JSON_OPTION,
    socket: SOCKET_OPTION,
  },
  about: `
Makes FILE the config of the running daemon. First it shows the plan; a file with an error changes nothing, and its issues are
printed. Without --confirm FILE takes the place of the daemon's own file, which is then reloaded; when the daemon refuses it, the
former file is put back. With --confirm the daemon runs FILE on trial and its own file stays as it is: \`lvskeeper confirm\` writes
it there and keeps it, \`lvskeeper rollback\` takes it back at once, and when neither is said within TIME, 1 s to 24 h, the daemon
goes back by itself to what ran before, with an event and an alert. So a change that locks you out ends without you. The trial
and its end outlast a crash, \`kill -9\` and \`lvskeeper restart\`. FILE may be the daemon's own file, edited in place: what ran
before is then what the daemon had loaded. During a trial a reload and another apply are refused.
`,
  run: async (args, io) => {
    const text = args.values.get('confirm');
    const lifetime = text === undefined ? undefined : parseDuration(text);
    if (text !== undefined && (lifetime === undefined || lifetime < SHORTEST || lifetime > LONGEST))
      return {
        wrong: `--confirm ${text} is no time from 1 s to 24 h; give a number and a unit, such as "90s" or "5m"`,
      };
    const [file = ''] = args.operands;
    return run(args, io, file, lifetime);
  },
};

/** What is said at last, as JSON: `plan` always, and what became of it. */
type Said = { readonly plan: PlanAnswer | null; readonly [field: string]: unknown };

async function run(
  args: Arguments,
  io: Io,
  file: string,
  lifetime: number | undefined,
): Promise<ExitCode | WrongUsage> {
  const json = args.flags.has('json');
  const print = (said: Said): void => (json ? io.out(`${JSON.stringify(said, null, 2)}\n`) : undefined);
  const reading = readConfig(file);
  if (reading.config === null) {
    if (!json) sayIssues(file, reading.issues, io);
    print({ plan: null, outcome: 'refused', issues: reading.issues });
    return EXIT.failed;
  }
  const status = await ask(args, io, { method: 'GET', path: '/status' });
  if (typeof status === 'number') return status;
  const { trial, file: own } = (status.body as Status).config;
  if (trial?.state === 'running') {
    const until = moment(trial.until, io.now());
    io.err(`lvskeeper: a config is on trial by ${trial.by} until ${until}\n${FIRST}\n`);
    return EXIT.failed;
  }
  // An empty body would stand for the daemon's own file.
  const body = reading.text === '' ? '\n' : reading.text;
  const asked = await ask(args, io, { method: 'POST', path: '/plan', body }, [200, 422]);
  if (typeof asked === 'number') return asked;
  const plan = asked.body as PlanAnswer;
  if (plan.issues !== undefined) {
    if (!json) sayIssues(file, plan.issues, io);
    print({ plan, outcome: 'refused', issues: plan.issues });
    return EXIT.failed;
  }
  if (!json) io.out(`${renderPlan(plan.changes, { width: io.columns, paint: painter(io.colour) })}\n`);
  const what: Apply = { args, io, file, own, text: reading.text, plan, print };
  return lifetime === undefined ? installAndReload(what) : tryOut(what, lifetime);
}

const FIRST = 'First `lvskeeper confirm` keeps it, or `lvskeeper rollback` takes it back.';

type Apply = {
  readonly args: Arguments;
  readonly io: Io;
  readonly file: string;
  readonly own: string;
  readonly text: string;
  readonly plan: PlanAnswer;
  readonly print: (said: Said) => void;
};

async function tryOut({ args, io, file, own, text, plan, print }: Apply, lifetime: number): Promise<ExitCode> {
  const json = { text, confirm_ms: lifetime, by: author(io) };
  const asked = await ask(args, io, { method: 'POST', path: '/apply', json }, [200, 409, 422]);
  if (typeof asked === 'number') return asked;
  if ('error' in (asked.body as object)) {
    sayRefusal(io, 409, asked.body as TrialRefusal);
    return EXIT.failed;
  }
  const { outcome, detail, issues, trial } = asked.body as ApplyAnswer;
  print({ plan, outcome, detail, issues, trial: trial && termsOf(trial) });
  if (!args.flags.has('json')) sayIssues(file, issues, io);
  if (trial === null) {
    io.err(`apply refused: ${detail}\n`);
    return EXIT.failed;
  }
  if (args.flags.has('json')) return EXIT.ok;
  const time = formatDuration(milliseconds(lifetime));
  const inPlace = resolve(file) === own;
  io.out(`${file} is on trial until ${moment(trial.until, io.now())}, for ${time}\n`);
  io.out(`  lvskeeper confirm    keeps it${inPlace ? '' : `, in ${own}`}\n`);
  io.out('  lvskeeper rollback   takes it back at once\n');
  io.out('With neither, what ran before runs again by itself.\n');
  return EXIT.ok;
}

const termsOf = ({ by, since, until }: Trial): object => ({ by, since, until });

async function installAndReload({ args, io, file, own, text, plan, print }: Apply): Promise<ExitCode> {
  const installed = installConfig(own, text);
  if (!installed.ok) {
    io.err(`lvskeeper: ${installed.error}\n`);
    return EXIT.failed;
  }
  const { changed, undo } = installed.value;
  const path = `/reload?${new URLSearchParams({ by: author(io) })}`;
  const answer = await call(socketOf(args, io), { method: 'POST', path });
  const reload = answer.ok && [200, 422].includes(answer.value.status) ? (answer.value.body as ReloadAnswer) : null;
  if (reload === null || reload.outcome === 'refused') {
    if (!args.flags.has('json') && reload !== null) sayIssues(own, reload.issues, io);
    io.err(`apply refused: ${reload?.detail ?? (answer.ok ? 'the daemon failed' : answer.error.message)}\n`);
    const back = changed ? undo() : undefined;
    if (back?.ok === false) io.err(`lvskeeper: ${back.error}: it holds what was refused\n`);
    else io.err(changed ? `${own} is as it was\n` : '');
    print({ plan, outcome: 'refused', detail: reload?.detail ?? '', issues: reload?.issues ?? [] });
    return answer.ok ? EXIT.failed : EXIT.unreachable;
  }
  print({ plan, outcome: reload.outcome, detail: reload.detail, issues: reload.issues, installed: changed });
  if (args.flags.has('json')) return EXIT.ok;
  sayIssues(own, reload.issues, io);
  if (changed) io.out(`${file} is now ${own}\n`);
  io.out(`reload ${reload.outcome}${reload.detail === '' ? '' : `: ${reload.detail}`}\n`);
  return EXIT.ok;
}
