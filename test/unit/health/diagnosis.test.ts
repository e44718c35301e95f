import assert from 'node:assert/strict';
import test from 'node:test';
import { milliseconds } from '../../../src/base/time.ts';
import { diagnose, type Way } from '../../../src/health/diagnosis.ts';
import type { ProbeOutcome, ProbeResult } from '../../../src/health/verdict.ts';

const DR: Way = { forward: 'dr', to: '192.0.2.10:80' };
const TUN: Way = { forward: 'tun', to: '192.0.2.10:80' };
const result = (outcome: ProbeOutcome, reason: string, took = 5): ProbeResult => ({
  ...{ outcome, reason, took: milliseconds(took) },
});
const UP = result('up', 'HTTP 200');
const SILENT = result('down', 'no answer in 1 s', 1000);
const REFUSED = result('down', 'connection refused');
const OURS = result('local-error', 'cannot probe: no route to the server');

/** The two results, the outcome of both, and what is said. */
const ROWS: readonly (readonly [Way, ProbeResult, ProbeResult | undefined, ProbeOutcome, string])[] = [
  [DR, UP, UP, 'up', 'HTTP 200 through IPVS'],
  [DR, UP, undefined, 'up', 'HTTP 200 through IPVS'],
  [DR, UP, OURS, 'up', 'HTTP 200 through IPVS'],
  [DR, UP, REFUSED, 'up', "HTTP 200 through IPVS, but not at the server's own address: connection refused"],
  [
    ...([DR, SILENT, UP, 'down'] as const),
    'answers directly, but not through IPVS: no answer in 1 s at 192.0.2.10:80; the virtual address is missing on the server, or rp_filter there drops what comes for it',
  ],
  [
    ...([TUN, SILENT, UP, 'down'] as const),
    'answers directly, but not through IPVS: no answer in 1 s at 192.0.2.10:80; its tunnel is down, the virtual address is missing on the server, or rp_filter there drops what comes out of the tunnel',
  ],
  [
    ...([DR, REFUSED, UP, 'down'] as const),
    'answers directly, but not through IPVS: connection refused at 192.0.2.10:80; the virtual address is there, and nothing listens on it at this port',
  ],
  [
    ...([TUN, REFUSED, UP, 'down'] as const),
    'answers directly, but not through IPVS: connection refused at 192.0.2.10:80; its tunnel is down, or nothing listens on the virtual address at this port',
  ],
  [
    ...([TUN, result('down', 'TLS handshake not finished in 1 s'), UP, 'down'] as const),
    'answers directly, but not through IPVS: TLS handshake not finished in 1 s at 192.0.2.10:80; small packets arrive and large ones do not: is the MTU on the way too small for the tunnel?',
  ],
  [
    ...([DR, result('down', 'HTTP 200 OK, but no end of body in 1 s'), UP, 'down'] as const),
    'answers directly, but not through IPVS: HTTP 200 OK, but no end of body in 1 s at 192.0.2.10:80; small packets arrive and large ones do not: is the MTU on the way too small?',
  ],
  [
    ...([DR, result('down', 'HTTP 503, expected 200-299'), UP, 'down'] as const),
    'answers directly, but not through IPVS: HTTP 503, expected 200-299 at 192.0.2.10:80; it does not answer there as it does at its own address',
  ],
  [DR, SILENT, undefined, 'down', 'through IPVS: no answer in 1 s at 192.0.2.10:80'],
  [DR, SILENT, OURS, 'down', 'through IPVS: no answer in 1 s at 192.0.2.10:80'],
  [DR, SILENT, SILENT, 'down', 'no answer in 1 s, directly and through IPVS'],
  [DR, SILENT, REFUSED, 'down', 'connection refused; through IPVS: no answer in 1 s at 192.0.2.10:80'],
  [DR, OURS, undefined, 'local-error', 'cannot probe: no route to the server'],
  // What is wrong with our own way through IPVS says nothing about the server, which is judged by the other probe.
  [DR, OURS, UP, 'up', 'HTTP 200; cannot probe: no route to the server'],
  [DR, OURS, REFUSED, 'down', 'connection refused; cannot probe: no route to the server'],
];

for (const [way, path, direct, outcome, reason] of ROWS)
  test(`${way.forward}: ${path.outcome} through IPVS, ${direct?.outcome ?? 'not asked'} directly: ${reason}`, () => {
    const both = diagnose(way, path, direct);
    assert.deepEqual([both.outcome, both.reason], [outcome, reason]);
  });

test('what the server says besides is kept, of the way that clients take first', () => {
  const expires = (at: number): ProbeResult => ({ ...UP, certificateExpires: at, advice: { weight: { percent: at } } });
  assert.deepEqual(diagnose(DR, expires(1), expires(2)).advice, { weight: { percent: 1 } });
  assert.equal(diagnose(DR, OURS, expires(2)).certificateExpires, 2);
  assert.equal(diagnose(DR, SILENT, expires(2)).certificateExpires, 2);
});

test('it took as long as the way that clients take, and of a failure as long as both', () => {
  assert.equal(diagnose(DR, result('up', 'x', 3), result('up', 'y', 9)).took, 3);
  assert.equal(diagnose(DR, SILENT, result('up', 'y', 9)).took, 1000);
});
