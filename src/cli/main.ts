/** The command line: finds the verb, reads its arguments, runs it, and ends with its exit code. */

import { nearest } from '../base/nearest.ts';
import { VERSION } from '../control/version.ts';
import { EXIT, type ExitCode, helpOf, type Io, parseArguments, type VerbModule } from './verb.ts';

type Verb = {
  readonly name: string;
  readonly synopsis: string;
  readonly line: string;
  readonly load: () => Promise<VerbModule>;
};

/** Every verb there is. */
export const VERBS: readonly Verb[] = [
  {
    name: 'run',
    synopsis: 'run [FILE]',
    line: 'Run the daemon in the foreground.',
    load: async () => (await import('./run.ts')).run,
  },
  {
    name: 'check',
    synopsis: 'check [FILE] [--json]',
    line: 'Check a config file; every issue with its place.',
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'plan',
    synopsis: 'plan [FILE] [--json]',
    line: 'Show what a config would change, and what that breaks.',
    load: async () => (await import('./plan.ts')).plan,
  },
  {
    name: 'reload',
    synopsis: 'reload [--discard] [--json]',
    line: 'Have the daemon read its config file again.',
    load: async () => (await import('./reload.ts')).reload,
  },
  {
    name: 'apply',
    synopsis: 'apply FILE [--confirm TIME] [--json]',
    line: 'Make FILE the config; with --confirm on trial, until TIME is over.',
    load: async () => (await import('./apply.ts')).apply,
  },
  {
    name: 'confirm',
    synopsis: 'confirm [--json]',
    line: 'Keep the config that is on trial.',
    load: async () => (await import('./trial.ts')).confirm,
  },
  {
    name: 'rollback',
    synopsis: 'rollback [--json]',
    line: 'Take the config that is on trial back.',
    load: async () => (await import('./trial.ts')).rollback,
  },
  {
    name: 'restart',
    synopsis: 'restart [--json]',
    line: 'Start the daemon anew, after an upgrade; it keeps its roles.',
    load: async () => (await import('./restart.ts')).restart,
  },
  {
    name: 'status',
    synopsis: 'status [--json]',
    line: 'Show who is master of what, and how the servers are.',
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'events',
    synopsis: 'events [--follow] [--since WHEN] [--kind KIND] [--limit N] [--json]',
    line: 'Show what happened.',
    load: async () => (await import('./events.ts')).events,
  },
  {
    name: 'failover',
    synopsis: 'failover [ROUTER] [--to-backup] [--for TIME] [--reason TEXT] [--json]',
    line: 'Move the role of master to the other director.',
    load: async () => (await import('./failover.ts')).failover,
  },
  {
    name: 'demote',
    synopsis: 'demote ROUTER [--for TIME] [--reason TEXT] [--cancel] [--json]',
    line: 'Give a virtual router away, and stay its last resort.',
    load: async () => (await import('./order.ts')).demote,
  },
  {
    name: 'promote',
    synopsis: 'promote ROUTER [--for TIME] [--reason TEXT] [--cancel] [--json]',
    line: 'Take a virtual router over, and keep it.',
    load: async () => (await import('./order.ts')).promote,
  },
  {
    name: 'drain',
    synopsis: 'drain SERVER [--service NAME] [--for TIME] [--reason TEXT] [--wait] [--json]',
    line: 'Give a server no new connections, and let those that it has end.',
    load: async () => (await import('./server-order.ts')).drain,
  },
  {
    name: 'undrain',
    synopsis: 'undrain SERVER [--service NAME] [--json]',
    line: 'Give a drained server connections again.',
    load: async () => (await import('./server-order.ts')).undrain,
  },
  {
    name: 'weight',
    synopsis: 'weight SERVER [N] [--service NAME] [--for TIME] [--reason TEXT] [--cancel] [--json]',
    line: 'Give a server another weight while it is up.',
    load: async () => (await import('./server-order.ts')).weight,
  },
  {
    name: 'disable',
    synopsis: 'disable SERVER [--service NAME] [--for TIME] [--reason TEXT] [--json]',
    line: 'Take a server out of the table at once, with its connections.',
    load: async () => (await import('./server-order.ts')).disable,
  },
  {
    name: 'enable',
    synopsis: 'enable SERVER [--service NAME] [--json]',
    line: 'Put a disabled server back into the table.',
    load: async () => (await import('./server-order.ts')).enable,
  },
  {
    name: 'add-server',
    synopsis: 'add-server SERVICE ADDRESS [--weight N] [--name NAME] [--forward MODE] [--reason TEXT] [--json]',
    line: 'Add a server to a service at run time.',
    load: async () => (await import('./server-change.ts')).addServer,
  },
  {
    name: 'remove-server',
    synopsis: 'remove-server SERVICE SERVER [--reason TEXT] [--json]',
    line: 'Remove a server from a service at run time; it drains.',
    load: async () => (await import('./server-change.ts')).removeServer,
  },
  {
    name: 'accept-servers',
    synopsis: 'accept-servers SERVICE [--discovery NAME] [--json]',
    line: 'Follow what a discovery holds back.',
    load: async () => (await import('./accept-servers.ts')).acceptServers,
  },
];

