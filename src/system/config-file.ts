/** The config file as it is on disk, read and checked. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config, Issue } from '../config/config.ts';
import { load } from '../config/load.ts';
import { decodeUtf8 } from '../config/place.ts';
import { share } from '../config/share.ts';

/** `config` is null exactly when one of the issues is an error. `text` is what was read, where it could be. */
export type Reading = { readonly config: Config | null; readonly issues: readonly Issue[]; readonly text: string };

/** Reads configs one after the other, for who does it again and again. */
export type ConfigReader = {
  /** As `readConfig`. */
  readonly file: (file: string) => Reading;
  /** As `readText`. */
  readonly text: (text: string) => Reading;
};

/**
 * What was read last and is good is kept: the same text gives the same reading, and of another text what is the same is the
 * same value (`share`).
 */
export function createConfigReader(): ConfigReader {
  let last: { readonly hostName: string; readonly reading: Reading & { readonly config: Config } } | undefined;
  function text(text: string): Reading {
    const hostName = hostname();
    if (last?.reading.text === text && last.hostName === hostName) return last.reading;
    const { config, issues } = load(text, { hostName });
    if (config === null) return { config, issues, text };
    const reading = { config: last === undefined ? config : share(last.reading.config, config), issues, text };
    last = { hostName, reading };
    return reading;
  }
  return { file: (file) => readWith(file, text), text };
}

/** Reads and checks the file. One that cannot be read has one issue, at no place. */
export const readConfig = (file: string): Reading => readWith(file, readText);

export const readText = (text: string): Reading => ({ ...load(text, { hostName: hostname() }), text });

function readWith(file: string, read: (text: string) => Reading): Reading {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return { config: null, issues: [unreadable(error as NodeJS.ErrnoException)], text: '' };
  }
  const text = decodeUtf8(bytes);
  return text.ok ? read(text.value) : { config: null, issues: [text.error], text: '' };
}

function unreadable({ code, message }: NodeJS.ErrnoException): Issue {
  const why =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EACCES'
        ? 'no permission to read it'
        : code === 'EISDIR'
          ? 'it is a directory'
          : message;
  return { severity: 'error', line: 0, column: 0, message: `cannot read the config: ${why}` };
}
