import * as z from "zod";
import { type Constraint, type Scalar, shortestLength } from "./constraint.ts";
import { type Duration, durationSeconds } from "./duration.ts";
import type { Grant } from "./grant.ts";
import { type PolicyRule, type Rate, RATE_LIMITS, ratePeriodMs, type RatePeriod } from "./rate.ts";
import { isScope, isScopePattern } from "./scope.ts";

/** Bounds on what a grant may hold: a key travels in a header. */
export const GRANT_LIMITS: {
  readonly names: number;
  readonly nameLength: number;
  readonly textLength: number;
  readonly values: number;
  readonly grants: number;
} = { names: 50, nameLength: 100, textLength: 1024, values: 200, grants: 50 };

const text = z
  .string()
  .max(GRANT_LIMITS.textLength, `at most ${GRANT_LIMITS.textLength} characters`)
  .refine((value) => value.isWellFormed(), "must be well-formed Unicode");
const scalar = z.union([text, z.number(), z.boolean()]) satisfies z.ZodType<Scalar>;
const optional = z.literal(true).optional();

/** Not one of the operators of this kind is there: the constraint must be meant as another. */
const OTHER_KIND = { abort: true, params: { otherKind: true } };

const inSet = z
  .strictObject({
    in: z.array(scalar).max(GRANT_LIMITS.values, `at most ${GRANT_LIMITS.values} values`),
    optional,
  })
  .refine((set) => set.in.length > 0 || set.optional === true, "an empty `in` allows nothing");
const range = z
  .strictObject({ min: z.number().optional(), max: z.number().optional(), optional })
  .refine((set) => set.min !== undefined || set.max !== undefined, OTHER_KIND)
  .refine((set) => (set.min ?? -Infinity) <= (set.max ?? Infinity), "min is above max");
const textShape = z
  .strictObject({
    prefix: text.optional(),
    suffix: text.optional(),
    maxLength: z.int().nonnegative().optional(),
    optional,
  })
  .refine(
    (set) => set.prefix !== undefined || set.suffix !== undefined || set.maxLength !== undefined,
    OTHER_KIND,
  )
  .refine(
    (set) =>
      set.maxLength === undefined ||
      shortestLength(set.prefix ?? "", set.suffix ?? "") <= set.maxLength,
    "prefix and suffix do not fit into maxLength",
  );
const anyValue = z.strictObject({ any: z.literal(true), optional });

/** One constraint. Operators of different kinds do not mix. */
export const constraintSchema: z.ZodType<Constraint> = z.union(
  [scalar, inSet, range, textShape, anyValue],
  {
    error: () =>
      "must be a string, number or boolean, or one of { in }, { min, max }, " +
      "{ prefix, suffix, maxLength }, { any: true }, with optional: true beside it if need be",
  },
);

const name = z
  .string()
  .min(1, "a name must not be empty")
  .max(GRANT_LIMITS.nameLength, `at most ${GRANT_LIMITS.nameLength} characters`)
  // The wrappers keep control characters for names that no constraint may have.
  .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), "must be plain text");

/** The constraints of one grant. */
export const whereSchema: z.ZodType<NonNullable<Grant["where"]>> = plainRecord(
  z.record(name, constraintSchema),
).refine(
  (record) => Object.keys(record).length <= GRANT_LIMITS.names,
  `at most ${GRANT_LIMITS.names} names`,
);

const limits = {
  where: whereSchema.optional(),
  only: z.boolean().optional(),
  uses: z.int().positive("must be at least 1").optional(),
  expiresIn: z
    .custom<Duration>(
      (value) => durationSeconds(value) !== undefined,
      'must be seconds, "30s" or "5m", above zero and at most 15 minutes',
    )
    .optional(),
};

/** zod drops an own `__proto__` in silence, and with it a limit: refused before zod looks. */
export function plainRecord<T>(record: z.ZodType<T>): z.ZodType<T> {
  return z
    .unknown()
    .refine((value) => !isObject(value) || !Object.hasOwn(value, "__proto__"), {
      error: "`__proto__` is not a name",
      abort: true,
    })
    .pipe(record) as z.ZodType<T>;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The likeliest mistake is a bare scope where only a grant will do. */
function notAGrant({ code }: { readonly code: string }): string | undefined {
  return code === "invalid_type"
    ? 'must be a grant, such as { scope: "github:repos.read" }'
    : undefined;
}

const rate: z.ZodType<Rate> = z.strictObject(
  {
    calls: z
      .int()
      .positive("must be at least 1")
      .max(RATE_LIMITS.calls, `at most ${RATE_LIMITS.calls} calls`),
    per: z.custom<RatePeriod>(
      (value) => ratePeriodMs(value) !== undefined,
      'must be seconds, "30s", "5m" or "1h", above zero and at most 24 hours',
    ),
  },
  {
    error: ({ code }) =>
      code === "invalid_type" ? 'must be such as { calls: 10, per: "1m" }' : undefined,
  },
);

/** Which mistake it is, where letters alone are wrong. The text itself is not quoted: it may be anything. */
function notAScope(rule: string): { readonly error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) =>
      typeof input === "string" && /[A-Z]/.test(input) && isScopePattern(input.toLowerCase())
        ? `${rule}; scopes are lower case`
        : rule,
  };
}

/** A grant as a policy rule: its scope may be a pattern, and it may say how often. */
export const ruleSchema: z.ZodType<PolicyRule> = z.strictObject(
  {
    scope: z
      .string()
      .refine(isScopePattern, notAScope("must be service:segment(.segment)*, `*` only last")),
    ...limits,
    rate: rate.optional(),
  },
  { error: notAGrant },
);

/** A grant as it is asked for and as a token carries it: its scope is concrete. */
export const grantSchema: z.ZodType<Grant> = z.strictObject(
  {
    scope: z
      .string()
      .refine(isScope, notAScope("must be service:segment(.segment)*, without a wildcard")),
    ...limits,
  },
  { error: notAGrant },
);

const ISSUES_SHOWN = 5;
const ISSUE_LENGTH = 300;

/** `path: message` for the first issues, bounded, without any of the values that were checked. */
export function describeIssues(error: z.ZodError, root: string): string {
  const shown = error.issues.slice(0, ISSUES_SHOWN).flatMap((issue) => explain(issue, root));
  const more = error.issues.length - ISSUES_SHOWN;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, root: string): readonly string[] {
  const at = root + issue.path.map(member).join("");
  if (issue.code === "invalid_key") return issue.issues.flatMap((inner) => explain(inner, at));
  const closest = issue.code === "invalid_union" ? issue.errors.find(isClose) : undefined;
  if (closest !== undefined) return closest.flatMap((inner) => explain(inner, at));
  const text = `${at}: ${issue.message}`;
  return [text.length > ISSUE_LENGTH ? `${text.slice(0, ISSUE_LENGTH)}…` : text];
}

/** A union's branch that is of the right kind, and fails for what is in it. */
function isClose(branch: readonly Issue[]): boolean {
  return branch.every((issue) => {
    if (issue.code === "invalid_union") return issue.errors.some(isClose);
    if (issue.code === "custom") return issue.params?.["otherKind"] !== true;
    return issue.code === "too_big" || issue.code === "too_small";
  });
}

function member(key: PropertyKey): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key).slice(0, GRANT_LIMITS.nameLength);
  return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
