/** What a reload writes to the IPVS table, by the kernel's own netlink monitor: what has changed, and nothing else. */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import { createNetwork, type Host, type Network } from './network.ts';
import { eventually } from './process.ts';
import { ipvsRules } from './witness.ts';

const server = (number: number, more = ''): string =>
  `[[service.server]]\naddress = "10.77.0.${number}:80"\nweight = 7\n${more}`;
const section = (name: string, listens: string, servers: readonly string[]): string =>
  `[[service]]\nname = "${name}"\n${listens}\nforward = "nat"\nscheduler = "rr"\n${servers.join('')}`;

/** One service of many addresses and marks, as a `virtual_server_group` is. */
const GROUP = {
  addresses: ['"10.77.0.101:80"', '"10.77.0.102:80"', '"10.77.0.103:8000-8002"', '"10.77.0.104:80"'],
  marks: ['1', '2'],
};
const listens = ({ addresses, marks }: typeof GROUP): string =>
  `address = [${addresses.join(', ')}]\nfwmark = [${marks.join(', ')}]`;
const web = (more = ''): string => section('web', 'address = "10.77.0.100:80"', [server(21, more), server(22, more)]);
const group = (of = GROUP, servers = [server(21), server(22)]): string => section('group', listens(of), servers);
const mail = section('mail', 'address = "10.77.0.100:25"', [server(23)]);

describe('a reload', () => {
  let network: Network;
  let host: Host;
  let one: Director;
  /** By how often the file has changed the weight of one server, it is known when all of it has been carried out. */
  let turn = 1;
  const marked = (text: string): string =>
    `${text}${section('mark', 'address = "10.77.0.100:9"', [server(24).replace('= 7', `= ${turn}`)])}`;
  const isMarked = (rules: readonly string[]): boolean => rules.some((rule) => rule.endsWith(`24:80 -m -w ${turn}`));
  const withoutMark = async (): Promise<readonly string[]> =>
    (await ipvsRules(host)).filter((rule) => !rule.includes('10.77.0.100:9'));

  before(async () => {
    network = await createNetwork();
    host = await network.host('lb1', '10.77.0.11');
    one = await director(host, marked(web() + group() + mail));
    await eventually('the table', 20_000, async () => ((await ipvsRules(host)).length === 31 ? true : undefined));
  });
  after(() => network.close());

  const reload = async (text: string): Promise<string> => {
    writeDirectorConfig(host, text);
    return JSON.parse(await one.control('/reload', ['-X', 'POST'])).outcome;
  };
  /** All that it wrote, but for the weight of the one server that says that it is done. */
  async function writesOf(text: string): Promise<readonly string[]> {
    const writes = await ipvsWrites(host);
    turn += 1;
    assert.equal(await reload(marked(text)), 'applied');
    await eventually('the mark', 10_000, async () => (isMarked(await ipvsRules(host)) ? true : undefined));
    const all = await writes.stop();
    const mark = all.lastIndexOf('SET_DEST');
    return all.filter((_, i) => i !== mark);
  }

  test('of the same sections in another order writes nothing: services, servers, and the addresses and marks of a group', async () => {
    const rules = await withoutMark();
    const turned = { addresses: GROUP.addresses.toReversed(), marks: GROUP.marks.toReversed() };
    assert.deepEqual(await writesOf(mail + group(turned, [server(22), server(21)]) + web()), []);
    assert.deepEqual(await withoutMark(), rules);
    assert.deepEqual(await writesOf(web() + group() + mail), []);
  });

  test('that takes one address out of the middle of a group deletes that one, and touches none after it', async () => {
    const rules = await withoutMark();
    const isOf = (rule: string): boolean => rule.includes('10.77.0.102:80');
    const shorter = { ...GROUP, addresses: GROUP.addresses.filter((one) => !isOf(one)) };
    assert.deepEqual(await writesOf(web() + group(shorter) + mail), ['DEL_SERVICE']);
    assert.deepEqual(
      await withoutMark(),
      rules.filter((rule) => !isOf(rule)),
    );
    assert.deepEqual(await writesOf(web() + group() + mail), ['NEW_SERVICE', 'NEW_DEST', 'NEW_DEST']);
    assert.deepEqual(await withoutMark(), rules);
  });

  test('of thresholds alone sets them, in place', async () => {
    const limited = async (): Promise<number> => {
      const shown = await host.must(['ipvsadm', '-L', '-n', '--thresholds', '-t', '10.77.0.100:80']);
      return [...shown.matchAll(/:80 +50 +5 +/g)].length;
    };
    const limits = 'upper_threshold = 50\nlower_threshold = 5\n';
    assert.deepEqual(await writesOf(web(limits) + group() + mail), ['SET_DEST', 'SET_DEST']);
    assert.equal(await limited(), 2);
    assert.deepEqual(await writesOf(web() + group() + mail), ['SET_DEST', 'SET_DEST']);
    assert.equal(await limited(), 0);
  });

  test('reads the kernel: what somebody deleted or changed by hand is put right at once, the file as it was', async () => {
    const rules = await ipvsRules(host);
    await host.must(['ipvsadm', '-D', '-t', '10.77.0.100:25']);
    await host.must(['ipvsadm', '-e', '-t', '10.77.0.100:80', '-r', '10.77.0.21:80', '-m', '-w', '99']);
    await host.must(['ipvsadm', '-d', '-t', '10.77.0.101:80', '-r', '10.77.0.22:80']);
    assert.equal(await reload(marked(web() + group() + mail)), 'unchanged');
    // Within much less than the 30 s after which it would look anyway.
    await eventually('the table to be right', 5000, async () =>
      JSON.stringify(await ipvsRules(host)) === JSON.stringify(rules) ? true : undefined,
    );
  });
});

/** Services and the servers of each. A server costs keepalived one call to take out, and what is left after 5 s stays. */
const LARGE = { services: 300, servers: 10 };

test('a clean stop of 300 services with 3,000 servers leaves nothing of ours', async (t) => {
  const network = await createNetwork();
  try {
    const host = await network.host('lb1', '10.77.0.11');
    const foreign = '-A -t 10.77.0.11:8080 -s rr';
    await host.must(['ipvsadm', ...foreign.split(' ')]);
    const sections = Array.from({ length: LARGE.services }, (_, s) =>
      [
        `[[service]]\nname = "s${s}"\naddress = "10.200.${s >> 8}.${s & 255}:80"\nforward = "nat"\nscheduler = "rr"\n`,
        ...Array.from(
          { length: LARGE.servers },
          (_, d) => `[[service.server]]\naddress = "10.128.${s >> 8}.${s & 255}:${8000 + d}"\n`,
        ),
      ].join(''),
    );
    const one = await director(host, `[ipvs]\non_stop = "remove"\n${sections.join('')}`);
    const whole = LARGE.services * (1 + LARGE.servers) + 1;
    await eventually('the whole table', 60_000, async () =>
      (await ipvsRules(host)).length === whole ? true : undefined,
    );
    const stopped = performance.now();
    assert.deepEqual(await one.process.stop(30_000), { code: 0, signal: null });
    t.diagnostic(`stopped in ${Math.round(performance.now() - stopped)} ms`);
    assert.deepEqual(await ipvsRules(host), [foreign]);
  } finally {
    await network.close();
  }
});
