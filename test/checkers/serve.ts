/** All places of the table, in a process of their own. Prints them as a list in JSON, and stays until its input ends. */

import { createStage } from './places.ts';
import { TABLE } from './table.ts';

const stage = createStage();
const places = await Promise.all(TABLE.map(({ manner }) => stage.place(manner)));
process.stdout.write(`${JSON.stringify(places)}\n`);
process.stdin.resume().once('end', () => {
  stage.end();
  process.exit();
});
