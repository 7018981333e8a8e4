import { AgentKey } from "./agent-key.ts";
import { describe, expect, test } from "vitest";
import { type AgentKeysOptions } from "./options.ts";
import { auditEvent } from "./audit/event.ts";
import { AgentKeyError } from "./errors.ts";
import { internalsOf } from "./internals.ts";
import type { GrantInput, MintCall } from "./mint.ts";
import { testKeys } from "./testing/index.ts";

function refused(mint: () => unknown): AgentKeyError {
  try {
    mint();
  } catch (error) {
    if (error instanceof AgentKeyError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Mints as a wrapper does, with what only a wrapper says. */
function mintCall(
  options: Partial<AgentKeysOptions>,
  call: Partial<MintCall>,
  asked: GrantInput = "a:b",
) {
  const keys = testKeys(options);
  const mint = () => internalsOf(keys).mint(() => asked, call);
  return { keys, mint };
}

describe("a grant that is not valid is refused:", () => {
  const names = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`n${i}`, 1]));
  const wrong: readonly (readonly [string, unknown])[] = [
    ["a wildcard", "tickets:*"],
    ["a wildcard in a grant", { scope: "tickets:*" }],
    ["no scope at all", "tickets"],
    ["an empty text", ""],
    ["an empty list", []],
    ["nothing", undefined],
    ["null in a list", [null]],
    ["a number", 7],
    ["51 grants", Array.from({ length: 51 }, () => "a:b")],
    ["a megabyte of scope", `a:${"b".repeat(1e6)}`],
    ["a misspelt limit", { scope: "a:b", use: 1 }],
    ["no use", { scope: "a:b", uses: 0 }],
    ["half a use", { scope: "a:b", uses: 0.5 }],
    ["a life over the cap", { scope: "a:b", expiresIn: "16m" }],
    ["an endless life", { scope: "a:b", expiresIn: Infinity }],
    ["a life that is over", { scope: "a:b", expiresIn: 0 }],
    ["too many names", { scope: "a:b", where: names }],
    ["__proto__ as a name", { scope: "a:b", where: JSON.parse('{"__proto__":1}') as object }],
    ["an operator that does not exist", { scope: "a:b", where: { id: { regex: ".*" } } }],
  ];
  test.each(wrong)("%s", (_, asked) => {
    const keys = testKeys();
    const started = performance.now();
    expect(refused(() => keys.mint(asked as GrantInput)).code).toBe("scope_invalid");
    expect(performance.now() - started).toBeLessThan(500);
    expect(keys.events).toMatchObject([{ type: "key.denied", code: "scope_invalid" }]);
    expect(JSON.stringify(keys.events).length).toBeLessThan(1000);
  });

  test("grants that do not fit into a token, and the record of it stays small", () => {
    const keys = testKeys();
    const values = Array.from({ length: 200 }, (_, i) => String(i).padStart(1000, "x"));
    const asked = { scope: "a:b", where: { one: { in: values } } };
    expect(refused(() => keys.mint(asked)).code).toBe("scope_invalid");
    expect(keys.events).toMatchObject([{ type: "key.denied", scopes: ["a:b"] }]);
    expect((keys.events[0] as { grants?: unknown }).grants).toEqual([{ scope: "a:b" }]);
  });
});

test("an expiresIn that is no duration is a TypeError, and nothing is minted", async () => {
  const keys = testKeys();
  for (const expiresIn of ["16m", "1h", 901, 0, -1, Number.NaN, "10"]) {
    const context = { expiresIn: expiresIn as number };
    expect(() => keys.mint("a:b", context)).toThrow(/^expiresIn: must be seconds/);
    await expect(keys.withAgentKey("a:b", () => 1, context)).rejects.toThrow(/^expiresIn: /);
  }
  expect(keys.events).toEqual([]);
});

describe("a key's life", () => {
  const lives: readonly (readonly [string, GrantInput, number | undefined, number])[] = [
    ["is 10 s when nothing says otherwise", "a:b", undefined, 10],
    ["is the call's", "a:b", 30, 30],
    ["is the grant's before the call's", { scope: "a:b", expiresIn: 5 }, 30, 5],
    [
      "is the shortest of several",
      [
        { scope: "a:b", expiresIn: 50 },
        { scope: "a:c", expiresIn: 20 },
      ],
      undefined,
      20,
    ],
    ["is at most policy's", { scope: "p:x", expiresIn: 50 }, undefined, 15],
  ];
  test.each(lives)("%s", (_, asked, expiresIn, seconds) => {
    const allow = [{ scope: "a:*" }, { scope: "p:*", expiresIn: "15s" as const }];
    const keys = testKeys({ policy: { "test-agent": { allow } } });
    const key = keys.mint(asked, { expiresIn });
    expect(key.expiresAt.getTime() - keys.clock.now()).toBe(seconds * 1000);
  });
});

