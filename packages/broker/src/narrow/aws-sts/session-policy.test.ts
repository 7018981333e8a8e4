import { checkRequest, type Constraint, type Grant } from "@agent-keys/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { admits } from "../../../test/aws/evaluate-policy.ts";
import { policyText } from "./policy-document.ts";
import { s3Statements } from "./s3-statements.ts";

const ACTION: Readonly<Record<string, string>> = {
  "s3:objects.read": "s3:GetObject",
  "s3:objects.write": "s3:PutObject",
  "s3:objects.delete": "s3:DeleteObject",
  "s3:objects.list": "s3:ListBucket",
};

interface Values {
  readonly bucket: string;
  readonly key?: string | undefined;
  readonly prefix?: string | undefined;
}

function admitted(grant: Grant, scope: string, { bucket, key, prefix }: Values): boolean {
  const part = s3Statements(grant, "aws");
  const policy = part && policyText(part.statements);
  if (policy === undefined) return false;
  const object = scope === "s3:objects.list" ? "" : `/${key}`;
  return admits(policy, {
    action: ACTION[scope] ?? "",
    resource: `arn:aws:s3:::${bucket}${object}`,
    context: prefix === undefined ? {} : { "s3:prefix": prefix },
  });
}

const read = (where: Grant["where"]): Grant => ({ scope: "s3:objects.read", where });

describe("a session policy", () => {
  test("names the object, in the partition of the role", () => {
    const grant = read({ bucket: "reports", key: { prefix: "2026/" } });
    expect(s3Statements(grant, "aws-cn")).toEqual({
      statements: [
        {
          Effect: "Allow",
          Action: "s3:GetObject",
          Resource: ["arn:aws-cn:s3:::reports/2026/*"],
        },
      ],
      left: ["life: STS issues for 15 minutes at least"],
    });
  });

  test("takes wildcards and policy variables in a value for what they are", () => {
    const key = "${aws:username}/*/?";
    const grant = read({ bucket: "reports", key });
    expect(s3Statements(grant, "aws")?.statements[0]?.Resource).toEqual([
      "arn:aws:s3:::reports/${$}{aws:username}/${*}/${?}",
    ]);
    expect(admitted(grant, grant.scope, { bucket: "reports", key })).toBe(true);
    expect(admitted(grant, grant.scope, { bucket: "reports", key: "${aws:username}/a/b" })).toBe(
      false,
    );
  });

  test("does not let a wildcard of the bucket stand for the beginning of a key unsaid", () => {
    const grant = read({ bucket: { prefix: "acme-" }, key: "a.txt" });
    expect(s3Statements(grant, "aws")?.left).toContain(
      "key: not expressible unless buckets are named",
    );
  });

  test("without a bucket is for all of the role's, and says so", () => {
    expect(s3Statements(read({ key: "a" }), "aws")?.left).toContain(
      "bucket: every bucket that the role may use",
    );
  });

  test.each<[string, Grant]>([
    ["an empty list", read({ bucket: { in: [] } })],
    ["numbers", read({ bucket: { in: [1, true] } })],
    ["a range", read({ bucket: { min: 1 } })],
    ["a bucket with a slash", read({ bucket: "reports/2026" })],
    ["a bucket's prefix with a slash", read({ bucket: { prefix: "reports/" } })],
    ["a bucket that is a wildcard", read({ bucket: "*" })],
    ["half a character", read({ bucket: "reports", key: "\ud800" })],
    ["nothing but what is named", { ...read({ bucket: "reports" }), only: true }],
    ["another service", { scope: "github:repos.read" }],
    ["every action", { scope: "s3:objects.*" }],
  ])("is not made for %s", (_, grant) => {
    expect(s3Statements(grant, "aws")).toBeUndefined();
  });

  test("that is longer than STS takes is none, not a shorter one", () => {
    const keys = Array.from({ length: 100 }, (_, index) => `a/rather/long/name/${index}`);
    const part = s3Statements(read({ bucket: "reports", key: { in: keys } }), "aws");
    expect(policyText(part?.statements ?? [])).toBeUndefined();
  });

  test("is written in the characters that STS takes", () => {
    const grant = read({ bucket: "reports", key: "2026/日本 \u007f😀\n" });
    const text = policyText(s3Statements(grant, "aws")?.statements ?? []);
    expect(text).toMatch(/^[\u0020-\u007e]+$/);
    const key = "2026/日本 \u007f😀\n";
    expect(admitted(grant, grant.scope, { bucket: "reports", key })).toBe(true);
  });
});

