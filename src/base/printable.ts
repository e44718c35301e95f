/**
 * Text that came from outside (a server's answer, a script's last words) made fit for a terminal or a line of a log:
 * every control character, C0, DEL, C1 and the line separators, becomes a space, so it can neither move the cursor nor
 * begin a line of its own.
 */
export const printable = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');

/** The beginning of it for one line of a log: at most 60 characters. */
export const excerpt = (text: string): string => printable(text.length > 60 ? `${text.slice(0, 60)}…` : text).trim();
