/** A client that asks a virtual address every few milliseconds (`client.ts` does the asking), and what it went through. */

import { join } from 'node:path';
import type { Ask } from './client.ts';
import type { Host } from './network.ts';
import { eventually } from './process.ts';

export type { Ask } from './client.ts';

export type Prober = {
  /** Every ask that has ended, in the order of their ends. */
  asks(): Promise<readonly Ask[]>;
  /** Waits for the first ask started at `from` or later that is answered; throws after `within` ms. */
  answered(from: number, within?: number): Promise<Ask>;
  /** No more asks; gives them all, once the last has ended. */
  stop(): Promise<readonly Ask[]>;
};

export type Asking = {
  readonly address: string;
  /** Default `udp`, the lighter one; `tcp` is an HTTP GET on a new connection. */
  readonly protocol?: 'tcp' | 'udp';
  /** Default 80 for tcp, 53 for udp: where the real servers listen. */
  readonly port?: number;
  /** Milliseconds between asks; default 10. */
  readonly every?: number;
  /** Milliseconds that an ask waits for its answer; default 500. */
  readonly deadline?: number;
};

/** Starts to ask from the host, and returns when the first ask has ended. */
export async function startProber(host: Host, asking: Asking): Promise<Prober> {
  const { address, protocol = 'udp', port = protocol === 'udp' ? 53 : 80, every = 10, deadline = 500 } = asking;
  const script = join(import.meta.dirname, 'client.ts');
  const client = host.node(script, [protocol, address, String(port), String(every), String(deadline)]);
  await client.printed(/asking/);
  const all: Ask[] = [];
  let reports = 0;

  async function report(ask: () => void): Promise<readonly Ask[]> {
    ask();
    const line = await eventually('the client to report', 20_000, () => {
      const lines = client.output().split('\n').slice(1, -1);
      if (lines.length <= reports && client.exit?.code) throw new Error(`the client broke:\n${client.output()}`);
      return lines[reports];
    });
    reports += 1;
    all.push(...(JSON.parse(line) as Ask[]));
    return all;
  }

  const asks = (): Promise<readonly Ask[]> => report(() => client.stdin.write('\n'));
  await eventually('the first ask to end', 5000, async () => ((await asks()).length > 0 ? true : undefined));
  return {
    asks,
    answered: (from, within = 10_000) =>
      eventually(`an answer of ${address}`, within, async () => firstAnswer(await asks(), from), 200),
    async stop() {
      await report(() => client.stdin.end());
      await client.exited;
      return all;
    },
  };
}

/** The first answer, by the time it arrived, to an ask that started at `from` or later. */
export const firstAnswer = (asks: readonly Ask[], from: number): Ask | undefined =>
  byEnd(asks).find((one) => one.server !== null && one.start >= from);

export type Gap = { readonly from: number; readonly to: number; readonly length: number };

/**
 * The longest time, in ms, that the client went without an answer arriving, between the start of its first ask and the
 * end of its last one. Asking every 10 ms of servers that answer at once, it is about 10 ms.
 */
export function longestGap(asks: readonly Ask[]): Gap {
  const [first] = [...asks].sort((a, b) => a.start - b.start);
  const last = byEnd(asks).at(-1);
  if (first === undefined || last === undefined) throw new Error('nothing was asked');
  const answers = byEnd(asks).filter((one) => one.server !== null);
  const times = [first.start, ...answers.map((one) => one.end), last.end];
  let longest: Gap = { from: first.start, to: first.start, length: 0 };
  for (const [i, to] of times.entries()) {
    const from = times[i - 1] ?? to;
    if (to - from > longest.length) longest = { from, to, length: to - from };
  }
  return longest;
}

/** How many answers came from each server. */
export function served(asks: readonly Ask[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { server } of asks) if (server !== null) counts[server] = (counts[server] ?? 0) + 1;
  return counts;
}

/** The asks that were not answered. */
export const failures = (asks: readonly Ask[]): Ask[] => asks.filter((one) => one.server === null);

const byEnd = (asks: readonly Ask[]): Ask[] => [...asks].sort((a, b) => a.end - b.end);