const SPECIAL = ['help', '--help', '-h', '--version', '-V'];

export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  const [word, ...rest] = argv;
  if (word === undefined) {
    io.err(overview());
    return EXIT.usage;
  }
  if (word === '--version' || word === '-V') {
    io.out(`lvskeeper ${VERSION}\n`);
    return EXIT.ok;
  }
  const helping = word === 'help' || word === '--help' || word === '-h';
  const name = helping ? rest.find((arg) => !arg.startsWith('-')) : word;
  if (name === undefined) {
    io.out(overview());
    return EXIT.ok;
  }
  const verb = VERBS.find((candidate) => candidate.name === name);
  if (verb === undefined) {
    const near = nearest(name, [...VERBS.map((candidate) => candidate.name), ...SPECIAL]);
    io.err(`lvskeeper: there is no verb ${name}${near === undefined ? '' : `, did you mean ${near}?`}\n`);
    io.err('`lvskeeper help` lists the verbs.\n');
    return EXIT.usage;
  }
  const loaded = await verb.load();
  const end = rest.indexOf('--');
  if (helping || rest.slice(0, end < 0 ? rest.length : end).some((arg) => arg === '--help' || arg === '-h')) {
    io.out(helpOf(verb.synopsis, verb.line, loaded));
    return EXIT.ok;
  }
  const args = parseArguments(loaded, rest);
  const ended = args.ok ? await loaded.run(args.value, io) : { wrong: args.error };
  if (typeof ended === 'number') return ended;
  io.err(`lvskeeper ${verb.name}: ${ended.wrong}\nUsage: lvskeeper ${verb.synopsis}\n`);
  return EXIT.usage;
}

function overview(): string {
  const rows = VERBS.map((verb) => `  ${verb.name.padEnd(13)} ${verb.line}\n`).join('');
  return `lvskeeper keeps a Linux Virtual Server alive: VRRP, health checks, IPVS.

Usage: lvskeeper VERB [ARGUMENTS]

${rows}
\`lvskeeper help VERB\` tells more of one; \`lvskeeper --version\` which this is.
Exit codes: 0 done; 1 failed, or what was looked at is wrong; 2 wrong usage;
3 no daemon answers; 78 run was given a config with an error.
`;
}

/** Runs `main` on the real process. */
export function start(): void {
  const { stdout, stderr } = process;
  // `lvskeeper events | head`: the reader has seen enough.
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.ok);
      throw error;
    });
  const io: Io = {
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
    colour: stdout.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb',
    columns: stdout.isTTY ? stdout.columns || 80 : Number.POSITIVE_INFINITY,
    environment: process.env,
    now: () => new Date(),
  };
  main(process.argv.slice(2), io).then((code) => {
    process.exitCode = code;
  });
}
