export type Json = Record<string, unknown>;

/** Why something in `authorization_details` is not a grant; `undefined` when it is one. */
export function grantFault(detail: unknown): string | undefined {
  if (!isObject(detail)) return "a grant is no object";
  const members = membersFault(
    detail,
    ["type", "actions"],
    ["constraints", "only", "uses", "counter"],
  );
  if (members !== undefined) return `a grant has ${members}`;
  const { type, actions, constraints, only, uses } = detail;
  if (type !== "agent_key") return "a grant of another type";
  if (!Array.isArray(actions) || actions.length !== 1) return "a grant needs one action";
  if (!isScope(actions[0])) return "an action is no concrete scope";
  if (Object.hasOwn(detail, "only") && only !== true) return "only";
  if (Object.hasOwn(detail, "uses") && !(Number.isSafeInteger(uses) && (uses as number) > 0)) {
    return "uses";
  }
  return Object.hasOwn(detail, "constraints") ? constraintsFault(constraints) : undefined;
}

/** "A token carries concrete scopes only." */
function isScope(scope: unknown): boolean {
  return (
    typeof scope === "string" &&
    scope.length <= 200 &&
    scope.split(":").length === 2 &&
    scope
      .split(/[:.]/)
      .every((segment) => /^[a-z0-9][a-z0-9_-]*$/.test(segment) && !segment.includes("\n")) &&
    !scope.slice(0, scope.indexOf(":")).includes(".")
  );
}

function constraintsFault(constraints: unknown): string | undefined {
  if (!isObject(constraints)) return "constraints are no object";
  const named = Object.entries(constraints);
  if (named.length > 50) return "too many constraints";
  for (const [name, constraint] of named) {
    if (
      !isText(name) ||
      name === "" ||
      name === "__proto__" ||
      name.length > 100 ||
      /\p{Cc}/u.test(name)
    ) {
      return "a constraint's name";
    }
    if (!isConstraint(constraint)) return "a constraint is none";
  }
  return undefined;
}

/** The "small closed set of operators", one kind at a time. */
function isConstraint(constraint: unknown): boolean {
  if (isScalar(constraint)) return true;
  if (!isObject(constraint)) return false;
  const { optional, ...operators } = constraint;
  if (Object.hasOwn(constraint, "optional") && optional !== true) return false;
  const only = (...names: string[]): boolean =>
    Object.keys(operators).length > 0 &&
    Object.keys(operators).every((name) => names.includes(name));
  if (only("any")) return operators["any"] === true;
  if (only("in")) {
    const values = operators["in"];
    if (!Array.isArray(values) || values.length > 200 || !values.every(isScalar)) return false;
    return values.length > 0 || optional === true;
  }
  if (only("min", "max")) {
    const { min = -Infinity, max = Infinity } = operators as { min?: number; max?: number };
    return Object.values(operators).every(Number.isFinite) && min <= max;
  }
  if (!only("prefix", "suffix", "maxLength")) return false;
  const { prefix = "", suffix = "", maxLength = Infinity } = operators;
  if (![prefix, suffix].every((text) => isText(text) && text.length <= 1024)) return false;
  if (maxLength !== Infinity && !(Number.isSafeInteger(maxLength) && (maxLength as number) >= 0)) {
    return false;
  }
  return shortest(prefix as string, suffix as string) <= (maxLength as number);
}

/** How long the shortest text with this beginning and this end is: they may overlap. */
function shortest(prefix: string, suffix: string): number {
  const [start, end] = [Array.from(prefix), Array.from(suffix)];
  for (let length = Math.max(start.length, end.length); ; length += 1) {
    const shared = start.length + end.length - length;
    if (shared <= 0) return start.length + end.length;
    if (start.slice(start.length - shared).join("") === end.slice(0, shared).join(""))
      return length;
  }
}

function isScalar(value: unknown): boolean {
  if (typeof value === "string") return isText(value) && value.length <= 1024;
  return typeof value === "boolean" || Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && !/\p{Surrogate}/u.test(value);
}

/** What may name an agent, a user, a run or a call. */
export function isIdentifier(value: unknown): boolean {
  return isText(value) && value.length >= 1 && value.length <= 256;
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first member that is missing or that nobody knows. */
export function membersFault(
  object: Json,
  required: readonly string[],
  optional: readonly string[],
): string | undefined {
  const missing = required.find((name) => !Object.hasOwn(object, name));
  if (missing !== undefined) return `${missing} is missing`;
  const unknown = Object.keys(object).find((name) => ![...required, ...optional].includes(name));
  if (unknown === undefined) return undefined;
  return unknown === "cnf" ? "cnf, which is not built" : "a member that nobody knows";
}
