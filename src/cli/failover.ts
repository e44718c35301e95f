/** `lvskeeper failover` */

import type { OrderAnswer } from '../control/director.ts';
import { ask } from './ask.ts';
import { sayAnswer, TERMS, termsOf } from './order-terms.ts';
import type { VerbModule } from './verb.ts';

export const failover: VerbModule = {
  operands: [0, 1],
  options: {
    'to-backup': { help: 'this director is the backup, whatever it is now' },
    ...TERMS,
  },
  about: `
Moves ROUTER, by default every virtual router, to the other director: where this one is master it is demoted, where it is backup
it is promoted, for --for (10m); then the priorities decide again. For work on this director, whatever its role: --to-backup.
\`lvskeeper demote ROUTER --cancel\` takes it back sooner. The members of a sync group follow together.
`,
  run: async (args, io) => {
    const terms = termsOf(args, io);
    if (!terms.ok) return { wrong: terms.error };
    const [router = null] = args.operands;
    const json = { router, to_backup: args.flags.has('to-backup'), ...terms.value };
    const answer = await ask(args, io, { method: 'POST', path: '/failover', json });
    return typeof answer === 'number' ? answer : sayAnswer(answer.body as OrderAnswer, args, io);
  },
};
