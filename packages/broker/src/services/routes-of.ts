import type { RouteDefinition } from "../service/route-pattern.ts";

/** What stands behind the service's name in a scope: `issues.read`. */
type ActionOf<Scope extends string> = Scope extends `${string}:${infer Action}` ? Action : never;

/** Routes under their scopes: of every scope of a service, or of some. */
export type RoutesOf<
  Scope extends string,
  Action extends ActionOf<Scope> = ActionOf<Scope>,
> = Readonly<Record<Action, readonly RouteDefinition[]>>;
