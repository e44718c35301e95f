/** A server as JSON, with the keys of a [[service.server]] table: read, checked and defaulted as in the file. */

import { inFile, type Plain, type Reading, readTable, writeTable } from '../base/option.ts';
import type { Issue, ServerConfig } from './config.ts';
import { KEEPALIVED_NAMES } from './keepalived-names.ts';
import { SERVER } from './options-service.ts';

/** `server` is `null` exactly when there are issues, which are of no place. */
export type ReadServer = { readonly server: ServerConfig | null; readonly issues: readonly Issue[] };

/** Never throws. A key with `null` counts as absent. */
export function readServer(table: unknown): ReadServer {
  const issues: Issue[] = [];
  const error = (_: number, message: string): void => {
    issues.push({ severity: 'error', line: 0, column: 0, message });
  };
  const reading: Reading = { error, warn: () => {}, facts: {}, hints: KEEPALIVED_NAMES, places: new WeakMap() };
  const plain = plainOf(table, DEEPEST);
  const found = plain === undefined ? undefined : inFile(plain, 0);
  if (found?.type !== 'table') {
    error(0, 'the server is no table of options, or too deep a one, expected such as {"address": "10.0.0.21:80"}');
    return { server: null, issues };
  }
  const server = readTable(SERVER, found, '[[service.server]]', reading);
  return issues.length > 0 ? { server: null, issues } : { server: server as ServerConfig, issues };
}

/** What `readServer` reads as the same server. */
export const writeServer = (server: ServerConfig): { readonly [key: string]: Plain } => writeTable(SERVER, server);

/** Tables inside each other; an option has one at most. */
const DEEPEST = 4;

function plainOf(value: unknown, depth: number): Plain | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null || depth === 0) return undefined;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  const plain = entries.map(([key, inner]) => [key, plainOf(inner, depth - 1)] as const);
  if (!plain.every((entry): entry is [string, Plain] => entry[1] !== undefined)) return undefined;
  return Array.isArray(value) ? plain.map(([, inner]) => inner) : Object.fromEntries(plain);
}
