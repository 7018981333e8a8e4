import type { Constraint, PolicyRule } from "@agent-keys/core";
import type { Service } from "../service/service.ts";

/** `github:*`, and `github:issues.*` for `github:issues.read`. */
type PatternOf<Scope extends string> = Scope extends `${infer Name}:${infer Action}`
  ? `${Name}:*` | `${Name}:${Ending<Action>}`
  : never;

type Ending<Action extends string> = Action extends `${infer Head}.${infer Rest}`
  ? `${Head}.*` | `${Head}.${Ending<Rest>}`
  : never;

/**
 * A grant in a policy, held to the scopes and parameters that a service has: a misspelt one does not
 * compile.
 *
 * @example
 * ```ts
 * import type { Policy } from "@agent-keys/core";
 * import type { github, GrantFor, slack } from "@agent-keys/broker/services";
 *
 * const allow: GrantFor<typeof github | typeof slack>[] = [
 *   { scope: "github:issues.*", where: { owner: "acme" } },
 *   { scope: "slack:chat.write", where: { channel: "C123" } },
 * ];
 * export const policy: Policy = { "repo-bot": { allow } };
 * ```
 */
export type GrantFor<S extends Service> =
  S extends Service<infer Scope, infer Name>
    ? Omit<PolicyRule, "scope" | "where"> & {
        readonly scope: Scope | PatternOf<Scope>;
        readonly where?: { readonly [N in Name]?: Constraint } | undefined;
      }
    : never;
