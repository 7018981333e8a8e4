/** A value a constraint can name. */
export type Scalar = string | number | boolean;

/** `optional: true` also allows the value to be absent. */
interface MayBeAbsent {
  readonly optional?: true | undefined;
}

/**
 * What one named value must be. A bare scalar means "equals". On an array every element must
 * satisfy it. A missing value, an empty array or a wrong type is refused. Strings compare by code
 * points; nothing is folded or normalised. `min` and `max` are inclusive; `maxLength` counts code
 * points.
 */
export type Constraint =
  | Scalar
  | ({ readonly in: readonly Scalar[] } & MayBeAbsent)
  | ({ readonly min?: number | undefined; readonly max?: number | undefined } & MayBeAbsent)
  | ({
      readonly prefix?: string | undefined;
      readonly suffix?: string | undefined;
      readonly maxLength?: number | undefined;
    } & MayBeAbsent)
  | ({ readonly any: true } & MayBeAbsent);

type Members =
  | { readonly kind: "any" }
  | { readonly kind: "in"; readonly values: readonly Scalar[] }
  | { readonly kind: "range"; readonly min: number; readonly max: number }
  | {
      readonly kind: "text";
      readonly prefix: string;
      readonly suffix: string;
      readonly maxLength: number;
    };

/** A constraint in the form the algebra works on: one kind of set, and whether absence is allowed. */
export type ValueSet = Members & { readonly optional: boolean };

/** Allows no value at all, only its absence. */
export const ABSENT: ValueSet = { kind: "in", values: [], optional: true };

/** Allows nothing: what is not a constraint must not pass for one without limits. */
const NOTHING: ValueSet = { kind: "in", values: [], optional: false };

/** Reads a constraint. One that was not validated, and is none, allows nothing. */
export function toValueSet(constraint: Constraint | undefined): ValueSet {
  if (constraint === undefined || constraint === null) return NOTHING;
  if (typeof constraint !== "object") return { kind: "in", values: [constraint], optional: false };
  const optional = constraint.optional === true;
  const members = constraint as AnyMembers;
  switch (kindOf(constraint)) {
    case "in":
      return Array.isArray(members.in)
        ? { kind: "in", values: unique(members.in), optional }
        : NOTHING;
    case "range": {
      const { min = -Infinity, max = Infinity } = members;
      return areNumbers(min, max) ? range(min, max, optional) : NOTHING;
    }
    case "text": {
      const { prefix = "", suffix = "", maxLength = Infinity } = members;
      // Half a character is no text, though by 16-bit units it begins, or ends, many that it is not in.
      if (!isText(prefix) || !isText(suffix)) return optional ? ABSENT : NOTHING;
      return areNumbers(maxLength)
        ? { kind: "text", prefix, suffix, maxLength, optional }
        : NOTHING;
    }
    case "any":
      return members.any === true ? { kind: "any", optional } : NOTHING;
    case undefined:
      return NOTHING;
  }
}

const KIND_OF = {
  in: "in",
  min: "range",
  max: "range",
  prefix: "text",
  suffix: "text",
  maxLength: "text",
  any: "any",
} as const;

/** Every operator there is, as a constraint that was validated may have it. */
interface AnyMembers {
  readonly in?: readonly Scalar[];
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly prefix?: string | undefined;
  readonly suffix?: string | undefined;
  readonly maxLength?: number | undefined;
  readonly any?: true;
}

/**
 * The kind that all operators are of; `undefined` when they are of none, or of more than one: to go by
 * those of one kind would be to forget the others.
 */
function kindOf(constraint: object): ValueSet["kind"] | undefined {
  let kind: ValueSet["kind"] | undefined;
  let stated = false;
  // Also what is inherited: whatever is read as a member must be of the one kind.
  for (const name in constraint) {
    if (name === "optional") continue;
    const own = Object.hasOwn(KIND_OF, name) ? KIND_OF[name as keyof typeof KIND_OF] : undefined;
    if (own === undefined || own !== (kind ?? own)) return undefined;
    kind = own;
    stated ||= (constraint as AnyMembers)[name as keyof AnyMembers] !== undefined;
  }
  return stated ? kind : undefined;
}

/** A text would be compared with a number by its value, and with another text by its letters. */
function areNumbers(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === "number");
}

/** The inverse of {@link toValueSet}, in its shortest form. */
export function fromValueSet(set: ValueSet): Constraint {
  const optional = set.optional ? { optional: true as const } : {};
  switch (set.kind) {
    case "any":
      return { any: true, ...optional };
    case "in": {
      const [first] = set.values;
      if (set.values.length === 1 && first !== undefined && !set.optional) return first;
      return { in: set.values, ...optional };
    }
    case "range":
      return {
        ...(set.min === -Infinity ? {} : { min: set.min }),
        ...(set.max === Infinity ? {} : { max: set.max }),
        ...optional,
      };
    case "text":
      return {
        // A text set always names one member, or it would read back as a range without bounds.
        ...(set.prefix === "" && (set.suffix !== "" || set.maxLength !== Infinity)
          ? {}
          : { prefix: set.prefix }),
        ...(set.suffix === "" ? {} : { suffix: set.suffix }),
        ...(set.maxLength === Infinity ? {} : { maxLength: set.maxLength }),
        ...optional,
      };
  }
}

