/**
 * Reads the list of servers from a file, or from several in a folder. They are taken together or not at all: while one of
 * them cannot be read, nobody can tell which servers are in it.
 */

import { err, ok, type Result } from '../../base/result.ts';
import { milliseconds, seconds } from '../../base/time.ts';
import { readTargets, type Targets } from '../../config/discovered-servers.ts';
import type { FileDiscoveryConfig } from '../../config/discovery-config.ts';
import { filesAt, noticeAt, readWhole } from '../../system/folder.ts';
import { decodeTargets, type SdTarget } from '../../wire/prometheus-sd.ts';
import type { Answer, Source } from '../source.ts';

/** Bytes of one file, with room for as many targets as are taken. */
const MOST_BYTES = 8 << 20;
/** Files of one pattern. */
const MOST_FILES = 1000;
/** A file that was caught while it was written is soon whole. */
const RETRY = seconds(1);

export function fileSource(config: FileDiscoveryConfig): Source {
  const path = config.file;
  let notice: { close(): void } | undefined;
  let changed = (): void => {};
  let watched = false;

  /** The folder may come later, or as another one of the same name. */
  function watchAgain(): void {
    notice?.close();
    notice = watched ? noticeAt(path, () => changed()) : undefined;
  }

  async function ask(): Promise<Answer> {
    if (notice === undefined) watchAgain();
    const listed = await readAll();
    if (!listed.ok) watchAgain();
    return listed.ok ? ok({ ...listed.value, again: null }) : listed;
  }

  async function readAll(): Promise<Result<Targets, string>> {
    const files = await filesAt(path);
    if (!files.ok) return files;
    if (files.value.length === 0) return err(`no file fits ${path}`);
    if (files.value.length > MOST_FILES) return err(`more than ${MOST_FILES} files fit ${path}`);
    const all: SdTarget[] = [];
    for (const file of files.value) {
      const text = await readWhole(file, MOST_BYTES);
      if (!text.ok) return err(`${file} ${text.error}`);
      const targets = decodeTargets(text.value);
      if (!targets.ok) return err(`${file}: ${targets.error}`);
      all.push(...targets.value);
    }
    return ok(readTargets(all, config));
  }

  return {
    what: `file ${path}`,
    interval: config.interval,
    retry: milliseconds(Math.min(RETRY, config.interval)),
    ask,
    watch(told) {
      changed = told;
      watched = true;
      return {
        close() {
          watched = false;
          notice?.close();
          notice = undefined;
        },
      };
    },
  };
}
