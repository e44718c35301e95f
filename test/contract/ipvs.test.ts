import { SCHEDULERS } from '../../src/ipvs/table.ts';
import { fakeIpvs, saved } from './fake-ipvs.ts';
import { ipvsContract } from './ipvs.ts';

const schedulers = SCHEDULERS.filter((name) => name !== 'twos');

ipvsContract('the fake kernel', async () => {
  const ipvs = fakeIpvs(schedulers);
  return { ipvs, schedulers, saved: async () => saved(ipvs.table), end: async () => {} };
});
