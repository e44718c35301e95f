/**
 * The nftables table of ours, by the program nft(8): of the network namespace that the process is in. Of all others it
 * reads and changes nothing.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import { type Duration, formatDuration, seconds } from '../base/time.ts';
import type { Masquerading } from '../ipvs/masquerade.ts';
import { decodeNftTable, NFT_TABLE, type NftTable, nftCommands } from '../ipvs/nft-table.ts';
import { BARE_ENVIRONMENT, type ExecResult, exec } from './exec.ts';

export type NftError = { readonly message: string };

export type Nft = {
  /** `null`: the table is not there. */
  read(): Promise<Result<NftTable | null, NftError>>;
  /** Replaces the whole table in one transaction; `null` takes it away. Connections keep the source that they have. */
  write(masquerading: Masquerading | null): Promise<Result<null, NftError>>;
};

const WITHIN: Duration = seconds(10);
/** Of what it prints: some 20 bytes a server, and there may be a million of them. */
const MOST_OUTPUT = 64 << 20;

/** `folder`: for a file while something is written. `program`: looked for in the usual places, or an absolute path. */
export function openNft(folder: () => string, program = 'nft'): Nft {
  const run = (args: readonly string[]): Promise<ExecResult> =>
    exec({
      command: [program, ...args],
      environment: BARE_ENVIRONMENT,
      input: '',
      timeout: WITHIN,
      keep: MOST_OUTPUT,
    });
  return {
    async read() {
      const result = await run(['-j', '-n', 'list', 'table', ...NFT_TABLE]);
      if (succeeded(result)) {
        const table = decodeNftTable(result.stdout);
        return table.ok ? table : err({ message: table.error });
      }
      return isNotThere(result) ? ok(null) : err(refusal(program, result));
    },
    async write(masquerading) {
      // It opens /dev/stdin, which cannot be opened where standard input is a socket, as it is under Node.
      const file = join(folder(), 'nft-commands.json');
      try {
        writeFileSync(file, JSON.stringify(nftCommands(masquerading)), { mode: 0o600 });
        const result = await run(['-j', '-f', file]);
        return succeeded(result) ? ok(null) : err(refusal(program, result));
      } catch (error) {
        return err({ message: `its commands cannot be written down: ${error}` });
      } finally {
        rmSync(file, { force: true });
      }
    },
  };
}

const succeeded = ({ how }: ExecResult): boolean => how.outcome === 'exited' && how.code === 0;

/** ENOENT in the words of strerror(3), with LANG=C. */
const isNotThere = ({ how, stderr }: ExecResult): boolean =>
  how.outcome === 'exited' && stderr.includes('No such file or directory');

function refusal(program: string, { how, stderr }: ExecResult): NftError {
  switch (how.outcome) {
    case 'not-started':
      return {
        message:
          how.code === 'ENOENT'
            ? `the program ${program} is not there: install the package nftables`
            : `cannot run ${program}: ${how.code}`,
      };
    case 'timeout':
      return { message: `${program} has not answered within ${formatDuration(WITHIN)}` };
    case 'exited':
      return { message: explain(stderr) || `${program}: exit code ${how.code}` };
    case 'signalled':
      return { message: `${program} was killed by ${how.signal}` };
    case 'cancelled':
      return { message: `${program} was stopped` };
  }
}

const REASONS = [
  [
    'Operation not supported',
    "this kernel's nftables cannot do it (needed: nf_tables with the family inet, nft_nat, nft_masq and nft_ct, Linux 5.6 or later)",
  ],
  ['Operation not permitted', 'not permitted: run as root or with CAP_NET_ADMIN'],
  ['JSON support not compiled-in', 'this nft is built without JSON, which is needed'],
] as const;

/** What the first line says, and what it means where that is known. */
function explain(stderr: string): string {
  const [first = ''] = stderr.split('\n').filter((line) => line.trim() !== '');
  const known = REASONS.find(([says]) => stderr.includes(says));
  return known === undefined ? first : `${known[1]}: ${first}`;
}
