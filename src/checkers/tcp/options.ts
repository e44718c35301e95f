/** The TCP check has no options besides those of every check: it connects, and that is the answer. */

export const tcpOptions = {} as const;
