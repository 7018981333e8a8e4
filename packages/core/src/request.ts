import { allowsValue } from "./constraint.ts";
import { constrainedNames, FREE, type Grant, valuesOf } from "./grant.ts";
import { isScope, scopeCovers } from "./scope.ts";

/** What somebody wants to do with a key: a concrete scope and the request's named values. */
export interface KeyRequest {
  /** The concrete scope that the route or operation needs. */
  readonly scope: string;
  /** The request's parameters by name. A missing or `undefined` member is an absent value. */
  readonly values?: Readonly<Record<string, unknown>> | undefined;
}

/** Which grants allow a request, by index, or why none does. */
export type RequestDecision =
  | { readonly allowed: true; readonly grants: readonly [number, ...number[]] }
  | {
      readonly allowed: false;
      readonly code: "insufficient_scope" | "constraint_failed";
      /** Names of the values that failed, over all grants of the scope. */
      readonly failed: readonly string[];
    };

/**
 * Checks a request against a list of grants: one grant must allow all of it. Pure and total; knows
 * nothing of time, uses or revocation.
 */
export function checkRequest(grants: readonly Grant[], request: KeyRequest): RequestDecision {
  const { scope } = request;
  const values = request.values ?? {};
  const allowing: number[] = [];
  const failed = new Set<string>();
  let scoped = false;
  for (const [index, grant] of grants.entries()) {
    if (!isScope(scope) || !scopeCovers(grant.scope, scope)) continue;
    scoped = true;
    const failures = failedNames(grant, values);
    if (failures.length === 0) allowing.push(index);
    for (const name of failures) failed.add(name);
  }
  const [first, ...rest] = allowing;
  if (first !== undefined) return { allowed: true, grants: [first, ...rest] };
  const code = scoped ? "constraint_failed" : "insufficient_scope";
  return { allowed: false, code, failed: [...failed] };
}

/** The names whose values, or whose presence, the grant refuses. Empty when it allows them all. */
export function failedNames(
  grant: Grant,
  values: Readonly<Record<string, unknown>>,
): readonly string[] {
  const candidates = new Set(constrainedNames(grant));
  if (grant.only === true) for (const name of Object.keys(values)) candidates.add(name);
  return [...candidates].filter((name) => {
    const allowed = valuesOf(grant, name);
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return allowed !== FREE && !allowsValue(allowed, value);
  });
}
