/** The command line run in this process, on a world of the test's own. */

import { main } from '../../../src/cli/main.ts';
import type { Io } from '../../../src/cli/verb.ts';

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

export const NOW = new Date('2026-03-01T12:05:03.000Z');

export async function cli(
  argv: readonly string[],
  socket: string,
  wrote?: (io: { out: string }) => void,
  environment: Io['environment'] = {},
): Promise<Ran> {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      said.out += text;
      wrote?.(said);
    },
    err: (text) => {
      said.err += text;
    },
    colour: false,
    columns: 80,
    environment: { LVSKEEPER_SOCKET: socket, ...environment },
    now: () => NOW,
  };
  const code = await main(argv, io);
  return { code, ...said };
}
