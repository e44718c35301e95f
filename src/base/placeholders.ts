/** What may stand in the path of a file, to have one a server: its address and its port. */

import type { Endpoint } from './address.ts';

export const PLACEHOLDERS = ['address', 'port'] as const satisfies readonly (keyof Endpoint)[];

const BRACES = /\{([^{}]*)\}/g;

/** What stands in braces and is no placeholder; `undefined`: nothing. */
export const strangePlaceholder = (path: string): string | undefined =>
  [...path.matchAll(BRACES)].map(([, name = '']) => name).find((name) => !PLACEHOLDERS.some((known) => known === name));

/** Whether the path depends on the port. */
export const namesPort = (path: string): boolean => path.includes('{port}');

/** The file of one server. */
export const fill = (path: string, server: Endpoint): string =>
  path.replace(/\{(address|port)\}/g, (_, name: keyof Endpoint) => String(server[name]));
