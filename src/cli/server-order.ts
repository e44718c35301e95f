/** `lvskeeper drain`, `undrain`, `weight`, `disable`, `enable` */

import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../base/time.ts';
import { call } from '../control/client.ts';
import type { ServerOrderAnswer } from '../control/director.ts';
import type { ServerOrder, Status } from '../control/status.ts';
import { ask } from './ask.ts';
import { createProgress, endWords, sightOf, type Waited, waitUntilEmpty } from './drain-wait.ts';
import { author, TERMS, termsOf } from './order-terms.ts';
import { answerLines } from './server-words.ts';
import {
  type Arguments,
  EXIT,
  type ExitCode,
  type Io,
  JSON_OPTION,
  type Option,
  SOCKET_OPTION,
  socketOf,
  type VerbModule,
  type WrongUsage,
} from './verb.ts';

const SERVICE: Option = { value: 'NAME', help: 'only in this service; otherwise in every one' };
const BACK_OPTIONS = { service: SERVICE, json: JSON_OPTION, socket: SOCKET_OPTION };

/** How long --wait waits without --for. */
const WAIT_AT_MOST = seconds(3600);

export const drain: VerbModule = {
  operands: [1, 1],
  options: { service: SERVICE, wait: { help: 'until it has no connections; 1 h, or --for' }, ...TERMS },
  about: `
SERVER gets no new connections, and those that it has may end: its weight is 0. SERVER is a server's name, or its address with or
without port. It stays so, over reloads and restarts, until --for has passed or \`undrain\` takes it back. --wait shows what is
left until nothing is (exit code 0), or ends with connections left (1); Ctrl-C ends the waiting, not the order. UDP connections
end by timeout alone. With persistence known clients come back unless expire_quiescent_template is on in [ipvs.sysctl].
`,
  run: (args, io) => give('drain', null, args, io),
};

export const disable: VerbModule = {
  operands: [1, 1],
  options: { service: SERVICE, ...TERMS },
  about: `
SERVER leaves the table at once, and its connections break; the answer says how many. \`lvskeeper drain SERVER --wait\` before it
breaks none. It stays so, over reloads and restarts, until --for has passed or \`enable\` takes it back. SERVER is a server's
name, or its address with or without port.
`,
  run: (args, io) => give('disable', null, args, io),
};

export const undrain: VerbModule = {
  operands: [1, 1],
  options: BACK_OPTIONS,
  about: `
Takes \`lvskeeper drain SERVER\` back: it has its weight again, if it is up. Nothing happens to a server that is not drained.
`,
  run: (args, io) => takeBack('drain', args, io),
};

export const enable: VerbModule = {
  operands: [1, 1],
  options: BACK_OPTIONS,
  about: `
Takes \`lvskeeper disable SERVER\` back: it is in the table again, if it is up. Nothing happens to a server that is not disabled.
`,
  run: (args, io) => takeBack('disable', args, io),
};

export const weight: VerbModule = {
  operands: [1, 2],
  options: { service: SERVICE, cancel: { help: 'take the order back' }, ...TERMS },
  about: `
SERVER has weight N, 1 to 65535, while it is up, instead of the one in the config. It stays so, over reloads and restarts, until
--for has passed or --cancel takes it back. SERVER is a server's name, or its address with or without port. A weight of 0 is
\`lvskeeper drain\`.
`,
  run: async (args, io) => {
    const [, text] = args.operands;
    if (args.flags.has('cancel')) {
      const other = ['for', 'reason'].find((name) => args.values.has(name));
      if (other !== undefined) return { wrong: `--cancel goes without --${other}` };
      return text === undefined ? takeBack('weight', args, io) : { wrong: '--cancel goes without a weight' };
    }
    if (text === undefined) return { wrong: 'the weight is missing' };
    const to = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
    if (to === 0) return { wrong: 'a weight of 0 is `lvskeeper drain`' };
    if (!(to <= 65535)) return { wrong: `${text} is no weight; give a whole number, 1 to 65535` };
    return give('weight', to, args, io);
  },
};

const PATH = '/servers/order';
type Kind = ServerOrder['kind'];

async function give(kind: Kind, to: number | null, args: Arguments, io: Io): Promise<ExitCode | WrongUsage> {
  const terms = termsOf(args, io);
  if (!terms.ok) return { wrong: terms.error };
  const [server] = args.operands;
  const json = { server, service: args.values.get('service') ?? null, kind, weight: to, ...terms.value };
  const answer = await ask(args, io, { method: 'POST', path: PATH, json });
  if (typeof answer === 'number') return answer;
  const given = answer.body as ServerOrderAnswer;
  if (args.flags.has('wait')) return wait(given, Number(terms.value.for_ms ?? WAIT_AT_MOST), args, io);
  say(given, kind, args, io);
  return EXIT.ok;
}

async function takeBack(kind: Kind, args: Arguments, io: Io): Promise<ExitCode> {
  const [server = ''] = args.operands;
  const service = args.values.get('service');
  const query = new URLSearchParams({ server, kind, by: author(io), ...(service !== undefined && { service }) });
  const answer = await ask(args, io, { method: 'DELETE', path: `${PATH}?${query}` });
  if (typeof answer === 'number') return answer;
  say(answer.body as ServerOrderAnswer, kind, args, io);
  return EXIT.ok;
}

const TAKES_BACK: Readonly<Record<Kind, readonly [verb: string, option: string]>> = {
  drain: ['undrain', ''],
  disable: ['enable', ''],
  weight: ['weight', ' --cancel'],
};

function say(answer: ServerOrderAnswer, kind: Kind, args: Arguments, io: Io): void {
  if (args.flags.has('json')) return io.out(`${JSON.stringify(answer, null, 2)}\n`);
  const [verb, option] = TAKES_BACK[kind];
  const service = args.values.get('service');
  const takesBack = `${verb} ${args.operands[0]}${service === undefined ? '' : ` --service ${service}`}${option}`;
  for (const line of answerLines(answer, takesBack)) io.out(`${line}\n`);
}

async function wait(given: ServerOrderAnswer, limit: number, args: Arguments, io: Io): Promise<ExitCode> {
  const json = args.flags.has('json');
  if (!json) say(given, 'drain', args, io);
  const [name = ''] = args.operands;
  const now = (): number => performance.now();
  const progress = createProgress(io, name, now);
  const waited = await waitUntilEmpty({
    look: async () => {
      const reply = await call(socketOf(args, io), { method: 'GET', path: '/status', timeout: 5000 });
      return reply.ok && reply.value.status === 200 ? sightOf(reply.value.body as Status, given.servers) : undefined;
    },
    say: (text) => json || progress.say(text),
    now,
    sleep,
    limit,
  });
  progress.done();
  if (json) io.out(`${JSON.stringify({ ...given, waited }, null, 2)}\n`);
  else if (waited.outcome === 'empty') io.out(`${endWords(waited, name)}\n`);
  if (waited.outcome !== 'empty') io.err(`lvskeeper: ${endWords(waited, name)}\n`);
  return CODES[waited.outcome];
}

const CODES: Readonly<Record<Waited['outcome'], ExitCode>> = {
  empty: EXIT.ok,
  late: EXIT.failed,
  ended: EXIT.failed,
  lost: EXIT.unreachable,
};
