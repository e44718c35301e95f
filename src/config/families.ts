/**
 * A [[vrrp]] by family: with addresses of both it is two virtual routers (RFC 9568, 1.1), and each takes its part of what is
 * one list in the file.
 */

import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import { GROUP } from '../wire/vrrp.ts';
import type { PeerConfig, VirtualAddress, VrrpConfig } from './config.ts';

/** The families that have virtual addresses, 4 before 6. */
export const familiesOf = ({ addresses }: Pick<VrrpConfig, 'addresses'>): readonly Family[] =>
  ([4, 6] as const).filter((family) => addresses.some((a) => familyOf(a.address.address) === family));

/** In the order of the config, which `options-address.ts` has sorted: link-local addresses before others (RFC 9568, 5.2.9). */
export const addressesOf = ({ addresses }: Pick<VrrpConfig, 'addresses'>, family: Family): readonly VirtualAddress[] =>
  addresses.filter((a) => familyOf(a.address.address) === family);

/** What an advert of the family lists, in its order; empty when nothing is to be advertised. */
export const advertisedOf = (config: Pick<VrrpConfig, 'addresses'>, family: Family): readonly IpAddress[] =>
  addressesOf(config, family)
    .filter((a) => a.advertise)
    .map((a) => a.address.address);

/** Where adverts of the family go when there are no peers. */
export const groupOf = ({ multicastGroup }: Pick<VrrpConfig, 'multicastGroup'>, family: Family): IpAddress =>
  multicastGroup.find((group) => familyOf(group) === family) ?? GROUP[family];

/** The source address that the file gives; `null`: the interface's first own address of the family. */
export const sourceOf = ({ source }: Pick<VrrpConfig, 'source'>, family: Family): IpAddress | null =>
  source.find((address) => familyOf(address) === family) ?? null;

/** Empty: adverts are multicast. A [[vrrp]] with peers has some of every family that it has addresses of. */
export const peersOf = ({ peers }: Pick<VrrpConfig, 'peers'>, family: Family): readonly PeerConfig[] =>
  peers.filter((peer) => familyOf(peer.address) === family);
