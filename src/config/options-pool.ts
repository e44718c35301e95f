/** The options of [[service]] about its servers taken together: the quorum, and what becomes of those that fail. */

import type { Kind } from '../base/option.ts';
import { choice, duration, integer, oneOrMore, parsed, wrong } from '../base/option-kinds.ts';
import { command, userName } from '../base/option-net.ts';
import { err, ok } from '../base/result.ts';
import type { Quota } from '../pool/quorum.ts';
import { serverAddress } from './options-service.ts';

/** `"60%"`: whole hundredths, from `least` to 100. */
export const percent = (least: number): Kind<number> =>
  parsed({
    expected: `a percentage from "${least}%" to "100%"`,
    schema: { pattern: '^\\d{1,3}%$' },
    parse(written) {
      const read = /^\d{1,3}%$/.test(written) ? Number.parseInt(written, 10) : -1;
      return read >= least && read <= 100 ? ok(read) : err('');
    },
    write: (value) => `${value}%`,
  });

/** The sum of the weights of as many servers as a service may have. */
const MOST_WEIGHT = 65535 * 10_000;
const number = integer(1, MOST_WEIGHT);
const share = percent(1);
const QUOTA = `${number.expected}, or ${share.expected}`;
const quota: Kind<Quota> = {
  expected: QUOTA,
  schema: () => ({ anyOf: [number.schema(), share.schema()] }),
  read(value, key, reading) {
    if (value.type === 'integer') return number.read(value, key, reading);
    if (value.type !== 'string') return wrong(value, key, reading, QUOTA);
    const read = share.read(value, key, reading);
    return read === undefined ? undefined : { percent: read };
  },
  write: (value) => (typeof value === 'number' ? value : share.write(value.percent)),
};

export const POOL = {
  quorum: {
    is: quota,
    default: 1,
    doc: 'Servers that must be up for the service to be held, a number of them or a share; else alerts tell it, `quorum_down` is run, and `sorry_server` takes over.',
  },
  quorum_by: {
    is: choice('servers', 'weight'),
    default: 'servers',
    doc: 'What `quorum` counts: servers, or the configured weights of those that are up.',
  },
  quorum_hysteresis: {
    is: integer(0, MOST_WEIGHT),
    default: 0,
    doc: 'The quorum is lost below `quorum` less this, and regained at `quorum` and this.',
  },
  quorum_up: {
    is: command,
    default: null,
    absent: 'nothing is run',
    doc: 'What is run when the quorum is regained: a program, as an absolute path, and its arguments; no shell. It finds `LVSKEEPER_SERVICE`, `LVSKEEPER_QUORUM` (`up` or `down`), `LVSKEEPER_UP`, `LVSKEEPER_NEEDED` and `LVSKEEPER_BY` in its environment, and has 30 s.',
  },
  quorum_down: {
    is: command,
    default: null,
    absent: 'nothing is run',
    doc: 'What is run when the quorum is lost, also when it is found lost at the start.',
  },
  quorum_user: {
    is: userName,
    default: 'nobody',
    doc: 'Whose rights `quorum_up` and `quorum_down` run with. Nobody but root and this user may be able to write to the program or a folder above it.',
  },
  sorry_server: {
    is: oneOrMore(serverAddress, 100),
    default: [],
    as: 'sorryServers',
    doc: 'Where clients go while the quorum is lost; the servers then get no new connections. Never checked. When the quorum is regained they stay until their connections have ended, 60 s at most.',
  },
  on_failure: {
    is: choice('quiesce', 'remove'),
    default: 'quiesce',
    doc: 'What becomes of a failed server: `"quiesce"` gives it weight 0 and lets its connections end, `"remove"` takes it out.',
  },
  max_ejected: {
    is: percent(1),
    default: '100%',
    doc: 'How many of the servers, at least one, may be out at once because of their checks. Those that fail later stay in until there is room.',
  },
  panic_threshold: {
    is: percent(0),
    default: '0%',
    doc: 'When fewer of the servers than this are up, those that failed are in again with their weight: some answers may be better than none. `"0%"`: never.',
  },
  slow_start: {
    is: duration('0s', '1h', '1s'),
    default: '0s',
    doc: 'How long a server that comes back takes from a tenth of its weight (1 at least) to all of it, in steps of a second.',
  },
} as const;
