/** A config file on disk, read and checked, for the verbs that need no daemon. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config, Issue } from '../config/config.ts';
import { formatIssue, load } from '../config/load.ts';
import type { Io } from './verb.ts';

export type Reading =
  | { readonly ok: true; readonly config: Config; readonly issues: readonly Issue[]; readonly text: string }
  | { readonly ok: false; readonly issues: readonly Issue[] };

const unplaced = (message: string): Reading => ({
  ok: false,
  issues: [{ severity: 'error', line: 0, column: 0, message }],
});

/** Checks the file; one that cannot be read is an issue too. `issues` of a good file are warnings. */
export function readConfig(file: string): Reading {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return unplaced(`cannot be read: ${REASONS[code ?? ''] ?? message}`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return unplaced('is not UTF-8 text');
  }
  const loaded = load(text, { hostName: hostname() });
  return loaded.ok
    ? { ok: true, config: loaded.config, issues: loaded.warnings, text }
    : { ok: false, issues: loaded.issues };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

export function sayIssues(file: string, issues: readonly Issue[], io: Io): void {
  for (const issue of issues) io.err(`${formatIssue(file, issue)}\n`);
}
