import type { Grant } from "@agent-keys/core";
import { toValueSet, type ValueSet } from "@agent-keys/core/enforce";
import { literalPattern, literalText, type PolicyPart, type Statement } from "./policy-document.ts";

/** What each scope of the service `s3` is in IAM. */
const OBJECT_ACTIONS: ReadonlyMap<string, string> = new Map([
  ["s3:objects.read", "s3:GetObject"],
  ["s3:objects.write", "s3:PutObject"],
  ["s3:objects.delete", "s3:DeleteObject"],
]);

const ANY: ValueSet = { kind: "any", optional: false };

/** A pattern for some values. `open`: it ends with a wildcard. */
interface Pattern {
  readonly text: string;
  readonly open: boolean;
}

/**
 * A grant on objects of S3 as statements of a session policy. Pure. What it admits beyond the grant is
 * named in `left`, by the parameter's name.
 *
 * @param partition - `aws`, or another that the role is in, such as `aws-cn`.
 * @returns `undefined` when no request is within the grant, or when it is none on S3.
 */
export function s3Statements(grant: Grant, partition: string): PolicyPart | undefined {
  const { scope, where = {}, only = false } = grant;
  const action = OBJECT_ACTIONS.get(scope);
  if (action === undefined && scope !== "s3:objects.list") return undefined;
  const setOf = (name: string): ValueSet | undefined => {
    if (Object.hasOwn(where, name)) return toValueSet(where[name]);
    return only ? undefined : ANY;
  };
  const bucket = setOf("bucket");
  // Every request names one, and `only` would refuse it.
  if (bucket === undefined) return undefined;
  const buckets = patterns(bucket, isBucketName, /^[a-z0-9.-]*$/);
  const left = [...leftOfGrant(grant), ...leftOf("bucket", bucket)];
  if (bucket.kind === "any") left.push("bucket: every bucket that the role may use");
  const arn = (text: string): string => `arn:${partition}:s3:::${text}`;
  if (action === undefined) {
    const prefix = Object.hasOwn(where, "prefix") ? toValueSet(where["prefix"]) : undefined;
    const condition = prefix === undefined ? (only ? NO_PREFIX : {}) : prefixCondition(prefix);
    if (condition === undefined || buckets.length === 0) return undefined;
    const named = ["bucket", "prefix"];
    return {
      statements: [
        {
          Effect: "Allow",
          Action: "s3:ListBucket",
          Resource: buckets.map(({ text }) => arn(text)),
          ...condition,
        },
      ],
      left: [...left, ...(prefix ? leftOf("prefix", prefix) : []), ...leftOfOthers(where, named)],
    };
  }
  const key = setOf("key");
  if (key === undefined) return undefined;
  const keys = patterns(key, (value) => value !== "");
  if (buckets.length === 0 || keys.length === 0) return undefined;
  // A wildcard matches slashes too: behind one, what seems to be the key may be the end of it.
  const isOpen = buckets.some(({ open }) => open);
  const resources = isOpen
    ? buckets.map(({ text }) => arn(`${text}/*`))
    : buckets.flatMap((one) => keys.map(({ text }) => arn(`${one.text}/${text}`)));
  if (isOpen && key.kind !== "any") left.push("key: not expressible unless buckets are named");
  const statement: Statement = { Effect: "Allow", Action: action, Resource: resources };
  return {
    statements: [statement],
    left: [
      ...left,
      ...(isOpen ? [] : leftOf("key", key)),
      ...leftOfOthers(where, ["bucket", "key"]),
    ],
  };
}

/** Of names that the pattern of `prefix` cannot match there is no bucket. */
function patterns(
  set: ValueSet,
  isValue: (value: string) => boolean,
  prefixes?: RegExp,
): readonly Pattern[] {
  switch (set.kind) {
    case "any":
      return [{ text: "*", open: true }];
    case "in":
      return set.values
        .filter((value) => typeof value === "string")
        .filter((value) => value.isWellFormed() && isValue(value))
        .map((value) => ({ text: literalPattern(value), open: false }));
    case "text":
      if (prefixes?.test(set.prefix) === false) return [];
      return [{ text: `${literalPattern(set.prefix)}*`, open: true }];
    case "range":
      return [];
  }
}

/** What has a slash would be a bucket and the beginning of a key. */
function isBucketName(value: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value);
}

const NO_PREFIX: Pick<Statement, "Condition"> = { Condition: { Null: { "s3:prefix": "true" } } };

function prefixCondition(set: ValueSet): Pick<Statement, "Condition"> | undefined {
  const ifExists = set.optional ? "IfExists" : "";
  switch (set.kind) {
    case "any":
      return set.optional ? {} : { Condition: { Null: { "s3:prefix": "false" } } };
    case "in": {
      const values = set.values
        .filter((value) => typeof value === "string")
        .filter((value) => value.isWellFormed());
      if (values.length === 0) return set.optional ? NO_PREFIX : undefined;
      const named = { "s3:prefix": values.map(literalText) };
      return { Condition: { [`StringEquals${ifExists}`]: named } };
    }
    case "text": {
      const pattern = { "s3:prefix": `${literalPattern(set.prefix)}*` };
      return { Condition: { [`StringLike${ifExists}`]: pattern } };
    }
    case "range":
      return set.optional ? NO_PREFIX : undefined;
  }
}

function leftOf(name: string, set: ValueSet): readonly string[] {
  if (set.kind !== "text") return [];
  return [
    ...(set.suffix === "" ? [] : [`${name}: its suffix`]),
    ...(set.maxLength === Infinity ? [] : [`${name}: its length`]),
  ];
}

function leftOfOthers(
  where: NonNullable<Grant["where"]>,
  expressed: readonly string[],
): readonly string[] {
  return Object.keys(where)
    .filter((name) => !expressed.includes(name))
    .map((name) => `${name}: no condition of IAM`);
}

function leftOfGrant({ uses, only }: Grant): readonly string[] {
  return [
    "life: STS issues for 15 minutes at least",
    ...(uses === undefined ? [] : ["uses: how many requests"]),
    ...(only === true ? ["only: other parameters of a request"] : []),
  ];
}
