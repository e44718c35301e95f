/** The parts of the bench, in the order they run. */

import type { Findings } from './figures.ts';

export type Kernel = 'host' | 'guest';

export type Part = {
  readonly name: string;
  /** What it is about: `npm run bench vrrp` runs all of one. */
  readonly group: 'vrrp' | 'checks' | 'ipvs' | 'config';
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
    group: 'vrrp',
    title: 'Take-over',
    kernels: ['host'],
    limit: 300,
    load: () => import('./takeover.ts'),
  },
  {
    name: 'mass',
    group: 'vrrp',
    title: 'Take-over of 255 routers at once',
    kernels: ['host'],
    limit: 180,
    load: () => import('./mass.ts'),
  },
  {
    name: 'crash',
    group: 'vrrp',
    title: 'Crashes',
    kernels: ['host', 'guest'],
    limit: 330,
    load: () => import('./crash.ts'),
  },
  {
    name: 'steadiness',
    group: 'vrrp',
    title: 'A master at 10 ms on a busy machine',
    kernels: ['host'],
    limit: 180,
    load: () => import('./steadiness.ts'),
  },
  {
    name: 'memory',
    group: 'vrrp',
    title: 'Memory and CPU, idle',
    kernels: ['host'],
    limit: 180,
    load: () => import('./memory.ts'),
  },
  {
    name: 'reaction',
    group: 'vrrp',
    title: 'Adverts under load',
    kernels: ['host'],
    limit: 90,
    load: () => import('./reaction.ts'),
  },
  {
    name: 'checks',
    group: 'checks',
    title: 'Health checks',
    kernels: ['host', 'guest'],
    limit: 900,
    load: () => import('./checks.ts'),
  },
  {
    name: 'ipvs',
    group: 'ipvs',
    title: 'IPVS table',
    kernels: ['guest'],
    limit: 600,
    load: () => import('./ipvs.ts'),
  },
  {
    name: 'config',
    group: 'config',
    title: 'Loading a config',
    kernels: ['host'],
    limit: 180,
    load: () => import('./config.ts'),
  },
];

/** The parts with that name, or of that group. */
export const partsCalled = (name: string): readonly Part[] =>
  PARTS.filter((part) => part.name === name || part.group === name);
