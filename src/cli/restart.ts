/** `lvskeeper restart` */

import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, milliseconds } from '../base/time.ts';
import { call } from '../control/client.ts';
import type { RestartAnswer } from '../control/director.ts';
import type { RouterStatus, Status } from '../control/status.ts';
import { ask, sayIssues } from './ask.ts';
import { EXIT, JSON_OPTION, SOCKET_OPTION, socketOf, type VerbModule } from './verb.ts';

/** How long it may take to be there again, ms. */
const PATIENCE = 20_000;
const EVERY = 50;

export const restart: VerbModule = {
  operands: [0, 0],
  options: { json: JSON_OPTION, socket: SOCKET_OPTION },
  about: `
The daemon ends, leaves the kernel as it is, and starts as the program that is now installed: after an upgrade, or to begin anew.
A master goes on as master, no address goes and no connection breaks, where three of its intervals are longer than the 2 s that
this may take; with shorter intervals it hands over first, as when it is stopped. A config file with an error is refused, and
nothing happens. Settings of the service itself (systemd) need \`systemctl restart\`, which hands over.
`,
  run: async (args, io) => {
    const before = await ask(args, io, { method: 'GET', path: '/status' });
    if (typeof before === 'number') return before;
    const began = performance.now();
    const answer = await ask(args, io, { method: 'POST', path: '/restart' }, [202, 422]);
    if (typeof answer === 'number') return answer;
    const { outcome, detail, file, issues } = answer.body as RestartAnswer;
    const json = args.flags.has('json');
    const print = (value: unknown): void => io.out(`${JSON.stringify(value, null, 2)}\n`);
    if (outcome === 'refused') {
      if (json) print(answer.body);
      else sayIssues(file, issues, io);
      io.err(`restart refused: ${detail}\n`);
      return EXIT.failed;
    }
    const old = before.body as Status;
    const back = await comeBack(socketOf(args, io), old);
    const took = milliseconds(performance.now() - began);
    if (back === undefined) {
      io.err(`lvskeeper: it was not there again within ${PATIENCE / 1000} s; see systemctl status lvskeeper\n`);
      return EXIT.failed;
    }
    const routers = compare(old.routers, back.routers);
    if (json) print({ outcome: 'restarted', took, version: back.version, routers });
    else {
      io.out(`restarted in ${formatDuration(took)}: lvskeeper ${back.version}\n`);
      for (const { name, family, before, after, cause } of routers)
        if (before !== after) io.out(`${name} IPv${family}: ${before} before, ${after} now: ${cause}\n`);
      const kept = routers.filter((router) => router.before === router.after).length;
      if (kept > 0)
        io.out(`${kept} virtual router${kept === 1 ? ' is' : 's are'} what ${kept === 1 ? 'it was' : 'they were'}\n`);
    }
    return EXIT.ok;
  },
};

/** Waits for another daemon than `old` with every process ready; `undefined`: in vain. */
async function comeBack(socket: string, old: Status): Promise<Status | undefined> {
  const deadline = performance.now() + PATIENCE;
  while (performance.now() < deadline) {
    await sleep(EVERY);
    const reply = await call(socket, { method: 'GET', path: '/status', timeout: 5000 });
    if (!reply.ok || reply.value.status !== 200) continue;
    const status = reply.value.body as Status;
    const ready = new Set(status.processes.flatMap(({ name, state }) => (state === 'ready' ? name : [])));
    if (status.started !== old.started && old.processes.every(({ name }) => ready.has(name))) return status;
  }
  return undefined;
}

type Compared = Pick<RouterStatus, 'name' | 'family' | 'cause'> & {
  /** `null`: there was no such router. */
  readonly before: RouterStatus['state'] | null;
  readonly after: RouterStatus['state'];
};

const compare = (before: readonly RouterStatus[], after: readonly RouterStatus[]): readonly Compared[] =>
  after.map(({ name, family, state, cause }) => ({
    ...{ name, family, after: state, cause },
    before: before.find((one) => one.name === name && one.family === family)?.state ?? null,
  }));
