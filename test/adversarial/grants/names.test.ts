import { type Constraint, createAgentKeys, memorySink, type Policy } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import { wrappedTools } from "../wrapped.ts";

const scope = "files:read";

function underRule(rule: object) {
  const policy = { "test-agent": { allow: [{ scope, ...rule }] } } as Policy;
  return wrappedTools(testKeys({ policy }), scope);
}

/** An object as JSON gives it: `__proto__` is a member like any other. */
function json(text: string): object {
  return JSON.parse(text) as object;
}

interface Row {
  readonly rule: string;
  readonly constraint: Constraint;
  readonly allowed: readonly unknown[];
  readonly refused: readonly unknown[];
}

const looksAlike: readonly Row[] = [
  {
    rule: "a composed letter is not its parts, and no other case",
    constraint: "caf\u00e9",
    allowed: ["caf\u00e9"],
    refused: [
      "cafe\u0301",
      "cafe",
      "CAF\u00c9",
      "caf\u00e9\u200b",
      "caf\u00e9 ",
      "\ufeffcaf\u00e9",
    ],
  },
  {
    rule: "a Latin name is not its Cyrillic, fullwidth, or mirrored twin",
    constraint: "acme",
    allowed: ["acme"],
    refused: [
      "\u0430cme",
      "\uff41cme",
      "ACME",
      "a\u0441me",
      "\u202eemca",
      "ac\u00adme",
      "acme\u0000",
    ],
  },
  {
    rule: "letters that fold to others are not those",
    constraint: { in: ["k", "ss", "i", "ff"] },
    allowed: ["k", "ss", "i", "ff"],
    refused: ["\u212a", "\u00df", "\u0130", "\u0131", "\ufb00", "K", "SS", "I"],
  },
  {
    rule: "a prefix ends where its code points end",
    constraint: { prefix: "e" },
    allowed: ["e", "e\u0301", "e/..", "e\u0000"],
    refused: ["\u00e9", "E", " e", "\ufeffe", "\u200be"],
  },
  {
    rule: "a suffix begins where its code points begin",
    constraint: { suffix: "@acme.example" },
    allowed: ["bob@acme.example", "@acme.example"],
    refused: [
      "bob@acme.example.",
      "bob@acme.example\u0000",
      "bob@\u0430cme.example",
      "bob@acme.example\n",
    ],
  },
  {
    rule: "length is counted in code points, not in 16-bit units and not in glyphs",
    constraint: { maxLength: 2 },
    allowed: ["\u{1f600}\u{1f600}", "e\u0301", "ab", ""],
    refused: [
      "\u{1f469}\u200d\u{1f680}",
      "abc",
      "\u{1f600}\u{1f600}\u{1f600}",
      "\ud83d",
      "\ude00\ud83d",
    ],
  },
  {
    rule: "what turns into a text is none",
    constraint: "1",
    allowed: ["1", ["1"], ["1", "1"]],
    refused: [1, true, null, {}, { toString: "1" }, [["1"]], ["1", "2"], [], { 0: "1", length: 1 }],
  },
  {
    rule: "what turns into a number is none",
    constraint: { min: 0, max: 10 },
    allowed: [0, -0, 10, [1, 2]],
    refused: ["5", true, null, "", [], [5, "5"], { valueOf: 5 }, 10.000001, -5e-324, 1e21],
  },
];

describe.each(looksAlike)("$rule", ({ constraint, allowed, refused }) => {
  test("and a body runs for what is allowed only", async () => {
    for (const { call, bodies } of underRule({ where: { path: constraint } })) {
      for (const value of allowed)
        expect([value, await call({ path: value })]).toEqual([value, "ran"]);
      expect(bodies()).toBe(allowed.length);
      for (const value of refused) {
        expect([value, await call({ path: value })]).toEqual([value, "constraint_failed"]);
      }
      expect(bodies()).toBe(allowed.length);
    }
  });
});

describe("a constraint on a name that every object seems to have", () => {
  const names = ["constructor", "toString", "valueOf", "hasOwnProperty", "length", "then", "0"];
  test.each(names)("%s, where what is inherited is not what the call carries", async (name) => {
    // LangChain's own validation makes an own member of it.
    const [aiSdk] = underRule({ where: { [name]: "x" } });
    expect(await aiSdk?.call(Object.create({ [name]: "x" }) as object)).toBe("input_invalid");
    expect(aiSdk?.bodies()).toBe(0);
  });

  test.each(names)("%s", async (name) => {
    for (const { call, bodies } of underRule({ where: { [name]: "x" } })) {
      expect(await call({ [name]: "x" })).toBe("ran");
      for (const input of [{}, { other: "x" }, { [`${name} `]: "x" }]) {
        expect(await call(input)).toMatch(/^constraint_(failed|unbound)$/);
      }
      expect(await call({ [name]: "y" })).toBe("constraint_failed");
      expect(bodies()).toBe(1);
    }
  });
});

describe("a closed grant refuses a name that it does not know, however it is written", () => {
  const strangers = [
    '{"path":"a","Path":"b"}',
    '{"path":"a","path ":"b"}',
    '{"path":"a","p\u0430th":"b"}',
    '{"path":"a","pa\u200bth":"b"}',
    '{"path":"a","constructor":"b"}',
    '{"path":"a","":"b"}',
    '{"path":"a","extra":[]}',
    '{"path":"a","extra":null}',
    '{"path":"a","extra":false}',
  ];
  test.each(strangers)("%s", async (text) => {
    for (const { call, bodies } of underRule({ where: { path: "a" }, only: true })) {
      expect(await call({ path: "a" })).toBe("ran");
      expect(await call(json(text))).toBe("constraint_failed");
      expect(bodies()).toBe(1);
    }
  });

  test("__proto__, where the framework lets it through", async () => {
    const [aiSdk] = underRule({ where: { path: "a" }, only: true });
    expect(await aiSdk?.call(json('{"path":"a","__proto__":"b"}'))).toBe("input_invalid");
    expect(await aiSdk?.call(json('{"path":"a","__proto__":{"path":"b"}}'))).toBe("input_invalid");
    expect(aiSdk?.bodies()).toBe(0);
  });
});

describe("a name that a policy cannot mean", () => {
  const names: Record<string, string> = {
    "no name at all": "",
    "one that JavaScript drops": "__proto__",
    "one that ends a line": "path\n",
    "a control character": "pa\u0000th",
    "half a character": "path\ud83d",
    "a megabyte": "p".repeat(1_000_000),
  };
  test.each(Object.keys(names))("%s: the policy does not load, nor does a mint", (name) => {
    const where = Object.fromEntries([[names[name] ?? "", "a"]]);
    const policy: Policy = { bot: { allow: [{ scope, where }] } };
    const load = (): unknown => createAgentKeys({ agent: "bot", policy, audit: memorySink() });
    expect(load).toThrow(TypeError);
    const keys = testKeys();
    expect(() => keys.mint({ scope, where })).toThrow(
      expect.objectContaining({ code: "scope_invalid" }) as Error,
    );
    expect(keys.events.map(({ type }) => type)).toEqual(["key.denied"]);
  });
});
