import type { RecordedConstraint, RecordedGrant } from "@agent-keys/core/audit";

/**
 * A grant for people: `tickets:reply where ticketId = "T-1"; once; for 30s`. Not yet safe to print.
 */
export function grantText({ scope, where, only, uses, expiresIn }: RecordedGrant): string {
  const constraints = Object.entries(where ?? {}).map(([name, constraint]) =>
    constraintText(name, constraint),
  );
  const limits = [
    ...(constraints.length > 0 ? [`where ${constraints.join(" and ")}`] : []),
    ...(only === true ? [constraints.length > 0 ? "no other value" : "no value at all"] : []),
    ...(uses === undefined ? [] : [uses === 1 ? "once" : `${uses} times`]),
    ...(expiresIn === undefined ? [] : [`for ${expiresInText(expiresIn)}`]),
  ];
  return [scope, limits.join("; ")].join(" ").trimEnd();
}

function expiresInText(expiresIn: number | string): string {
  return typeof expiresIn === "number" ? `${expiresIn}s` : expiresIn;
}

/** One constraint for people: `amount 1 to 100`, `path starts with "docs/"`. */
export function constraintText(name: string, constraint: RecordedConstraint): string {
  if (typeof constraint !== "object") return `${name} = ${JSON.stringify(constraint)}`;
  if ("redacted" in constraint) return `${name} redacted`;
  const absent = constraint.optional === true ? " or absent" : "";
  return `${name} ${operatorText(constraint)}${absent}`;
}

type Operators = Exclude<Extract<RecordedConstraint, object>, { readonly redacted: string }>;

function operatorText(constraint: Operators): string {
  if ("any" in constraint) return "any value";
  if ("in" in constraint) {
    if (constraint.in.length === 0) return "no value";
    return `in ${constraint.in.map((value) => JSON.stringify(value)).join(", ")}`;
  }
  if ("min" in constraint || "max" in constraint) {
    const { min, max } = constraint;
    if (min === undefined) return `at most ${max}`;
    return max === undefined ? `at least ${min}` : `${min} to ${max}`;
  }
  const { prefix, suffix, maxLength } = constraint as {
    prefix?: string;
    suffix?: string;
    maxLength?: number;
  };
  return [
    ...(prefix === undefined ? [] : [`starts with ${JSON.stringify(prefix)}`]),
    ...(suffix === undefined ? [] : [`ends with ${JSON.stringify(suffix)}`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
  ].join(", ");
}
