import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { isBackup } from '../../../src/daemon/active-services.ts';
import type { RouterRole } from '../../../src/daemon/roles.ts';

function service(lines: string): ServiceConfig {
  const { config, issues } = load(
    `[[service]]
     name = "web"
     forward = "nat"
     server = [{ address = "10.0.0.21:80" }]
     ${lines}`,
    { hostName: 'lb1' },
  );
  assert.ok(config, issues.map(({ message }) => message).join());
  return config.services[0] as ServiceConfig;
}

const homes = new Map([[ip('192.0.2.10'), 'edge']]);
const role = (master: boolean): RouterRole => ({ router: 'edge', family: 4, master });

test('a service is on another director when its virtual router is known not to be master here', () => {
  const web = service('address = "192.0.2.10:80"');
  assert.equal(isBackup(web, { homes, roles: [role(false)] }), true);
  assert.equal(isBackup(web, { homes, roles: [role(true)] }), false);
  assert.equal(isBackup(web, { homes, roles: [] }), false);
});

test('a service with an address of its own, or with one that is here, is not', () => {
  const elsewhere = service('address = "192.0.2.99:80"');
  const both = service('address = ["192.0.2.10:80", "192.0.2.99:80"]');
  for (const one of [elsewhere, both]) assert.equal(isBackup(one, { homes, roles: [role(false)] }), false);
});
