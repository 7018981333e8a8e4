import { describe, expect, test, vi } from "vitest";
import { refusal, refusedCode, type Setting, wrap } from "../../test/wrapped-tool.ts";
import type { AgentKey } from "../agent-key.ts";
import { createAgentKeys } from "../agent-keys.ts";
import { currentKey } from "../context.ts";
import type { Grant } from "../grant.ts";
import { checkRequest } from "../request.ts";
import { type TestKeys, testKeys } from "../testing/index.ts";
import { guardTools } from "./guard.ts";

const acme: Grant = { scope: "a:*", where: { owner: "acme" } };

describe("a call that is allowed", () => {
  test("runs its body once under a key of its own, which closes with it, all of it on record", async () => {
    const { keys, body, call } = wrap();
    const key = call({ x: 1 });
    expect(body).toHaveBeenCalledOnce();
    expect(key?.scopes).toEqual(["a:b"]);
    expect(key?.closed).toBe(true);
    await expect(keys.verify(key?.token)).rejects.toMatchObject({ code: "key_closed" });
    const tool = { name: "tool", framework: "test", callId: "call-1" };
    expect(keys.events).toMatchObject([
      { type: "key.minted", keyId: key?.id, tool, scopes: ["a:b"] },
      { type: "key.closed", keyId: key?.id, tool, outcome: "ok" },
    ]);
  });

  test("is one of several at a time, each with its own key", async () => {
    const keys = testKeys();
    const tool = { name: "tool", framework: "test", scope: "a:b", parameters: undefined };
    const [guard] = guardTools([tool], { keys });
    const ids = await Promise.all(
      Array.from({ length: 20 }, () =>
        guard!({
          input: {},
          call: {},
          callId: undefined,
          body: async () => {
            const before = currentKey()?.id;
            await Promise.resolve();
            expect(currentKey()?.id).toBe(before);
            return before;
          },
        }),
      ),
    );
    expect(new Set(ids).size).toBe(20);
    expect(keys.events).toHaveLength(40);
  });

  test("puts a keyed digest of its input on record, never the input", () => {
    const { keys, call } = wrap();
    call({ text: "canary-input" });
    call({ text: "canary-input" });
    call({ text: "other" });
    const digests = keys.events.flatMap((event) =>
      event.type === "key.minted" ? [event.argsDigest] : [],
    );
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
    expect(JSON.stringify(keys.events)).not.toContain("canary-input");
  });

  test("inside another one is minted under policy like any other, with its parent's id", () => {
    const keys = testKeys();
    const inner = wrap({ keys, scope: "c:d" });
    const outer = wrap({ keys });
    const seen: { inner?: AgentKey | undefined; outer?: AgentKey | undefined } = {};
    outer.body.mockImplementation(() => {
      seen.inner = inner.call();
      seen.outer = currentKey();
      return seen.outer;
    });
    outer.call();
    expect(seen.outer?.scopes).toEqual(["a:b"]);
    expect(seen.inner).toMatchObject({ scopes: ["c:d"], parentId: seen.outer?.id });
  });

  test("takes its life from its grant, else from the options, else from the default", () => {
    const seconds = (key: AgentKey | undefined, keys: TestKeys): number =>
      ((key?.expiresAt.getTime() ?? 0) - keys.clock.now()) / 1000;
    const options = { expiresIn: 60 };
    const [own, given, none] = [
      wrap({ scope: { scope: "a:b", expiresIn: 5 }, options }),
      wrap({ options }),
      wrap(),
    ];
    expect(seconds(own.call(), own.keys)).toBe(5);
    expect(seconds(given.call(), given.keys)).toBe(60);
    expect(seconds(none.call(), none.keys)).toBe(10);
  });
});

