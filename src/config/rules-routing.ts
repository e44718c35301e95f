/** Rules of the routes and the rules of policy routing in [[vrrp]]. */

import { type Family, familyOf, formatPrefix } from '../base/address.ts';
import { placeOf } from '../base/option.ts';
import type { RouteConfig, RuleConfig } from './config.ts';
import { type Draft, familiesIn, type RouterDraft, type Rules, unique } from './rules.ts';
import { sayVrrp } from './say-vrrp.ts';

export function checkRouting(routers: readonly RouterDraft[], rules: Rules): void {
  for (const router of routers) {
    const families = familiesIn(router);
    for (const route of router.routes ?? []) checkRoute(route, families, rules);
    for (const rule of router.rules ?? []) checkRule(rule, families, rules);
  }
  // The kernel knows a route by these (fib_table_insert), and two masters on one machine would take it from each other.
  const routeKey = ({ to, table, metric }: Draft<RouteConfig>) =>
    to && table && metric !== undefined ? `${formatPrefix(to)} ${table} ${metric}` : undefined;
  unique(
    routers.flatMap(({ routes = [] }) => routes),
    routeKey,
    rules,
    (route, _, line) => {
      const to = route.to ? formatPrefix(route.to) : '';
      rules.error(placeOf(rules, route, 'to'), sayVrrp.routeTwice(to, route.table ?? 0, line));
    },
  );
  unique(
    routers.flatMap(({ rules = [] }) => rules),
    ({ from, to, fwmark, interface: on, table, priority }) => {
      const all = [from, to, fwmark, on, table, priority];
      return all.includes(undefined) ? undefined : JSON.stringify(all);
    },
    rules,
    (rule, _, line) => {
      rules.error(placeOf(rules, rule), sayVrrp.ruleTwice(line));
    },
  );
}

function checkRoute(route: Draft<RouteConfig>, families: readonly Family[], rules: Rules): void {
  const { to } = route;
  if (to === undefined) return;
  const family = familyOf(to.address);
  if (rules.sound && !families.includes(family))
    rules.error(placeOf(rules, route, 'to'), sayVrrp.familyUnused('routes', formatPrefix(to), family));
  for (const key of ['via', 'source'] as const) {
    const address = route[key];
    if (address && familyOf(address) !== family)
      rules.error(placeOf(rules, route, key), sayVrrp.routeFamily(key, address, family));
  }
}

function checkRule(rule: Draft<RuleConfig>, families: readonly Family[], rules: Rules): void {
  const { from, to, fwmark, interface: on } = rule;
  if (from === null && to === null && fwmark === null && on === null)
    rules.error(placeOf(rules, rule), sayVrrp.ruleEmpty());
  if (from && to && familyOf(from.address) !== familyOf(to.address))
    return rules.error(placeOf(rules, rule, 'to'), sayVrrp.ruleFamilies());
  for (const key of ['from', 'to'] as const) {
    const prefix = rule[key];
    if (rules.sound && prefix && !families.includes(familyOf(prefix.address)))
      rules.error(
        placeOf(rules, rule, key),
        sayVrrp.familyUnused('rules', formatPrefix(prefix), familyOf(prefix.address)),
      );
  }
}
