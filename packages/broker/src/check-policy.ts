import { scopeCovers } from "@agent-keys/core/audit";
import type { Policy } from "@agent-keys/core";

/** What a policy may name: a service, or a database. */
export interface Described {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly routes: readonly {
    readonly scopes: readonly string[];
    readonly parameters: ReadonlyMap<string, unknown>;
  }[];
}

/**
 * A rule about what no service has would lie inert, and nobody would know that it was misspelt.
 *
 * @param path - Where the policy stands: `issuers["https://…"].policy`.
 * @param others - Whether there are scopes of no service: of tools that need none.
 * @throws TypeError naming the path.
 */
export function requireKnownNames(
  policy: Policy | "allow-all",
  services: readonly Described[],
  path: string,
  others = false,
): void {
  if (policy === "allow-all") return;
  for (const [agent, { allow, deny = [] }] of Object.entries(policy)) {
    const at = `${path}[${JSON.stringify(agent)}]`;
    for (const [index, { scope, where = {} }] of allow.entries()) {
      if (others && !isOfService(scope, services)) continue;
      const rule = `${at}.allow[${index}]`;
      requireScope(scope, services, `${rule}.scope`);
      const names = namesUnder(scope, services);
      const unknown = Object.keys(where).find((name) => !names.has(name));
      if (unknown !== undefined) {
        throw new TypeError(`${rule}.where.${unknown}: no route of ${scope} has this parameter`);
      }
    }
    for (const [index, scope] of deny.entries()) {
      if (others && !isOfService(scope, services)) continue;
      requireScope(scope, services, `${at}.deny[${index}]`);
    }
  }
}

function isOfService(scope: string, services: readonly Described[]): boolean {
  return services.some(({ name }) => scope.startsWith(`${name}:`));
}

function requireScope(pattern: string, services: readonly Described[], path: string): void {
  const known = services.some(({ scopes }) => scopes.some((scope) => scopeCovers(pattern, scope)));
  if (!known) throw new TypeError(`${path}: no service has the scope ${pattern}`);
}

function namesUnder(pattern: string, services: readonly Described[]): ReadonlySet<string> {
  const routes = services.flatMap((service) => service.routes);
  const under = routes.filter(({ scopes }) => scopes.some((scope) => scopeCovers(pattern, scope)));
  return new Set(under.flatMap(({ parameters }) => [...parameters.keys()]));
}