describe("a constraint is enforced on the arguments, before the body runs", () => {
  const known = ["owner", "repo"];
  const optional: Grant = { scope: "a:*", where: { owner: { in: ["acme"], optional: true } } };
  const byName = { allow: [acme] };
  const mapped = { allow: [acme], options: { args: { owner: "repoOwner" } } };
  const broker = { unbound: "audience", audience: "urn:broker" } as const;

  test.each<[string, Setting, unknown]>([
    ["policy's, by the same name", byName, { owner: "acme" }],
    ["policy's, on every element", byName, { owner: ["acme", "acme"] }],
    ["policy's, by the mapping", mapped, { repoOwner: "acme" }],
    [
      "policy's, by the mapping and not by its own name",
      mapped,
      { repoOwner: "acme", owner: "evil" },
    ],
    [
      "policy's, on a text",
      { allow: [{ scope: "a:*", where: { input: { prefix: "a" } } }] },
      "abc",
    ],
    [
      "a static scope's own",
      { scope: { scope: "a:b", where: { owner: "acme" } } },
      { owner: "acme" },
    ],
    ["an optional one that is absent", { allow: [optional] }, {}],
    ["a closed set that is met", { allow: [{ ...acme, only: true }] }, { owner: "acme" }],
    ["one that no argument carries, left to the audience", { allow: [acme], issuer: broker }, {}],
    [
      "one of several rules",
      { allow: [acme, { scope: "a:*", where: { owner: "beta" } }] },
      { owner: "beta" },
    ],
  ])("allowed: %s", (_, setting, input) => {
    const { body, call } = wrap(setting);
    expect(call(input)?.scopes).toEqual(["a:b"]);
    expect(body).toHaveBeenCalledOnce();
  });

  const constrainingPolicy = (where: Grant["where"]): Setting => ({
    allow: [{ scope: "a:*", where }],
  });

  test.each<[string, Setting, unknown, string]>([
    ["policy's, by the same name", byName, { owner: "evil" }, "constraint_failed"],
    ["policy's, on one element", byName, { owner: ["acme", "evil"] }, "constraint_failed"],
    ["policy's, on an empty array", byName, { owner: [] }, "constraint_failed"],
    ["policy's, on null", byName, { owner: null }, "constraint_failed"],
    [
      "policy's, on another type",
      constrainingPolicy({ owner: 1 }),
      { owner: "1" },
      "constraint_failed",
    ],
    ["policy's, by the mapping", mapped, { repoOwner: "evil", owner: "acme" }, "constraint_failed"],
    [
      "a static scope's own",
      { scope: { scope: "a:b", where: { owner: "acme" } } },
      { owner: "evil" },
      "constraint_failed",
    ],
    [
      "a known parameter that is missing",
      { ...byName, parameters: known },
      {},
      "constraint_failed",
    ],
    [
      "a known parameter by the mapping that is missing",
      { ...mapped, parameters: ["repoOwner"] },
      {},
      "constraint_failed",
    ],
    [
      "a known parameter that is missing, with an audience",
      { ...byName, parameters: known, issuer: broker },
      {},
      "constraint_failed",
    ],
    [
      "an optional one that is present",
      { allow: [optional] },
      { owner: "evil" },
      "constraint_failed",
    ],
    [
      "an optional one under the name that the mapping passes over",
      { ...mapped, allow: [optional] },
      { owner: "evil" },
      "constraint_unbound",
    ],
    [
      "a closed set",
      { allow: [{ ...acme, only: true }] },
      { owner: "acme", x: 1 },
      "constraint_failed",
    ],
    [
      "a closed set that allows nothing",
      { allow: [{ scope: "a:*", only: true }] },
      { x: 1 },
      "constraint_failed",
    ],
    ["one that no argument carries", byName, { x: 1 }, "constraint_unbound"],
    [
      "one that no argument carries, whatever the other rules say",
      { allow: [acme, { scope: "a:b", where: { x: 2 } }] },
      { x: 1 },
      "constraint_unbound",
    ],
    [
      "one that only a prototype carries",
      constrainingPolicy({ constructor: { any: true } } as unknown as Grant["where"]),
      {},
      "constraint_unbound",
    ],
    [
      "one that a wrong value carries, with an audience",
      { allow: [acme], issuer: broker },
      { owner: "evil" },
      "constraint_failed",
    ],
  ])("refused: %s", (_, setting, input, code) => {
    expect(refusedCode(wrap(setting), input)).toBe(code);
  });

  test("the key carries only the grants that allow the call", () => {
    const rules = ["acme", "beta", "acme-2"].map((owner) => ({ scope: "a:*", where: { owner } }));
    const key = wrap({ allow: rules }).call({ owner: "beta" });
    expect(key?.grants).toEqual([{ scope: "a:b", where: { owner: "beta" } }]);
  });

  test("what is left to the audience is in the key, for the audience to check", () => {
    const key = wrap({ allow: [acme], issuer: broker }).call({});
    const grants = key?.grants ?? [];
    expect(checkRequest(grants, { scope: "a:b", values: { owner: "evil" } }).allowed).toBe(false);
    expect(checkRequest(grants, { scope: "a:b", values: {} }).allowed).toBe(false);
    expect(checkRequest(grants, { scope: "a:b", values: { owner: "acme" } }).allowed).toBe(true);
  });
});

