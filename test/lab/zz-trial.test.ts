import test, { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { capture } from './capture.ts';
import { director } from './director.ts';
import { failures, firstAnswer, longestGap, served, startProber } from './prober.ts';
import { eventually, now } from './process.ts';
import { createTopology, VIP } from './topology.ts';
import { addresses, curl, ipvsadm } from './witness.ts';

const took = async <T>(what: string, f: () => Promise<T>) => {
  const t = now();
  const r = await f();
  console.log(what, (now() - t).toFixed(0), 'ms');
  return r;
};
const toml = (priority: number) =>
  `
[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
priority = ${priority}
interval = "200ms"
addresses = ["${VIP.nat}/24", "${VIP.tun}/24", "${VIP.dr}/24"]
` +
  (['nat', 'tun', 'dr'] as const)
    .flatMap((m) =>
      (['tcp', 'udp'] as const).map(
        (p) =>
          `
[[service]]
name = "${m}-${p}"
address = "${VIP[m]}:${p === 'tcp' ? 80 : 53}"
protocol = "${p}"
forward = "${m}"
scheduler = "rr"
` +
          (p === 'udp'
            ? ''
            : `
[service.check]
type = "http"
path = "/healthz"
interval = "2s"
timeout = "1900ms"
`) +
          [21, 22, 23]
            .map(
              (n) => `
[[service.server]]
address = "10.77.0.${n}:${p === 'tcp' ? 80 : 53}"
`,
            )
            .join(''),
      ),
    )
    .join('');

import { readFileSync } from 'node:fs';
import { processes } from './process.ts';

const cpu = () =>
  new Map(
    processes().map((p) => {
      const w = readFileSync(`/proc/${p.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return [p.pid, { t: (Number(w[11]) + Number(w[12])) * 10, c: p.command.slice(-70) }] as const;
    }),
  );
const load = async (what: string, ms: number) => {
  const a = cpu();
  const t = now();
  await sleep(ms);
  const b = cpu();
  const d = now() - t;
  console.log(
    what,
    [...b]
      .map(([pid, x]) => ({ ms: x.t - (a.get(pid)?.t ?? 0), c: x.c }))
      .filter((x) => x.ms > 20)
      .sort((x, y) => y.ms - x.ms)
      .map((x) => `${((x.ms / d) * 100).toFixed(0)}% ${x.c}`)
      .join(' | '),
  );
};
test('a', async () => {
  const lab = await took('topology', () => createTopology());
  after(() => lab.close());
  console.log(readFileSync('/proc/cpuinfo', 'utf8').slice(0, 300));
  const d1 = await took('director 1', () => director(lab.lb1, toml(150)));
  const node = async (w: string) => {
    const a = cpu();
    const t = now();
    const st = readFileSync('/proc/stat', 'utf8').split('\n')[0];
    const o = await lab.client.exec(['bash', '-c', 'time node -e 0']);
    const b = cpu();
    const d = now() - t;
    console.log(
      w,
      d.toFixed(0),
      o.stderr.replace(/\s+/g, ' '),
      st,
      readFileSync('/proc/stat', 'utf8').split('\n')[0],
      [...b]
        .map(([pid, x]) => ({ ms: x.t - (a.get(pid)?.t ?? 0), c: x.c }))
        .filter((x) => x.ms > 20)
        .sort((x, y) => y.ms - x.ms)
        .map((x) => `${x.ms} ${x.c}`)
        .join(' | '),
      readFileSync('/proc/meminfo', 'utf8').slice(0, 200).replace(/\s+/g, ' '),
      readFileSync('/proc/loadavg', 'utf8'),
    );
  };
  await node('with d1');
  await node('with d1');
  await sleep(5000);
  await node('with d1');
  await d1.stop();
  await node('without');
  await node('without');
});
