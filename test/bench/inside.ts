/** inside.ts PART RUNS: one part of the bench, in the world that `run.ts` made for it; its findings go to a file there. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PARTS } from './parts.ts';

const [name = '', runs = ''] = process.argv.slice(2);
const part = PARTS.find((one) => one.name === name);
const out = process.env.LAB_OUT;
if (part === undefined || out === undefined) throw new Error('this is started by `npm run bench`');
const { measure } = await part.load();
const findings = await measure({ runs: Number(runs) });
writeFileSync(
  join(out, 'findings.json'),
  JSON.stringify(findings, (_, value) => (Number.isNaN(value) ? null : value)),
);
