/**
 * The log: one line an entry, to the process's own output; what keeps it (journald, a container's runtime, a terminal) is
 * the operator's choice.
 *
 * - Writing never waits. A pipe or socket that nobody reads queues in memory up to `LIMIT` bytes; beyond that entries
 *   are dropped and counted, and the count is logged as soon as there is room. A reader that has gone is not an error.
 *   (Node writes to a terminal and to a regular file synchronously.)
 * - JSON: `{"time","level","message",…fields}`. Text: `12:01:03.250 warning message key=value`.
 * - Under systemd each line is led by `<N>`, the syslog(3) priority that journald takes from it (sd-daemon(3)).
 */

import { fstatSync } from 'node:fs';
import { styleText } from 'node:util';
import { printable } from '../base/printable.ts';
import type { LogConfig } from '../config/config.ts';

export type Level = LogConfig['level'];
export type Fields = Readonly<Record<string, unknown>>;

export type Log = Readonly<Record<Level, (message: string, fields?: Fields) => void>> & {
  /** Another log to the same place, whose entries all bear `fields`. */
  with(fields: Fields): Log;
  /** Takes level and format anew, after a reload. */
  configure(config: LogConfig): void;
  /** Resolves when what is queued has been written or the reader has gone. For the end of the process. */
  flush(): Promise<void>;
};

/** The part of `stream.Writable` that the log needs. */
export type LogStream = {
  write(text: string, done?: () => void): boolean;
  readonly writableLength: number;
  on(event: 'error', listener: (error: Error) => void): unknown;
};

/** What the output is, as `surroundings` finds it. */
export type Surroundings = { readonly terminal: boolean; readonly colour: boolean; readonly journal: boolean };

/** Bytes queued towards a reader that does not read. */
const LIMIT = 1 << 20;

const RANK: Readonly<Record<Level, number>> = { debug: 0, info: 1, warning: 2, error: 3 };
/** syslog(3) priorities. */
const PRIORITY: Readonly<Record<Level, number>> = { debug: 7, info: 6, warning: 4, error: 3 };
const COLOUR = { debug: 'gray', info: 'green', warning: 'yellow', error: 'red' } as const;

/** What `fd` is: a terminal, or systemd's journal (JOURNAL_STREAM names its device and inode; systemd.exec(5)), or neither. */
export function surroundings(stream: { readonly fd: number; readonly isTTY?: boolean }): Surroundings {
  const terminal = stream.isTTY === true;
  const named = process.env.JOURNAL_STREAM;
  const stat = fstatSync(stream.fd);
  return {
    terminal,
    colour: terminal && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb',
    journal: named === `${stat.dev}:${stat.ino}`,
  };
}

export function createLog(options: {
  readonly stream: LogStream;
  readonly config: LogConfig;
  readonly surroundings: Surroundings;
  readonly now: () => Date;
}): Log {
  const { stream, now } = options;
  let { config } = options;
  let dropped = 0;
  let gone = false;
  stream.on('error', () => {
    gone = true;
  });

  const line = (level: Level, message: string, fields: Fields): string => {
    const { terminal, colour, journal } = options.surroundings;
    const text = config.format === 'text' || (config.format === 'auto' && terminal);
    const body = text ? renderText(level, message, fields, now(), colour) : renderJson(level, message, fields, now());
    return `${journal ? `<${PRIORITY[level]}>` : ''}${body}\n`;
  };

  const write = (level: Level, message: string, fields: Fields): void => {
    if (gone || RANK[level] < RANK[config.level]) return;
    if (stream.writableLength > LIMIT) {
      dropped++;
      return;
    }
    if (dropped > 0) {
      const entries = dropped;
      dropped = 0;
      stream.write(line('warning', 'log entries dropped: the reader of the log did not keep up', { entries }));
    }
    stream.write(line(level, message, fields));
  };

  const bearing = (common: Fields): Log => ({
    debug: (message, fields) => write('debug', message, { ...common, ...fields }),
    info: (message, fields) => write('info', message, { ...common, ...fields }),
    warning: (message, fields) => write('warning', message, { ...common, ...fields }),
    error: (message, fields) => write('error', message, { ...common, ...fields }),
    with: (fields) => bearing({ ...common, ...fields }),
    configure: (next) => {
      config = next;
    },
    flush: () =>
      new Promise((resolve) => {
        if (gone) return resolve();
        stream.on('error', () => resolve());
        stream.write('', () => resolve());
      }),
  });
  return bearing({});
}

function renderJson(level: Level, message: string, fields: Fields, time: Date): string {
  return JSON.stringify({ time: time.toISOString(), level, message, ...plain(fields) });
}

function renderText(level: Level, message: string, fields: Fields, time: Date, colour: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const pairs = Object.entries(plain(fields)).map(([key, value]) => ` ${paint('dim', `${key}=`)}${word(value)}`);
  const clock = `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}.${pad(time.getMilliseconds(), 3)}`;
  return `${paint('dim', clock)} ${paint(COLOUR[level], level.padEnd(7))} ${printable(message)}${pairs.join('')}`;
}

/** Errors keep only their message and code; what is undefined goes. */
function plain(fields: Fields): Record<string, unknown> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, value instanceof Error ? value.message : value]));
}

function word(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return typeof value === 'string' && /[\s"=\p{Cc}]|^$/u.test(text) ? JSON.stringify(printable(text)) : printable(text);
}

const pad = (n: number, width: number): string => String(n).padStart(width, '0');
