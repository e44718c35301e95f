/** Runs every row of the table of the wire at once, in the namespace that it is started in. Prints the results in JSON. */

import { aim, probe, timeoutOf } from '../checkers/row.ts';
import { WIRE } from '../checkers/table/wire.ts';

const results = await Promise.all(
  WIRE.map(({ toml, place, verdict }) => probe(aim(toml, place, timeoutOf({ verdict })))),
);
process.stdout.write(`${JSON.stringify(results)}\n`);