describe("what is minted", () => {
  const policy = {
    "test-agent": {
      allow: [
        { scope: "github:repos.*", where: { owner: "acme" }, uses: 5 },
        { scope: "tickets:reply", uses: 1 },
      ],
      deny: ["github:repos.delete"],
    },
  };

  test("is the meet of what was asked with policy, in token, handle and record", async () => {
    const keys = testKeys({ policy });
    const key = keys.mint({ scope: "github:repos.read", where: { repo: "site" }, uses: 9 });
    const grants = [
      { scope: "github:repos.read", where: { repo: "site", owner: "acme" }, uses: 5 },
    ];
    expect(key.grants).toEqual(grants);
    expect((await keys.verify(key.token)).grants).toEqual(grants);
    expect(keys.events[0]).toMatchObject({
      type: "key.minted",
      keyId: key.id,
      kid: keys.jwks().keys[0]?.kid,
      scopes: ["github:repos.read"],
      grants: [{ ...grants[0], expiresIn: 10 }],
      expiresAt: key.expiresAt.toISOString(),
    });
  });

  test.each([["github:repos.delete"], ["github:issues.read"], ["__proto__:constructor"]])(
    "is nothing where policy denies or is silent: %s",
    (scope) => {
      const keys = testKeys({ policy });
      const error = refused(() => keys.mint(scope));
      const code = scope.startsWith("_") ? "scope_invalid" : "policy_denied";
      expect(error.code).toBe(code);
      expect(keys.events).toMatchObject([{ type: "key.denied", code }]);
    },
  );

  test.each([["__proto__"], ["constructor"], ["toString"], ["test-agent2"]])(
    "is nothing for the agent %s, which has no policy",
    (agent) => {
      const keys = testKeys({ policy });
      expect(refused(() => keys.for({ agent }).mint("tickets:reply")).code).toBe("policy_denied");
    },
  );

  test("all of what was asked or nothing", () => {
    const keys = testKeys({ policy });
    const error = refused(() => keys.mint(["tickets:reply", "github:repos.delete"]));
    expect(error.message).toBe("Policy does not allow this call (github:repos.delete).");
  });
});

describe("who and for whom is bounded before it is on record:", () => {
  const long = "u".repeat(257);
  test.each([
    ["an empty user", { user: "" }],
    ["a long user", { user: long }],
    ["half a character", { user: "\ud800" }],
    ["a user that is no text", { user: 7 as never }],
    ["a long run", { txn: long }],
  ])("%s", (_, context) => {
    const keys = testKeys();
    expect(refused(() => keys.mint("a:b", context)).code).toBe("input_invalid");
    expect(keys.events).toHaveLength(1);
    expect(auditEvent.safeParse(keys.events[0]).success).toBe(true);
  });

  test("a user who is the agent, since a token could not tell them apart", () => {
    const keys = testKeys();
    expect(refused(() => keys.mint("a:b", { user: "test-agent" })).code).toBe("input_invalid");
    const error = refused(() => keys.for({ agent: "ada" }).mint("a:b", { user: "ada" }));
    expect(error.code).toBe("input_invalid");
  });

  test.each([
    ["a tool's name", { name: "t".repeat(3000), framework: "ai-sdk" }],
    ["an empty name", { name: "", framework: "ai-sdk" }],
    ["a call's id", { name: "t", callId: "c".repeat(3000), framework: "ai-sdk" }],
    ["an empty id", { name: "t", callId: "", framework: "ai-sdk" }],
  ])("%s that is empty or too long", (_, tool) => {
    const { keys, mint } = mintCall({}, { tool });
    expect(refused(mint).code).toBe("input_invalid");
    expect(auditEvent.safeParse(keys.events[0]).success).toBe(true);
  });

  test("a tool may be called __proto__", () => {
    const { keys, mint } = mintCall(
      {},
      { tool: { name: "__proto__", callId: "c1", framework: "ai-sdk" } },
    );
    mint();
    expect(keys.events[0]).toMatchObject({ tool: { name: "__proto__", callId: "c1" } });
  });
});

