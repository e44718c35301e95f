/** Which release is packaged, and when it was made: the same for every build of one commit, so that its bytes are too. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, parseChangelog } from './changelog.ts';

export type Release = {
  /** As in package.json. */
  readonly version: string;
  /** For one line in a list of packages. */
  readonly summary: string;
  /** Seconds since 1970: SOURCE_DATE_EPOCH where it is set (reproducible-builds.org), else the time of the last commit. */
  readonly epoch: number;
  /** Newest first; the first one is this version's. */
  readonly changes: readonly Entry[];
};

export function readRelease(root: string): Release {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const epoch = Number(
    process.env.SOURCE_DATE_EPOCH ??
      execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim(),
  );
  if (!Number.isSafeInteger(epoch) || epoch <= 0) throw new Error('SOURCE_DATE_EPOCH is not a number of seconds');
  const summary = 'director for Linux Virtual Server: VRRP failover, health checks, IPVS';
  const changes = parseChangelog(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version, epoch);
  return { version, summary, epoch, changes };
}

/** The long description, in lines short enough for every package manager. */
export const DESCRIPTION = [
  'lvskeeper keeps a Linux Virtual Server alive. On a pair of directors it',
  'floats the virtual IP address with VRRP, probes the real servers, and keeps',
  "the kernel's IPVS table true, for NAT, tunnelling and direct routing. It is",
  'configured in one TOML file. The Node.js runtime that it was tested with is',
  'inside.',
] as const;
