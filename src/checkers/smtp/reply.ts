/** Replies of a mail server: a code and one or more lines (RFC 5321, 4.2.1). */

import { excerpt } from '../../base/printable.ts';
import { err, ok, type Result } from '../../base/result.ts';

export type Reply = {
  readonly code: number;
  /** What stands behind the code, line by line. */
  readonly lines: readonly string[];
};

/** How many bytes a line may have, of the 512 that RFC 5321, 4.5.3.1.5 allows, and how many all lines of a reply. */
const MOST_LINE = 4 * 1024;
const MOST_REPLY = 64 * 1024;

export type ReplyReader = {
  /** The replies that are whole by now; the error says why it is none. Nothing is read after an error. */
  read(bytes: Buffer): Result<readonly Reply[], string>;
};

export function createReplyReader(): ReplyReader {
  let rest = '';
  let size = 0;
  let code = 0;
  let lines: string[] = [];

  /** One line into the reply that it belongs to; gives the reply when it is the last of it. */
  function take(line: string): Result<Reply | undefined, string> {
    const [, digits, mark, said = ''] = /^([2-5]\d\d)(?:([ -])(.*))?$/s.exec(line) ?? [];
    if (digits === undefined) return err(`not SMTP: ${excerpt(line)}`);
    if (lines.length > 0 && Number(digits) !== code) return err(`not SMTP: ${digits} in the middle of a ${code}`);
    code = Number(digits);
    lines.push(said);
    size += line.length;
    if (mark === '-')
      return size > MOST_REPLY ? err(`more than ${MOST_REPLY / 1024} KiB without an end`) : ok(undefined);
    const reply = { code, lines };
    lines = [];
    size = 0;
    return ok(reply);
  }

  function read(bytes: Buffer): Result<readonly Reply[], string> {
    const replies: Reply[] = [];
    const pieces = `${rest}${bytes.toString('latin1')}`.split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const taken = take(Buffer.from(piece.replace(/\r$/, ''), 'latin1').toString());
      if (!taken.ok) return taken;
      if (taken.value !== undefined) replies.push(taken.value);
    }
    return rest.length > MOST_LINE ? err(`a line of more than ${MOST_LINE / 1024} KiB`) : ok(replies);
  }

  return { read };
}

/** In one line: `554 No service here`. */
export const describeReply = ({ code, lines }: Reply): string => excerpt(`${code} ${lines.join(' ')}`);

/** Whether the answer to EHLO has that keyword in it (RFC 5321, 4.1.1.1). Its first line is a greeting. */
export const offers = ({ lines }: Reply, keyword: string): boolean =>
  lines.slice(1).some((line) => line.split(' ')[0]?.toUpperCase() === keyword);
