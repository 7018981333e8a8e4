import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { AgentKeyError, agentKeyErrorCodes } from "../errors.ts";
import { internalsOf } from "../internals.ts";
import { testKeys } from "../testing/index.ts";
import { startChain } from "./chain.ts";
import {
  type AuditEvent,
  auditEvent,
  auditEventJsonSchema,
  type AuditFact,
  outcomes,
} from "./event.ts";

// The formats stand beside patterns that say the same.
const ajv = new Ajv2020({ strict: true, validateFormats: false, allowUnionTypes: true });
const validate = ajv.compile(auditEventJsonSchema());

/** What both schemas say, and that they say the same. */
function valid(event: unknown): boolean {
  const byZod = auditEvent.safeParse(event).success;
  // As a reader in another language gets it: from the line.
  const byJsonSchema = validate(JSON.parse(JSON.stringify(event)));
  if (byZod !== byJsonSchema) throw new Error(`zod: ${byZod}, JSON Schema: ${byJsonSchema}`);
  return byZod;
}

function seal(fact: object): AuditEvent {
  return startChain()
    .seal(fact as AuditFact, { id: "p.1", time: "2026-01-01T00:00:00.000Z" })
    .event();
}

/** One of everything the library emits, by doing it. */
async function emitted(): Promise<readonly AuditEvent[]> {
  const policy = {
    "test-agent": { allow: [{ scope: "tickets:*" }] },
    helper: { allow: [{ scope: "tickets:read" }] },
  };
  const keys = testKeys({ policy, redact: ["owner"], issuer: "urn:desk" });
  const where = {
    owner: "acme",
    a: 7,
    b: true,
    c: { in: ["x", 1, false], optional: true as const },
    d: { min: 1, max: 2 },
    e: { prefix: "p", suffix: "s", maxLength: 9 },
    f: { any: true as const },
    constructor: 1,
  };
  const grant = { scope: "tickets:reply", where, only: true, uses: 3, expiresIn: "30s" as const };
  internalsOf(keys)
    .mint(() => grant, {
      run: { user: "ada", txn: "run-1" },
      tool: { name: "reply", callId: "call_1", framework: "ai-sdk" },
      input: { value: { owner: "acme" } },
    })
    .close("cancelled");
  const parent = keys.mint("tickets:read", { expiresIn: 1.5 });
  keys.for({ agent: "helper", parent }).mint("tickets:read").close("interrupted");
  for (const asked of [
    "github:repos.read",
    "tickets:*",
    [],
    { scope: "tickets:read", where: { x: {} } },
  ]) {
    expect(() => keys.mint(asked as string)).toThrow(AgentKeyError);
  }
  expect(() => keys.mint("tickets:read", { user: "u".repeat(9999) })).toThrow(AgentKeyError);
  await keys.revoke({ scope: "tickets:*" }, { reason: "r".repeat(1024) });
  await keys.restore({ scope: "tickets:*" });
  await keys.revoke({ all: true });
  keys.clock.advance(60);
  parent.close();
  return keys.events;
}

test("everything that is emitted is valid, by zod and by the exported JSON Schema", async () => {
  const events = await emitted();
  const types = new Set(events.map(({ type }) => type));
  expect(types).toEqual(
    new Set(["key.minted", "key.denied", "key.closed", "key.revoked", "key.restored"]),
  );
  expect(events.filter((event) => !valid(event))).toEqual([]);
  expect(JSON.stringify(events)).not.toContain("acme");
});

const KEY = { iss: "i", agent: "a", scopes: ["a:b"], grants: [{ scope: "a:b" }] };
const REQUEST = { ...KEY, keyId: "k", service: "github", method: "GET", route: "/repos/{owner}" };

describe("every type there is", () => {
  const facts: readonly object[] = [
    { type: "request.allowed", ...REQUEST },
    { type: "request.completed", ...REQUEST, status: 200, bytes: 12, durationMs: 1.5 },
    { type: "request.refused", code: "route_unknown", check: "route" },
    { type: "request.refused", code: "token_invalid", check: "token", count: 12 },
    { type: "request.refused", ...REQUEST, code: "constraint_failed", check: "values" },
    { type: "audit.opened", pid: 1 },
    { type: "audit.rotated", from: "audit.1.jsonl" },
    { type: "audit.repaired", atByte: 12 },
    { type: "approval.requested", ...KEY },
    { type: "approval.granted", ...KEY, by: "ops" },
    { type: "approval.refused", ...KEY, by: "ops" },
    ...outcomes.map((outcome) => ({
      type: "key.closed",
      ...KEY,
      keyId: "k",
      outcome,
      durationMs: 0,
    })),
    ...agentKeyErrorCodes.map((code) => ({ type: "key.denied", ...KEY, code })),
  ];
  test.each(facts)("%j is valid, and not with a stranger beside it", (fact) => {
    expect(valid(seal(fact))).toBe(true);
    expect(valid(seal({ ...fact, token: "x" }))).toBe(false);
  });
});

describe("what is not an event is refused by both schemas:", () => {
  const minted = {
    type: "key.minted",
    ...KEY,
    keyId: "k",
    kid: "k1",
    expiresAt: "2026-01-01T00:00:10.000Z",
  };
  const wrong: readonly (readonly [string, object])[] = [
    ["an unknown type", { ...minted, type: "key.lent" }],
    ["no type", { ...minted, type: undefined }],
    ["another version", { ...minted, v: 2 }],
    ["a negative seq", { ...minted, seq: -1 }],
    ["a time without milliseconds", { ...minted, time: "2026-01-01T00:00:00Z" }],
    ["a time of another zone", { ...minted, time: "2026-01-01T00:00:00.000+01:00" }],
    ["a day that is none", { ...minted, time: "2026-02-30T00:00:00.000Z" }],
    ["a hash that is none", { ...minted, prev: "0".repeat(63) }],
    ["a hash in capitals", { ...minted, prev: "A".repeat(64) }],
    ["no issuer", { ...minted, iss: undefined }],
    ["a text over 1,024 characters", { ...minted, agent: "a".repeat(1025) }],
    ["scopes as one text", { ...minted, scopes: "a:b" }],
    ["a grant with more members", { ...minted, grants: [{ scope: "a:b", token: "x" }] }],
    [
      "a constraint of no known kind",
      { ...minted, grants: [{ scope: "a:b", where: { x: { regex: "." } } }] },
    ],
    [
      "a constraint that is redacted and shown",
      { ...minted, grants: [{ scope: "a:b", where: { x: { redacted: "d", in: [1] } } }] },
    ],
    ["a tool without its framework", { ...minted, tool: { name: "t" } }],
    [
      "an outcome that is none",
      { type: "key.closed", ...KEY, keyId: "k", outcome: "done", durationMs: 1 },
    ],
    [
      "a negative duration",
      { type: "key.closed", ...KEY, keyId: "k", outcome: "ok", durationMs: -1 },
    ],
    ["a code that is none", { type: "key.denied", ...KEY, code: "denied" }],
    ["a count of none", { type: "request.refused", code: "no_key", check: "token", count: 0 }],
    [
      "two selectors",
      { type: "key.revoked", iss: "i", by: "ops", selector: { id: "a", user: "b" } },
    ],
  ];
  test.each(wrong)("%s", (_, fact) => {
    const event = { ...seal(minted), ...fact };
    expect(valid(event)).toBe(false);
  });

  test("and so is what is no object", () => {
    for (const event of [null, [], "x", 7]) expect(valid(event)).toBe(false);
    expect(valid({ ...seal(minted) })).toBe(true);
  });
});
