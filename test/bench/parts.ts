/** The parts of the bench, in the order they run. */

import type { Findings } from './figures.ts';

export type Kernel = 'host' | 'guest';

export type Part = {
  readonly name: string;
  readonly title: string;
  /** Where it runs, one after the other: this machine's own kernel, or the lab's choice, which has IPVS. */
  readonly kernels: readonly Kernel[];
  /** Seconds that it may take, for each of its kernels. */
  readonly limit: number;
  readonly load: () => Promise<{ readonly measure: (options: { readonly runs: number }) => Promise<Findings> }>;
};

export const PARTS: readonly Part[] = [
  {
    name: 'takeover',
    title: 'Take-over',
    kernels: ['host'],
    limit: 240,
    load: () => import('./takeover.ts'),
  },
  { name: 'memory', title: 'Memory and CPU, idle', kernels: ['host'], limit: 180, load: () => import('./memory.ts') },
  { name: 'reaction', title: 'Adverts under load', kernels: ['host'], limit: 90, load: () => import('./reaction.ts') },
  {
    name: 'checks',
    title: 'Health checks',
    kernels: ['host', 'guest'],
    limit: 180,
    load: () => import('./checks.ts'),
  },
  { name: 'ipvs', title: 'IPVS table', kernels: ['guest'], limit: 240, load: () => import('./ipvs.ts') },
];
