/**
 * Text that came from outside (a server's answer, a script's last words) made fit for a terminal or a line of a log:
 * every control character, C0, DEL, C1 and the line separators, becomes a space, so it can neither move the cursor nor
 * begin a line of its own.
 */
export const printable = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