describe("whatever else refuses a mint, the body never runs", () => {
  test("policy", () => {
    const error = refusal(wrap({ allow: [{ scope: "z:*" }] }));
    expect(error.code).toBe("policy_denied");
    expect(error.message).toBe("Policy does not allow this call (a:b).");
  });

  test("more constrained names than a key may carry", () => {
    const names = (prefix: string): Grant["where"] =>
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${prefix}${index}`, 1]));
    const scope = (): Grant => ({ scope: "a:b", where: names("own") });
    const input = { ...names("own"), ...names("rule") };
    const rule = { scope: "a:*", where: names("rule") };
    expect(refusedCode(wrap({ scope, allow: [rule] }), input)).toBe("scope_invalid");
    expect(wrap({ scope, allow: [{ scope: "a:*" }] }).call(input)?.scopes).toEqual(["a:b"]);
  });

  test("a standing revocation", async () => {
    const wrapped = wrap();
    await wrapped.keys.revoke({ scope: "a:*" });
    expect(() => wrapped.call()).toThrow(expect.objectContaining({ code: "key_revoked" }));
    expect(wrapped.body).not.toHaveBeenCalled();
    expect(wrapped.keys.events).toMatchObject([
      { type: "key.revoked" },
      { type: "key.denied", code: "key_revoked" },
    ]);
  });

  test("an audit that cannot be written", () => {
    const audit = (): never => {
      throw new Error("disk full");
    };
    const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit });
    const body = vi.fn<() => void>();
    const [guard] = guardTools(
      [{ name: "t", framework: "test", scope: "a:b", parameters: undefined }],
      { keys },
    );
    const run = (): void => guard!({ input: {}, call: {}, callId: undefined, body });
    expect(run).toThrow(expect.objectContaining({ code: "audit_unavailable", retryable: true }));
    expect(body).not.toHaveBeenCalled();
  });
});

describe("wrong options are a TypeError when tools are wrapped", () => {
  const options = (wrong: object): Setting => ({
    options: wrong,
  });
  const kinds = "must be service:segment(.segment)*, without a wildcard";

  test.each<[string, Setting, string]>([
    ["keys of another kind", options({ keys: {} }), "keys: must come from createAgentKeys()"],
    ["no keys", options({ keys: undefined }), "keys: must come from createAgentKeys()"],
    [
      "a life that is none",
      options({ expiresIn: "1h" }),
      'expiresIn: must be seconds, "30s" or "5m", at most 15 minutes',
    ],
    [
      "a context that is no function",
      options({ context: { user: "ann" } }),
      "context: must be a function (input, call) => ({ user, txn })",
    ],
    [
      "args that map to no name",
      options({ args: { owner: 1 } }),
      "args.owner: must be an argument's name",
    ],
    [
      "args as a list",
      options({ args: ["owner"] }),
      "args: must map a constraint's name to an argument's",
    ],
    [
      "args as a text",
      options({ args: "owner" }),
      "args: must map a constraint's name to an argument's",
    ],
    [
      "args of null",
      options({ args: null }),
      "args: must map a constraint's name to an argument's",
    ],
    [
      "a misspelt argument",
      { parameters: ["repoOwner"], ...options({ args: { owner: "repoOnwer" } }) },
      'args.owner: no wrapped tool has an argument "repoOnwer"',
    ],
    ["a scope that is none", { scope: "read" }, `scopes.tool: grants[0].scope: ${kinds}`],
    ["a wildcard", { scope: ["a:b", "a:*"] }, `scopes.tool: grants[1].scope: ${kinds}`],
    [
      "a missing scope",
      { scope: null as unknown as string },
      'scopes.tool: grants[0]: must be a grant, such as { scope: "github:repos.read" }',
    ],
    [
      "a grant with an unknown member",
      { scope: { scope: "a:b", use: 1 } as Grant },
      'scopes.tool: grants[0]: Unrecognized key: "use"',
    ],
    [
      "a rule that the tool cannot meet",
      { parameters: ["x"], allow: [acme] },
      'policy: the rule for a:* constrains "owner", which no tool it applies to has an argument for (tool); correct the name, or map it with args',
    ],
  ])("%s", (_, setting, message) => {
    expect(() => wrap(setting)).toThrow(new TypeError(message));
  });

  test("a tool's name that nobody bounds", () => {
    for (const name of ["", "n".repeat(257), "\ud800"]) {
      const tool = { name, framework: "test", scope: "a:b", parameters: undefined };
      expect(() => guardTools([tool], { keys: testKeys() })).toThrow(
        /^tool ".*": a name is 1 to 256 characters$/,
      );
    }
  });
});
