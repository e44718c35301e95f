/** What is printed of the language itself and of a config: the reference page, the JSON Schema, the effective config. */

import type { JsonSchema } from '../base/option.ts';
import { writeTable } from '../base/option.ts';
import { renderSection, renderToml, sectionsOf, tableSchema } from '../base/option-render.ts';
import type { Config } from './config.ts';
import { DOCUMENT } from './options.ts';

/** `docs/reference/config.md`. A test compares the two, and writes the page with `UPDATE=1`. */
export function renderReference(): string {
  const head = `# Configuration reference

<!-- Made from the option tables in src/; change those, then: UPDATE=1 node --test test/unit/config/reference.test.ts -->

One file in [TOML 1.1](https://toml.io/en/v1.1.0). \`lvskeeper check FILE\` tells all that is wrong with one, each as
\`file:line:column: what, what was expected\`; nothing is started from a file with an error. A warning does not hinder.

- A **duration** is text with a unit: \`"250ms"\`, \`"1.5s"\`, \`"5m"\`, \`"1h"\`, \`"2d"\`, or several, \`"1m30s"\`.
- An **address with a port** is \`"192.0.2.10:80"\` or \`"[2001:db8::10]:80"\`.
- An unknown key is an error. A header in double brackets, such as \`[[vrrp]]\`, may stand any number of times.
- \`[service.check]\` and \`[[service.server]]\` belong to the \`[[service]]\` above them, so a service's own keys come first; so do
  \`[vrrp.auth]\` and \`[[vrrp.track]]\` to the \`[[vrrp]]\` above them.

`;
  return head + sectionsOf(DOCUMENT).map(renderSection).join('\n');
}

/** JSON Schema (draft 2020-12) of the file, for editors; rules between options are not in it. */
export const configSchema = (): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'lvskeeper configuration',
  ...tableSchema(DOCUMENT),
});

/** The config with every default written out, as TOML that loads to the same config. */
export const renderConfig = (config: Config): string => renderToml(DOCUMENT, writeTable(DOCUMENT, config));