const SEED = Number(process.env["AGENT_KEYS_SEED"] ?? 20_260_601);

// Few letters, so that values meet: what matters to patterns and to paths.
const text = fc
  .array(fc.constantFrom("a", "b", "/", "*", "?", "$", "${*}", "${a}", "é", "."), { maxLength: 5 })
  .map((parts) => parts.join(""));
const bucketName = fc.constantFrom("acme", "acme-a", "acme-b", "other", "a.b");
const constraintOf = (value: fc.Arbitrary<string>): fc.Arbitrary<Constraint> => {
  const optional = fc.constantFrom({}, { optional: true as const });
  const members = fc.oneof(
    fc.record({ in: fc.array(fc.oneof(value, fc.constantFrom(1, true)), { maxLength: 3 }) }),
    fc.record({ prefix: value.map((one) => one.slice(0, 4)) }),
    fc.record({ prefix: fc.constant(""), suffix: text, maxLength: fc.nat(6) }),
    fc.constant({ any: true as const }),
    fc.constant({ min: 1 }),
  );
  return fc.oneof(
    value,
    fc.tuple(members, optional).map(([one, or]) => ({ ...one, ...or })),
  );
};
const scopes = fc.constantFrom(...Object.keys(ACTION));
const grants: fc.Arbitrary<Grant> = fc.record(
  {
    scope: scopes,
    where: fc.record(
      {
        bucket: constraintOf(fc.oneof(bucketName, text)),
        key: constraintOf(text),
        prefix: constraintOf(text),
        "max-keys": fc.constant({ max: 5 }),
      },
      { requiredKeys: [] },
    ),
    only: fc.boolean(),
  },
  { requiredKeys: ["scope"] },
) as fc.Arbitrary<Grant>;

test("admits nothing that the grant does not, but where it says so", () => {
  let admittedOnes = 0;
  fc.assert(
    fc.property(
      grants,
      scopes,
      bucketName,
      text,
      text,
      fc.option(text, { nil: undefined }),
      (grant, scope, bucket, end, before, prefix) => {
        const list = scope === "s3:objects.list";
        const key = before + end === "" ? "a" : before + end;
        const values = list ? { bucket, prefix } : { bucket, key };
        if (!admitted(grant, scope, values)) return;
        admittedOnes += 1;
        expect(scope).toBe(grant.scope);
        const left = s3Statements(grant, "aws")?.left ?? [];
        const isLeft = (name: string): boolean => left.some((one) => one.startsWith(`${name}:`));
        const given = Object.entries(values).filter(([, value]) => value !== undefined);
        // Held to all but what is left: to the prefix still, where that is a suffix or a length.
        const where = Object.entries(grant.where ?? {}).flatMap(
          ([name, one]): [string, Constraint][] => {
            if (!isLeft(name)) return [[name, one]];
            if (left.some((why) => why.startsWith(`${name}: its`))) {
              return [[name, { prefix: "", ...(one as object), suffix: "", maxLength: 1_000 }]];
            }
            return [];
          },
        );
        const rest: Grant = { scope, where: Object.fromEntries(where) };
        expect(checkRequest([rest], { scope, values: Object.fromEntries(given) }).allowed).toBe(
          true,
        );
        expect(isLeft("only")).toBe(grant.only === true);
      },
    ),
    { seed: SEED, numRuns: 20_000 },
  );
  expect(admittedOnes).toBeGreaterThan(500);
});

test("admits what the grant does, where a policy is made", () => {
  let granted = 0;
  fc.assert(
    fc.property(grants, bucketName, text, (grant, bucket, some) => {
      const { scope } = grant;
      const values =
        scope === "s3:objects.list" ? { bucket, prefix: some } : { bucket, key: `${some}a` };
      if (!checkRequest([grant], { scope, values }).allowed) return;
      granted += 1;
      expect(admitted(grant, scope, values)).toBe(true);
    }),
    { seed: SEED, numRuns: 10_000 },
  );
  expect(granted).toBeGreaterThan(100);
});
