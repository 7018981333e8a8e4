import type { Constraint, Grant, KeyRequest } from "@agent-keys/core";

/**
 * A second reading of what grants mean, written from the design's prose before the library's own
 * source was looked at: naive, slow, and alike in nothing. Where both agree on 200,000 cases, a
 * mistake has to have been made twice. Where the prose is silent the stricter reading is taken, and
 * the place says so.
 */
export interface ReferenceDecision {
  /** Which grants allow the request by themselves. */
  readonly allowing: readonly number[];
  readonly code: "allowed" | "insufficient_scope" | "constraint_failed";
  /** The names at fault, in any grant of the scope. */
  readonly failed: ReadonlySet<string>;
}

/** "A list of grants is a disjunction: one grant must allow the whole call by itself." */
export function referenceDecision(
  grants: readonly Grant[],
  { scope, values = {} }: KeyRequest,
): ReferenceDecision {
  const allowing: number[] = [];
  const failed = new Set<string>();
  let concerned = false;
  for (const [index, grant] of grants.entries()) {
    if (!patternMatches(grant.scope, scope)) continue;
    concerned = true;
    const faults = faultsOf(grant, values);
    if (faults.length === 0) allowing.push(index);
    for (const name of faults) failed.add(name);
  }
  if (allowing.length > 0) return { allowing, code: "allowed", failed: new Set() };
  return { allowing, code: concerned ? "constraint_failed" : "insufficient_scope", failed };
}

/** Whether one grant allows a request. */
export function referenceAllows(grant: Grant, request: KeyRequest): boolean {
  return referenceDecision([grant], request).code === "allowed";
}

/** "`*` may stand as the last segment or alone after the colon and matches one or more segments." */
function patternMatches(pattern: string, scope: string): boolean {
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(scope);
  if (wanted.service !== given.service || !isConcrete(given)) return false;
  for (let at = 0; ; at += 1) {
    const want = wanted.path[at];
    const have = given.path[at];
    if (want === undefined && have === undefined) return true;
    if (want === undefined || have === undefined) return false;
    if (want === "*") return true;
    if (want !== have) return false;
  }
}

/** "A segment `[a-z0-9][a-z0-9_-]*`, 200 characters at most": what else is asked for is no scope. */
function isConcrete({ service, path }: { service: string; path: string[] }): boolean {
  return [service, ...path].every((segment) => {
    const [head, ...tail] = Array.from(segment);
    const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (head === undefined || !letters.includes(head)) return false;
    return tail.every((character) => `${letters}_-`.includes(character));
  });
}

function segmentsOf(scope: string): { service: string; path: string[] } {
  const colon = scope.indexOf(":");
  return { service: scope.slice(0, colon), path: scope.slice(colon + 1).split(".") };
}

function faultsOf(grant: Grant, values: Readonly<Record<string, unknown>>): string[] {
  const where = new Map(Object.entries(grant.where ?? {}));
  // "A missing or `undefined` member is an absent value." What is inherited is not a member.
  const given = new Map(Object.entries(values).filter(([, value]) => value !== undefined));
  const faults: string[] = [];
  for (const [name, constraint] of where) {
    const fine = given.has(name)
      ? satisfies(given.get(name), constraint)
      : typeof constraint === "object" && constraint.optional === true;
    if (!fine) faults.push(name);
  }
  // "`only: true` closes the set: a value that `where` does not name refuses."
  if (grant.only === true) {
    for (const name of given.keys()) if (!where.has(name)) faults.push(name);
  }
  return faults;
}

/** "On an array every element must satisfy it", and an empty one satisfies nothing. */
function satisfies(value: unknown, constraint: Constraint): boolean {
  if (!Array.isArray(value)) return satisfiesOne(value, constraint);
  if (value.length === 0) return false;
  for (let at = 0; at < value.length; at += 1) {
    if (!satisfiesOne(value[at], constraint)) return false;
  }
  return true;
}

/** One value. A list inside a list is of the wrong type for everything but `any`, which has none. */
function satisfiesOne(value: unknown, constraint: Constraint): boolean {
  if (value === undefined) return false;
  if (typeof constraint === "object" && "any" in constraint) return true;
  if (Array.isArray(value)) return false;
  if (typeof constraint !== "object") return equal(value, constraint);
  if ("in" in constraint) return constraint.in.some((one) => equal(value, one));
  if ("min" in constraint || "max" in constraint) {
    // Silent on infinity, which no request can carry: refused.
    if (typeof value !== "number" || !Number.isFinite(value)) return false;
    const { min, max } = constraint;
    return (min === undefined || value >= min) && (max === undefined || value <= max);
  }
  if (typeof value !== "string") return false;
  const { prefix, suffix, maxLength } = constraint as {
    prefix?: string;
    suffix?: string;
    maxLength?: number;
  };
  const points = codePoints(value);
  // Silent on halves of characters, which are no code points: a shape refuses them.
  if (points.some((point) => point >= 0xd800 && point <= 0xdfff)) return false;
  if (maxLength !== undefined && points.length > maxLength) return false;
  if (prefix !== undefined) {
    const wanted = codePoints(prefix);
    if (!sameText(points.slice(0, wanted.length), wanted)) return false;
  }
  if (suffix !== undefined) {
    const wanted = codePoints(suffix);
    if (!sameText(points.slice(Math.max(0, points.length - wanted.length)), wanted)) return false;
  }
  return true;
}

/** "Strings compare by code points, nothing folded or normalised"; a number is never a text. */
function equal(value: unknown, wanted: string | number | boolean): boolean {
  if (typeof value !== typeof wanted) return false;
  if (typeof value === "string" && typeof wanted === "string") {
    return sameText(codePoints(value), codePoints(wanted));
  }
  return value === wanted;
}

function codePoints(text: string): number[] {
  const points: number[] = [];
  for (const character of text) points.push(character.codePointAt(0) ?? -1);
  return points;
}

function sameText(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((point, at) => point === other[at]);
}
