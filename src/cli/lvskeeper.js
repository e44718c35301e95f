#!/usr/bin/env node
// The way in. Any Node of the last years must be able to parse this file, to say that it is too old: no newer syntax here,
// and nothing imported before the version is known. In a checkout the sources are TypeScript, in a package they are built.
import { existsSync } from 'node:fs';

var NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(`lvskeeper needs Node >= ${NEEDED}; this is v${process.versions.node}`);
  process.exit(1);
}

var built = !existsSync(new URL('./main.ts', import.meta.url));
import(built ? './main.js' : './main.ts').then((module) => {
  module.start();
});
