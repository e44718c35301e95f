/** `lvskeeper demote`, `lvskeeper promote` */

import type { OrderAnswer } from '../control/director.ts';
import type { RouterOrder } from '../control/status.ts';
import { ask } from './ask.ts';
import { author, sayAnswer, TERMS, termsOf } from './order-terms.ts';
import type { Arguments, ExitCode, Io, VerbModule, WrongUsage } from './verb.ts';

const OPTIONS = { cancel: { help: 'take the order back' }, ...TERMS };

export const demote: VerbModule = {
  operands: [1, 1],
  options: OPTIONS,
  about: `
This director resigns as master of ROUTER at once, and is its master again only when no other director is: its priority is 1.
It stays so, over reloads and restarts, until --for has passed or --cancel takes it back. ROUTER is the name of a [[vrrp]];
the members of its sync group follow. The order, its author and its reason are in the status, the events and the alerts.
`,
  run: (args, io) => run('demote', args, io),
};

export const promote: VerbModule = {
  operands: [1, 1],
  options: OPTIONS,
  about: `
This director becomes master of ROUTER at once, with priority 254, whatever the priorities in the config and whatever it tracks.
One that is in fault becomes it when the fault is over. It stays so, over reloads and restarts, until --for has passed or --cancel
takes it back; then the priorities decide again. ROUTER is the name of a [[vrrp]]; the members of its sync group follow.
`,
  run: (args, io) => run('promote', args, io),
};

async function run(kind: RouterOrder['kind'], args: Arguments, io: Io): Promise<ExitCode | WrongUsage> {
  const [router = ''] = args.operands;
  const path = `/routers/${encodeURIComponent(router)}/order`;
  if (args.flags.has('cancel')) {
    const other = ['for', 'reason'].find((name) => args.values.has(name));
    if (other !== undefined) return { wrong: `--cancel goes without --${other}` };
    const by = new URLSearchParams({ by: author(io) });
    return say(await ask(args, io, { method: 'DELETE', path: `${path}?${by}` }), args, io);
  }
  const terms = termsOf(args, io);
  if (!terms.ok) return { wrong: terms.error };
  return say(await ask(args, io, { method: 'POST', path, json: { kind, ...terms.value } }), args, io);
}

const say = (answer: Awaited<ReturnType<typeof ask>>, args: Arguments, io: Io): ExitCode =>
  typeof answer === 'number' ? answer : sayAnswer(answer.body as OrderAnswer, args, io);
