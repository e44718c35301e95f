/** Kernel settings of the network, as files below /proc/sys/net: of the network namespace that the process is in. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { invariant } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isSystemError } from './native.ts';

/**
 * The parts of a setting's name below `net`, `['ipv4', 'conf', 'eth0.100', 'arp_ignore']`. In parts, since an interface's
 * name may have dots in it, by which sysctl(8) would split it.
 */
export type Setting = readonly string[];

/** What was refused, where and why: `cannot write 1 to /proc/sys/net/ipv4/conf/eth0/arp_ignore: …`. */
export type SysctlError = { readonly code: string; readonly message: string };

export type Sysctl = {
  /** The value without the newline at its end. ENOENT: this kernel has no such setting, or there is no such interface. */
  read(setting: Setting): Result<string, SysctlError>;
  /** Writes nothing when the value is that already, so that what is right needs no right to change it. */
  write(setting: Setting, value: string): Result<'written' | 'already-so', SysctlError>;
};

/** `root`: another folder than the kernel's, for tests. */
export function openSysctl(root = '/proc/sys/net'): Sysctl {
  const attempt = <T>(what: string, file: string, call: () => T): Result<T, SysctlError> => {
    try {
      return ok(call());
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return err({ code: error.code, message: `cannot ${what} ${file}: ${reasonOf(error)}` });
    }
  };
  const read = (setting: Setting): Result<string, SysctlError> => {
    const file = pathOf(root, setting);
    return attempt('read', file, () => readFileSync(file, 'utf8').trimEnd());
  };
  return {
    read,
    write(setting, value) {
      const present = read(setting);
      if (present.ok && present.value === value) return ok('already-so');
      const file = pathOf(root, setting);
      // Neither made nor emptied: a setting that is not there is refused with ENOENT.
      return attempt(`write ${value} to`, file, () => {
        writeFileSync(file, `${value}\n`, { flag: 'r+' });
        return 'written';
      });
    },
  };
}

function pathOf(root: string, setting: Setting): string {
  for (const part of setting) invariant(/^(?!\.{1,2}$)[^/\0]+$/.test(part), `not a part of a setting's name: ${part}`);
  return join(root, ...setting);
}

/** Node's message has the call and the path in it, which are said already. */
function reasonOf(error: Error & { readonly code: string }): string {
  const [, reason = error.message] = /^[A-Z0-9]+: ([^,]+)/.exec(error.message) ?? [];
  return reason;
}
