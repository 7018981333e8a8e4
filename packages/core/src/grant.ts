import {
  ABSENT,
  type Constraint,
  fromValueSet,
  intersect,
  isSubset,
  toValueSet,
  type ValueSet,
} from "./constraint.ts";
import { type Duration, durationSeconds } from "./duration.ts";
import { scopeCovers } from "./scope.ts";

/**
 * A scope with its limits. In a list of grants, one grant must allow the whole call by itself.
 */
export interface Grant {
  /** `service:resource.action`. Only in policies may the last segment be `*`. */
  readonly scope: string;
  /** Constraints on named values; a value that is not named here is free, unless `only` is set. */
  readonly where?: Readonly<Record<string, Constraint>> | undefined;
  /** Closes the set: a value that `where` does not name refuses the call. Default `false`. */
  readonly only?: boolean | undefined;
  /** How many requests the key is good for, a positive integer. Default: not limited. */
  readonly uses?: number | undefined;
  /** How long a key lives: seconds, or `"30s"`, `"5m"`. At most 15 minutes. Default 10 seconds. */
  readonly expiresIn?: Duration | undefined;
}

/**
 * Whether every request that `child` allows, `parent` allows too, and `child` has no more uses and
 * no longer life. Total, reflexive, transitive, and sound: it never says yes wrongly. Absent limits
 * count as none.
 */
export function isNarrower(child: Grant, parent: Grant): boolean {
  if (!scopeCovers(parent.scope, child.scope)) return false;
  if (parent.only === true && child.only !== true) return false;
  if (!(atMost(child.uses) <= atMost(parent.uses))) return false;
  if (seconds(child) > seconds(parent)) return false;
  return names(child, parent).every((name) => {
    const outer = valuesOf(parent, name);
    if (outer === FREE) return true;
    const inner = valuesOf(child, name);
    return inner !== FREE && isSubset(inner, outer);
  });
}

/**
 * The grant that allows exactly what both allow, with the lower limits. `undefined` when nothing is
 * left. Total.
 */
export function meet(a: Grant, b: Grant): Grant | undefined {
  const scope = scopeCovers(a.scope, b.scope) ? b.scope : a.scope;
  if (!scopeCovers(b.scope, scope)) return undefined;
  const only = a.only === true || b.only === true;
  const where: [string, Constraint][] = [];
  for (const name of names(a, b)) {
    const both = intersectFree(valuesOf(a, name), valuesOf(b, name));
    if (both === undefined) return undefined;
    if (both !== FREE && !(only && isAbsent(both))) where.push([name, fromValueSet(both)]);
  }
  const uses = Math.min(atMost(a.uses), atMost(b.uses));
  const expiresIn = Math.min(seconds(a), seconds(b));
  return {
    scope,
    ...(where.length > 0 ? { where: Object.fromEntries(where) } : {}),
    ...(only ? { only } : {}),
    ...(uses === Infinity ? {} : { uses }),
    ...(expiresIn === Infinity ? {} : { expiresIn }),
  };
}

/** No constraint: any value, no value, an empty array. Wider than `{ any: true, optional: true }`. */
export const FREE: unique symbol = Symbol("free");

/** What a grant says of one name: a set, free, or (closed and unnamed) absent. */
export function valuesOf(grant: Grant, name: string): ValueSet | typeof FREE {
  const { where } = grant;
  // An own-property look-up: a value may be called `constructor`.
  if (where !== undefined && Object.hasOwn(where, name)) return toValueSet(where[name]);
  return grant.only === true ? ABSENT : FREE;
}

/** The names that a grant constrains. */
export function constrainedNames(grant: Grant): readonly string[] {
  return grant.where === undefined ? [] : Object.keys(grant.where);
}

function names(a: Grant, b: Grant): readonly string[] {
  return [...new Set([...constrainedNames(a), ...constrainedNames(b)])];
}

function intersectFree(
  a: ValueSet | typeof FREE,
  b: ValueSet | typeof FREE,
): ValueSet | typeof FREE | undefined {
  if (a === FREE) return b;
  return b === FREE ? a : intersect(a, b);
}

function isAbsent(set: ValueSet): boolean {
  return set.kind === "in" && set.values.length === 0 && set.optional;
}

/** What is not a duration is no life at all. */
function seconds({ expiresIn }: Grant): number {
  return expiresIn === undefined ? Infinity : (durationSeconds(expiresIn) ?? 0);
}

function atMost(limit: number | undefined): number {
  return limit ?? Infinity;
}