describe("the input of a call", () => {
  const auditKey = Buffer.alloc(32, 1);
  const digestOf = (value: unknown, key = auditKey) => {
    const { keys, mint } = mintCall({ auditKey: key }, { input: { value } });
    mint();
    return (keys.events[0] as { argsDigest?: string }).argsDigest;
  };

  test("is on record as a digest that the order of its members does not change", () => {
    expect(digestOf({ a: 1, b: [2] })).toBe(digestOf({ b: [2], a: 1 }));
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: 2 }));
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: 1 }, Buffer.alloc(32, 2)));
    expect(digestOf({ a: 1 })).toMatch(/^[\w-]{43}$/);
  });

  test("is in the token by the same digest where its run is known, and nowhere else", () => {
    const options = { auditKey };
    const input = { value: { a: 1 } };
    const minted = (call: Parameters<typeof mintCall>[1]) =>
      AgentKey.signedBy(mintCall(options, call).mint()).claims.args;
    expect(minted({ input, run: { txn: "run-1" } })).toBe(digestOf({ a: 1 }));
    const tool = (name: string) => ({ name, framework: "test" });
    const [send, reply] = ["send", "reply"].map((name) =>
      minted({ input, run: { txn: "run-1" }, tool: tool(name) }),
    );
    expect(new Set([send, reply, digestOf({ a: 1 })]).size).toBe(3);
    expect(minted({ input })).toBeUndefined();
    expect(minted({ run: { txn: "run-1" } })).toBeUndefined();
  });

  test("that is too deep, a cycle, or throws is refused without a word of it", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const throwing = {
      toJSON(): never {
        throw new Error("secret-argument");
      },
    };
    const deep: unknown = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    for (const value of [cycle, throwing, deep]) {
      const { keys, mint } = mintCall({}, { input: { value } });
      const error = refused(mint);
      expect(error.code).toBe("input_invalid");
      expect(String((error.cause as Error).stack)).not.toContain("secret-argument");
      expect(keys.events).toMatchObject([{ type: "key.denied", code: "input_invalid" }]);
    }
  });
});

test("a constraint that redact names is digested on the record, and nowhere else", async () => {
  const keys = testKeys({ redact: ["owner"], auditKey: Buffer.alloc(32, 1) });
  const key = keys.mint({ scope: "a:b", where: { owner: "acme-secret", repo: "site" } });
  const { grants } = await keys.verify(key.token);
  expect(grants[0]?.where).toEqual({ owner: "acme-secret", repo: "site" });
  key.close();
  expect(JSON.stringify(keys.events)).not.toContain("acme-secret");
  const [minted, closed] = keys.events as unknown as { grants: { where: object }[] }[];
  expect(minted?.grants[0]?.where).toEqual({
    owner: { redacted: expect.stringMatching(/^[\w-]{43}$/) as string },
    repo: "site",
  });
  expect(closed?.grants).toEqual(minted?.grants);
  for (const event of keys.events) expect(auditEvent.safeParse(event).success).toBe(true);
});

describe("a revocation that stands", () => {
  const selectors = [
    { agent: "test-agent" },
    { user: "ada" },
    { txn: "run-1" },
    { scope: "tickets:*" },
    { issuer: "urn:desk" },
    { all: true },
  ] as const;
  test.each(selectors)("%j denies new keys, until it is restored", async (selector) => {
    const keys = testKeys({ issuer: "urn:desk" });
    const mint = () => keys.mint("tickets:read", { user: "ada", txn: "run-1" });
    await keys.revoke(selector);
    expect(refused(mint).code).toBe("key_revoked");
    expect(keys.events.at(-1)).toMatchObject({ type: "key.denied", code: "key_revoked" });
    expect(await keys.restore(selector)).toBe(true);
    expect(mint().scopes).toEqual(["tickets:read"]);
  });

  test("of a signing key denies new ones until another signs", async () => {
    const keys = testKeys();
    const [{ kid }] = keys.jwks().keys as unknown as [{ kid: string }];
    await keys.revoke({ kid });
    expect(refused(() => keys.mint("a:b")).code).toBe("key_revoked");
    keys.rotate();
    expect(() => keys.mint("a:b")).not.toThrow();
  });
});

test("a store out of reach mints nothing", () => {
  const keys = testKeys({
    store: {
      uses: { reserve: async () => "unknown", peek: async () => "unknown" },
      keys: {
        close: () => undefined,
        revoke: () => undefined,
        restore: () => 0,
        revocations: () => [],
        stateOf: () => {
          throw new Error("ECONNREFUSED");
        },
      },
    },
  });
  expect(refused(() => keys.mint("a:b"))).toMatchObject({
    code: "store_unavailable",
    retryable: true,
  });
  expect(keys.events).toMatchObject([{ type: "key.denied", code: "store_unavailable" }]);
});
