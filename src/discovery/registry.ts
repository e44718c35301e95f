/** Every kind of discovery, and what asks for it. A new kind is a folder beside this file and a line here. */

import { unreachable } from '../base/invariant.ts';
import type { DiscoveryConfig } from '../config/discovery-config.ts';
import { dnsSource } from './dns/source.ts';
import { fileSource } from './file/source.ts';
import { httpSource } from './http/source.ts';
import type { Source, Wanted } from './source.ts';

export function createSource(config: DiscoveryConfig, wanted: Wanted): Source {
  switch (config.type) {
    case 'dns':
      return dnsSource(config, wanted);
    case 'file':
      return fileSource(config);
    case 'http':
      return httpSource(config);
    default:
      return unreachable(config);
  }
}
