/** The config file as it is on disk, read and checked. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config, Issue } from '../config/config.ts';
import { load } from '../config/load.ts';
import { decodeUtf8 } from '../config/place.ts';

/** `config` is null exactly when one of the issues is an error. `text` is what was read, where it could be. */
export type Reading = { readonly config: Config | null; readonly issues: readonly Issue[]; readonly text: string };

/** Reads and checks the file. One that cannot be read has one issue, at no place. */
export function readConfig(file: string): Reading {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return { config: null, issues: [unreadable(error as NodeJS.ErrnoException)], text: '' };
  }
  const text = decodeUtf8(bytes);
  return text.ok ? readText(text.value) : { config: null, issues: [text.error], text: '' };
}

export const readText = (text: string): Reading => ({ ...load(text, { hostName: hostname() }), text });

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
