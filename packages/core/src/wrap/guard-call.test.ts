import { describe, expect, test, vi } from "vitest";
import { type Call, refusal, refusedCode, type Setting, wrap } from "../../test/wrapped-tool.ts";
import { currentKey } from "../context.ts";
import { AgentKeyError } from "../errors.ts";
import type { Grant } from "../grant.ts";
import { testKeys } from "../testing/index.ts";
import { guardTools } from "./guard.ts";

const rejecting = async (): Promise<never> => {
  throw new Error("nobody listens");
};

const acme: Grant = { scope: "a:*", where: { owner: "acme" } };

describe("a scope function", () => {
  const echo: Setting["scope"] = ({ owner }: { owner: string }) => ({
    scope: "a:b",
    where: { owner },
  });

  test("gets the input and the framework's argument", () => {
    const scope = vi.fn<() => string>(() => "a:b");
    const [input, call] = [{ x: 1 }, { session: "s" }];
    wrap({ scope }).call(input, call);
    expect(scope).toHaveBeenCalledExactlyOnceWith(input, call);
  });

  test("is not compared with the arguments in what it stated itself", () => {
    const scope = (): Grant => ({ scope: "a:b", where: { owner: "acme" } });
    expect(wrap({ scope }).call({ owner: "someone" })?.grants).toEqual([scope()]);
    expect(wrap({ scope, parameters: ["x"] }).call({ x: 1 })?.grants).toEqual([scope()]);
  });

  test("that echoes the model's arguments is still met with policy", () => {
    expect(wrap({ scope: echo, allow: [acme] }).call({ owner: "acme" })?.grants).toEqual([
      { scope: "a:b", where: { owner: "acme" } },
    ]);
    expect(refusedCode(wrap({ scope: echo, allow: [acme] }), { owner: "evil" })).toBe(
      "policy_denied",
    );
    expect(
      refusedCode(wrap({ scope: echo, allow: [acme] }), { owner: { any: true, in: [] } }),
    ).toBe("scope_invalid");
  });

  test("what policy adds to what it stated is compared", () => {
    const scope = (): Grant => ({ scope: "a:b", where: { repo: "x" } });
    expect(refusedCode(wrap({ scope, allow: [acme] }), { owner: "evil" })).toBe(
      "constraint_failed",
    );
    expect(refusedCode(wrap({ scope, allow: [acme] }), {})).toBe("constraint_unbound");
    expect(wrap({ scope, allow: [acme] }).call({ owner: "acme", repo: "y" })).toBeDefined();
  });

  test("of several grants of one scope, only what all of them state is not compared", () => {
    const both = (): Grant[] => [
      { scope: "a:b", where: { owner: "acme", repo: "x" } },
      { scope: "a:b", where: { owner: "beta" }, uses: 1 },
    ];
    const { call } = wrap({ scope: both });
    expect(call({ owner: "evil", repo: "y" })?.grants).toEqual([
      { scope: "a:b", where: { owner: "beta" }, uses: 1 },
    ]);
    expect(call({ owner: "evil", repo: "x" })?.grants).toHaveLength(2);
    const plain = (): (Grant | string)[] => ["a:b", { ...acme, scope: "a:b", uses: 1 }];
    expect(refusedCode(wrap({ scope: plain, allow: [acme] }), { owner: "evil" })).toBe(
      "constraint_failed",
    );
  });

  test("states nothing about another scope's grants", () => {
    const scope = (): (Grant | string)[] => [{ scope: "a:b", where: { owner: "acme" } }, "a:c"];
    const { call } = wrap({ scope, allow: [acme] });
    expect(call({ owner: "evil" })?.scopes).toEqual(["a:b"]);
  });

  test("that closes the set is held to it", () => {
    const scope = (): Grant => ({ scope: "a:b", where: { owner: "acme" }, only: true });
    expect(refusedCode(wrap({ scope }), { owner: "acme", x: 1 })).toBe("constraint_failed");
  });

  const wrongScope = (value: unknown): Setting => ({ scope: () => value as string });
  const throwing = (error: unknown): Setting => ({
    scope: () => {
      throw error as Error;
    },
  });

  test.each<[string, Setting, string]>([
    ["throws", throwing(new Error("canary-cause")), "scope_invalid"],
    ["throws what is no error", throwing("canary-cause"), "scope_invalid"],
    [
      "throws a refusal of its own",
      throwing(new AgentKeyError("approval_required")),
      "approval_required",
    ],
    ["returns undefined", wrongScope(undefined), "scope_invalid"],
    ["returns null", wrongScope(null), "scope_invalid"],
    ["returns true", wrongScope(true), "scope_invalid"],
    ["returns an empty text", wrongScope(""), "scope_invalid"],
    ["returns an empty list", wrongScope([]), "scope_invalid"],
    ["returns a list with false in it", wrongScope(["a:b", false]), "scope_invalid"],
    ["returns a wildcard", wrongScope("a:*"), "scope_invalid"],
    [
      "returns a wildcard grant beside a good one",
      wrongScope(["a:b", { scope: "a:*" }]),
      "scope_invalid",
    ],
    ["returns a megabyte", wrongScope("a:".padEnd(1_000_000, "b")), "scope_invalid"],
    ["returns an unknown member", wrongScope({ scope: "a:b", were: {} }), "scope_invalid"],
    [
      "returns an absent constraint",
      wrongScope({ scope: "a:b", where: { owner: undefined } }),
      "scope_invalid",
    ],
    ["returns a name of the prototype", wrongScope("__proto__"), "scope_invalid"],
    [
      "returns more grants than a key carries",
      wrongScope(Array.from({ length: 51 }, () => "a:b")),
      "scope_invalid",
    ],
    ["returns a promise", wrongScope(Promise.resolve("a:b")), "scope_invalid"],
    ["returns a promise of false", wrongScope(Promise.resolve(false)), "scope_invalid"],
    ["returns a promise that rejects", { scope: rejecting as never }, "scope_invalid"],
    [
      "returns what cannot be read",
      wrongScope({
        get scope() {
          throw new Error("canary-cause");
        },
      }),
      "scope_invalid",
    ],
  ])("that %s refuses the call", async (_, setting, code) => {
    const error = refusal(wrap(setting));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("canary-cause");
    // A rejection that nobody answered would fail the run here.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  });
});

describe("false", () => {
  test.each<[string, Setting]>([
    ["stated", { scope: false }],
    ["decided at the call", { scope: () => false }],
  ])("%s, runs the body without a key, and mints none", (_, setting) => {
    const { keys, body, call } = wrap(setting);
    expect(call()).toBeUndefined();
    expect(body).toHaveBeenCalledOnce();
    expect(keys.events).toEqual([]);
  });

  test("hides the key of the call around it, from a generator's steps too", async () => {
    const keys = testKeys();
    const [outer, inner] = guardTools<Call>(
      [
        { name: "outer", framework: "test", scope: "a:b", parameters: undefined },
        { name: "inner", framework: "test", scope: false, parameters: undefined },
      ],
      { keys },
    );
    const seen: unknown[] = [];
    const body = async function* (): AsyncGenerator<number> {
      seen.push(currentKey());
      yield 1;
      seen.push(currentKey());
    };
    const execution = { input: {}, call: {}, callId: undefined };
    await outer!({
      ...execution,
      body: async () => {
        seen.push(currentKey()?.scopes);
        for await (const step of inner!({ ...execution, body })) seen.push(step);
      },
    });
    expect(seen).toEqual([["a:b"], undefined, 1, undefined]);
  });

  test("is no gap in the record: what is called further in knows the key further out", () => {
    const keys = testKeys();
    const [outer, between, inner] = [wrap({ keys }), wrap({ keys, scope: false }), wrap({ keys })];
    between.body.mockImplementation(() => inner.call());
    outer.body.mockImplementation(() => between.call());
    expect(outer.call()?.parentId).toBe(
      keys.events.flatMap((event) => (event.type === "key.minted" ? [event.keyId] : []))[0],
    );
  });

  test("refuses all the same when the context is wrong", () => {
    const context = (): never => {
      throw new Error("no session");
    };
    expect(refusedCode(wrap({ scope: false, options: { context } }))).toBe("input_invalid");
  });
});

describe("a context function", () => {
  const wrongContext = (value: unknown): Setting => ({
    options: { context: () => value as object },
  });

  test("says whom the call is for", () => {
    const context = vi.fn<(input: unknown, call: Call) => object>((_, call) => ({
      user: call.session,
      txn: "run",
    }));
    const { keys, call } = wrap({ options: { context } });
    expect(call({ x: 1 }, { session: "ann" })).toMatchObject({ user: "ann", txn: "run" });
    expect(context).toHaveBeenCalledExactlyOnceWith({ x: 1 }, { session: "ann" });
    expect(keys.events[0]).toMatchObject({ user: "ann", txn: "run" });
    expect(wrap(wrongContext(undefined)).call()).toMatchObject({ user: undefined, txn: undefined });
  });

  test.each<[string, Setting]>([
    [
      "throws",
      {
        options: {
          context: () => {
            throw new Error("canary-cause");
          },
        },
      },
    ],
    ["returns a promise", wrongContext(Promise.resolve({ user: "ann" }))],
    ["returns a promise that rejects", { options: { context: rejecting as never } }],
    ["returns null", wrongContext(null)],
    ["returns a text", wrongContext("ann")],
    ["returns a user that is no text", wrongContext({ user: 7 })],
    ["returns a user of null", wrongContext({ user: null })],
    ["returns an empty user", wrongContext({ user: "" })],
    ["returns a txn of null", wrongContext({ txn: null })],
    ["returns a user of any length", wrongContext({ user: "u".repeat(1_000_000) })],
    ["returns a txn that is not well-formed", wrongContext({ txn: "\ud800" })],
  ])("that %s refuses the call", async (_, setting) => {
    const error = refusal(wrap(setting));
    expect(error.code).toBe("input_invalid");
    expect(error.message).not.toContain("canary-cause");
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  });
});

describe("an input", () => {
  const nested = (depth: number): unknown => {
    let value: unknown = "leaf";
    for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value };
    return { value };
  };
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = { list: [cyclic] };

  test.each<[string, unknown]>([
    ["deep", nested(199)],
    ["a megabyte of text", { text: "x".repeat(1_000_000) }],
    [
      "a megabyte of members",
      Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`member-${i}`, i])),
    ],
    ["a bigint", { id: 2n ** 70n }],
    [
      "what JSON cannot say",
      {
        f: () => 1,
        s: Symbol("s"),
        u: undefined,
        n: Number.NaN,
        m: new Map(),
        d: new Date(Number.NaN),
      },
    ],
    ["lone surrogates", { "\ud800": "\udc00" }],
    ["nothing", undefined],
    ["a sparse array", [undefined, 1]],
  ])("that is %s is put on record", (_, input) => {
    const { body, call } = wrap();
    expect(call(input)?.scopes).toEqual(["a:b"]);
    expect(body).toHaveBeenCalledOnce();
  });

  test.each<[string, unknown]>([
    ["too deep", nested(200)],
    ["very much too deep", nested(100_000)],
    ["cyclic", cyclic],
    [
      "throwing in a getter",
      {
        get secret(): never {
          throw new Error("canary-input");
        },
      },
    ],
    [
      "throwing in toJSON",
      {
        toJSON: () => {
          throw new Error("canary-input");
        },
      },
    ],
  ])("that is %s refuses the call", (_, input) => {
    const startedMs = performance.now();
    const error = refusal(wrap(), input);
    expect(error.code).toBe("input_invalid");
    expect(error.message).not.toContain("canary");
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test("of a hostile shape under a constraint refuses the call, and nothing else happens", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const inputs = [
      JSON.parse('{"__proto__":{"owner":"acme"}}'),
      Object.create(acme.where ?? null),
      [["owner", "acme"]],
      "owner",
      proxy,
    ];
    for (const input of inputs) {
      expect(["constraint_unbound", "input_invalid"]).toContain(
        refusedCode(wrap({ allow: [acme] }), input),
      );
    }
  });
});