/** Whether a present or absent value satisfies the set. Total: any JavaScript value may be asked. */
export function allowsValue(set: ValueSet, value: unknown): boolean {
  if (value === undefined) return set.optional;
  if (!Array.isArray(value)) return allowsOne(set, value);
  // Indexed on purpose: `every` skips the holes of a sparse array.
  for (let i = 0; i < value.length; i += 1) if (!allowsOne(set, value[i])) return false;
  return value.length > 0;
}

function allowsOne(set: Members, value: unknown): boolean {
  switch (set.kind) {
    case "any":
      return value !== undefined;
    case "in":
      return (set.values as readonly unknown[]).includes(value);
    case "range":
      return Number.isFinite(value) && (value as number) >= set.min && (value as number) <= set.max;
    case "text":
      return (
        isText(value) &&
        value.startsWith(set.prefix) &&
        value.endsWith(set.suffix) &&
        (set.maxLength === Infinity || hasAtMost(value, set.maxLength))
      );
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

/** Whether everything `inner` allows, `outer` allows. Sound: it may miss, it never says yes wrongly. */
export function isSubset(inner: ValueSet, outer: ValueSet): boolean {
  if (inner.optional && !outer.optional) return false;
  if (outer.kind === "any") return true;
  if (inner.kind === "in") return inner.values.every((value) => allowsOne(outer, value));
  if (inner.kind === "range" && outer.kind === "range") {
    return inner.min >= outer.min && inner.max <= outer.max;
  }
  if (inner.kind === "text" && outer.kind === "text") {
    return (
      inner.prefix.startsWith(outer.prefix) &&
      inner.suffix.endsWith(outer.suffix) &&
      inner.maxLength <= outer.maxLength
    );
  }
  return false;
}

/** What both allow. `undefined` when neither a value nor absence is left. */
export function intersect(a: ValueSet, b: ValueSet): ValueSet | undefined {
  const optional = a.optional && b.optional;
  const members = intersectMembers(a, b);
  if (members !== undefined) return { ...members, optional };
  return optional ? ABSENT : undefined;
}

function intersectMembers(a: Members, b: Members): Members | undefined {
  // Before `any`, or no values at all would pass for some.
  if (a.kind === "in") return some(a.values.filter((value) => allowsOne(b, value)));
  if (b.kind === "in") return some(b.values.filter((value) => allowsOne(a, value)));
  if (a.kind === "any") return b;
  if (b.kind === "any") return a;
  if (a.kind === "range" && b.kind === "range") {
    const min = Math.max(a.min, b.min);
    const max = Math.min(a.max, b.max);
    return min <= max ? range(min, max, false) : undefined;
  }
  if (a.kind === "text" && b.kind === "text") return intersectText(a, b);
  return undefined;
}

function intersectText(
  a: Extract<Members, { kind: "text" }>,
  b: Extract<Members, { kind: "text" }>,
): Members | undefined {
  const [prefix, outerPrefix] = longerFirst(a.prefix, b.prefix);
  const [suffix, outerSuffix] = longerFirst(a.suffix, b.suffix);
  if (!prefix.startsWith(outerPrefix) || !suffix.endsWith(outerSuffix)) return undefined;
  const maxLength = Math.min(a.maxLength, b.maxLength);
  if (maxLength !== Infinity && shortestLength(prefix, suffix) > maxLength) return undefined;
  return { kind: "text", prefix, suffix, maxLength };
}

/** Code points of the shortest string with this prefix and this suffix, which may overlap. */
export function shortestLength(prefix: string, suffix: string): number {
  const start = Array.from(prefix);
  const end = Array.from(suffix);
  for (let shared = Math.min(start.length, end.length); shared > 0; shared -= 1) {
    const overlaps = end.slice(0, shared).every((c, i) => c === start[start.length - shared + i]);
    if (overlaps) return start.length + end.length - shared;
  }
  return start.length + end.length;
}

function hasAtMost(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return true;
  if (text.length > maxLength * 2) return false;
  return Array.from(text).length <= maxLength;
}

function some(values: readonly Scalar[]): Members | undefined {
  return values.length > 0 ? { kind: "in", values } : undefined;
}

/** One number is the set of that number, so that equal sets have equal forms. */
function range(min: number, max: number, optional: boolean): ValueSet {
  if (min === max) return { kind: "in", values: [min], optional };
  return { kind: "range", min, max, optional };
}

function longerFirst(a: string, b: string): readonly [longer: string, shorter: string] {
  return a.length >= b.length ? [a, b] : [b, a];
}

function unique(values: readonly Scalar[]): readonly Scalar[] {
  return values.length > 1 ? [...new Set(values)] : values;
}
