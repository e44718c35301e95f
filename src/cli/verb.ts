/** What every verb of the command line is made of, and what they share: arguments, help, exit codes, the terminal. */

import { parseArgs, styleText } from 'node:util';
import { nearest } from '../base/nearest.ts';
import { err, ok, type Result } from '../base/result.ts';
import { wrap } from './table.ts';

/** Exit codes, the same for every verb. */
export const EXIT = {
  ok: 0,
  /** It was done and failed, or what was looked at is wrong. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No daemon answers on the control socket. */
  unreachable: 3,
  /** `run` was given a config with an error: to try again is useless until the file is mended (EX_CONFIG, sysexits.h). */
  config: 78,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The world as a verb sees it. */
export type Io = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether standard output takes colour; never in a pipe. */
  readonly colour: boolean;
  /** Columns of the terminal; infinite in a pipe, where nothing need fit. */
  readonly columns: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
};

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';
export type Paint = (style: Style, text: string) => string;
export const painter = (colour: boolean): Paint =>
  colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;

/** An option of a verb; with `value` it takes one, by that name in the help. */
export type Option = { readonly short?: string; readonly value?: string; readonly help: string };

export type VerbModule = {
  readonly options: Readonly<Record<string, Option>>;
  /** The fewest and the most operands. */
  readonly operands: readonly [least: number, most: number];
  /** What `help VERB` says below the synopsis. */
  readonly about: string;
  readonly run: (args: Arguments, io: Io) => Promise<ExitCode | WrongUsage>;
};

/** What is wrong with the arguments, one sentence, where only the verb itself can tell. */
export type WrongUsage = { readonly wrong: string };

export type Arguments = {
  readonly operands: readonly string[];
  /** Options without a value that were given. */
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
};

export const JSON_OPTION: Option = { help: 'the answer as JSON, for programs' };
export const SOCKET_OPTION: Option = {
  value: 'PATH',
  help: 'control socket of the daemon (or LVSKEEPER_SOCKET)',
};

export const DEFAULT_CONFIG = '/etc/lvskeeper/lvskeeper.toml';
const DEFAULT_SOCKET = '/run/lvskeeper/control.sock';

export const socketOf = (args: Arguments, io: Io): string =>
  args.values.get('socket') ?? io.environment.LVSKEEPER_SOCKET ?? DEFAULT_SOCKET;

/** Reads a verb's arguments; the error is one sentence for the user. */
export function parseArguments(verb: VerbModule, argv: readonly string[]): Result<Arguments, string> {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  const options = Object.fromEntries(
    Object.entries(verb.options).map(([name, { short, value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short !== undefined && { short }) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = verb.options[token.name];
    if (option === undefined) {
      const near = nearest(token.name, Object.keys(verb.options));
      return err(`unknown option ${token.rawName}${near === undefined ? '' : `, did you mean --${near}?`}`);
    }
    if (option.value === undefined) {
      if (token.value !== undefined) return err(`${token.rawName} takes no value`);
      flags.add(token.name);
    } else {
      if (token.value === undefined || (!token.inlineValue && token.value.startsWith('-')))
        return err(`${token.rawName} needs a value: ${token.rawName} ${option.value}`);
      values.set(token.name, token.value);
    }
  }
  const [least, most] = verb.operands;
  if (operands.length < least) return err('an operand is missing');
  if (operands.length > most) return err(`one operand too many: ${operands[most]}`);
  return ok({ operands, flags, values });
}

const HELP_WIDTH = 80;

/** Broken between its parts, the further lines under the first. */
function synopsisLines(synopsis: string): string {
  const indent = ' '.repeat('lvskeeper '.length + synopsis.indexOf(' ') + 1);
  let [line = '', ...parts] = `lvskeeper ${synopsis}`.split(/ (?=\[)/);
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${line} ${part}`;
    if (longer.length > HELP_WIDTH) lines.push(line);
    line = longer.length > HELP_WIDTH ? indent + part : longer;
  }
  return [...lines, line].join('\n');
}

export function helpOf(synopsis: string, line: string, verb: VerbModule): string {
  const rows = Object.entries(verb.options).map(([name, { short, value, help }]) => {
    const left = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
    return `  ${left.padEnd(22)} ${help}\n`;
  });
  const options = rows.length === 0 ? '' : `\nOptions\n${rows.join('')}`;
  const about = wrap(verb.about.trim().replaceAll('\n', ' '), HELP_WIDTH).join('\n');
  return `${synopsisLines(synopsis)}\n\n${line}\n\n${about}\n${options}`;
}
