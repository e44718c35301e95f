/** What the kernel's refusal of a change to the IPVS table means, and what to do (net/netfilter/ipvs/ip_vs_ctl.c). */

import { familyOf } from '../base/address.ts';
import { describe, serviceOf } from '../ipvs/plan.ts';
import {
  type Destination,
  destinationKey,
  familyOfService,
  type Operation,
  type ServiceId,
  serviceKey,
} from '../ipvs/table.ts';

/** A refused call: the name of the errno, and a sentence for people. */
export type Refusal = { readonly code: string; readonly message: string };

/** The errno of a refused operation, in words. `told` is the kernel's or the C library's own text. */
export function explain(operation: Operation, code: string, told: string): Refusal {
  return { code, message: `${describe(operation)}: ${reason(operation, code) ?? `${told} (${code})`}` };
}

function reason(operation: Operation, code: string): string | undefined {
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return 'not permitted: run as root or with CAP_NET_ADMIN';
    case 'ESRCH':
      return `the kernel has no service ${serviceKey(serviceOf(operation))}: somebody deleted it, or adding it was refused`;
    case 'EEXIST':
      return 'it is there already: somebody else added it, or it was left by an earlier run';
    case 'EAFNOSUPPORT':
    case 'EPROTONOSUPPORT':
      return 'this kernel has IPVS without this address family or protocol (CONFIG_IP_VS_IPV6, CONFIG_IP_VS_PROTO_*)';
    case 'ENOENT':
      return 'service' in operation && 'destination' in operation
        ? `the service has no server ${destinationKey(operation.destination)}: somebody deleted it`
        : absentModule(operation);
    case 'ERANGE':
      return 'a weight must not be negative, and a lower threshold not above the upper one';
    case 'EINVAL':
      return 'destination' in operation ? unfit(operation.service, operation.destination) : undefined;
    default:
      return undefined;
  }
}

/** The kernel does not say which of the two it lacks. */
function absentModule(operation: Operation): string | undefined {
  if (operation.op !== 'add-service' && operation.op !== 'set-service') return undefined;
  const { scheduler, engine } = operation.service;
  const alone = `scheduler ${scheduler}: the kernel has no ip_vs_${scheduler} module`;
  return engine === null ? alone : `${alone}, or no ip_vs_pe_${engine} for persistence engine ${engine}`;
}

function unfit(service: ServiceId, { address: { address }, forward, tunnel }: Destination): string {
  if (tunnel?.type === 'gue' && tunnel.port === 0) return 'a gue tunnel needs a port';
  const ours = familyOfService(service);
  if (familyOf(address) !== ours)
    return forward === 'tun'
      ? `${address} is no IPv${ours} address, and the service is: while connections are synchronized (ipvsadm --start-daemon) they must be of one family`
      : `${address} is no IPv${ours} address, and the service is: only forward tun reaches it`;
  return `${address} is not a unicast address here. If it looks right, see that interface lo is up: ip link set lo up`;
}
