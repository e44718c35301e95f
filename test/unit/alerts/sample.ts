import type { Alert } from '../../../src/alerts/alert.ts';

/** The `seq`th alert of a director. */
export const alertOf = (seq: number, kind: Alert['kind'] = 'quorum'): Alert => ({
  director: 'lb1',
  seq,
  time: '2026-03-01T12:00:00.000Z',
  kind,
  summary: `web: quorum lost: ${seq} up, 2 needed`,
  service: 'web',
  held: false,
  up: seq,
  needed: 2,
});
