import {
  AgentKeyError,
  createAgentKeys,
  type GrantInput,
  memorySink,
  type Policy,
} from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wrappedTools } from "../wrapped.ts";
import { type Desk, encode, openDesk, refused, SERVED } from "./desk.ts";

const PROTOTYPE_NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];
const MEGABYTE = 1_000_000;

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

/** Runs in time that leaves room for a slow machine, and none for what grows with the square. */
async function bounded<T>(run: () => T, limitMs = 2_000): Promise<Awaited<T>> {
  const startedMs = performance.now();
  const result = await run();
  expect(performance.now() - startedMs).toBeLessThan(limitMs);
  return result;
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "done";
  } catch (error) {
    if (error instanceof AgentKeyError) return error.code;
    throw error;
  }
}

describe("a tool whose name every object seems to have", () => {
  test.each(PROTOTYPE_NAMES)("%s: its body runs under a key of its own, or never", async (name) => {
    const keys = testKeys();
    for (const { call, bodies } of wrappedTools(keys, "files:read", name)) {
      expect(await call({})).toBe("ran");
      expect(bodies()).toBe(1);
    }
    const minted = keys.events.filter(({ type }) => type === "key.minted");
    expect(minted.map((event) => ("tool" in event ? event.tool?.name : ""))).toEqual([name, name]);

    const refusing = testKeys({ policy: { "test-agent": { allow: [] } } });
    for (const { call, bodies } of wrappedTools(refusing, "files:read", name)) {
      expect(await call({})).toBe("policy_denied");
      expect(bodies()).toBe(0);
    }
  });
});

describe("an agent whose name every object seems to have", () => {
  test.each(PROTOTYPE_NAMES)("%s: policy says nothing of it, so it is given nothing", (agent) => {
    const policy: Policy = { bot: { allow: [{ scope: "files:*" }] } };
    const keys = createAgentKeys({ agent, policy, audit: memorySink() });
    expect(codeOf(() => keys.mint("files:read"))).toBe("policy_denied");
    expect(codeOf(() => keys.for({ agent: "bot" }).mint("files:read"))).toBe("done");
  });

  test("__proto__ as a policy's agent does not load, and pollutes nothing", () => {
    const policy = JSON.parse('{"__proto__":{"allow":[{"scope":"files:*"}]}}') as Policy;
    const load = () => createAgentKeys({ agent: "bot", policy, audit: memorySink() });
    expect(load).toThrow(TypeError);
    expect(Object.hasOwn(Object.prototype, "allow")).toBe(false);
  });
});

describe("what is asked for as a scope and is none", () => {
  const texts = [
    "__proto__|__proto__:read|files:__proto__|files:*|*:*|*||:|files:|-files:read|files:-",
    "Files:read|files:re ad|files:read\n|files:read\u0000|files:r\u0435ad|files:read:all",
    "files:read.|files:.read|files:read..all|files:read,files:write|files:read files:write",
  ].flatMap((list) => list.split("|"));
  const grants = [
    { where: null },
    { where: [] },
    { where: { a: {} } },
    { where: { a: null } },
    { uses: 0 },
    { uses: "1" },
    { only: "yes" },
    { admin: true },
    { expiresIn: "1h" },
    { expiresIn: 901 },
    { expiresIn: -1 },
    { scope: null },
    { scope: ["files:read"] },
  ].map((limits) => ({ scope: "files:read", ...limits }));
  const others = [null, undefined, 0, true, {}, [], [[]], [null]];
  const scopes: readonly unknown[] = [...texts, ...grants, ...others];
  test.each(scopes.map((scope) => [JSON.stringify(scope) ?? "undefined", scope] as const))(
    "%s",
    async (_, scope) => {
      const keys = testKeys();
      expect(codeOf(() => keys.mint(scope as GrantInput))).toBe("scope_invalid");
      // As a scope function gives it, from what a model wrote.
      for (const { call, bodies } of wrappedTools(keys, () => scope as GrantInput)) {
        expect(await call({})).toBe("scope_invalid");
        expect(bodies()).toBe(0);
      }
      expect(keys.events.filter(({ type }) => type !== "key.denied")).toEqual([]);
    },
  );
});

describe("a megabyte, refused in bounded time", () => {
  const long: Record<string, () => GrantInput> = {
    "of one scope": () => `files:${"a".repeat(MEGABYTE)}`,
    "of segments": () => `files:${"a.".repeat(MEGABYTE / 2)}a`,
    "of dots": () => `files:${".".repeat(MEGABYTE)}`,
    "of scopes": () => Array.from({ length: MEGABYTE / 10 }, () => "files:read"),
    "of a value": () => ({ scope: "files:read", where: { path: "a".repeat(MEGABYTE) } }),
    "of values": () => ({
      scope: "files:read",
      where: { path: { in: Array.from({ length: MEGABYTE / 5 }, (_, at) => at) } },
    }),
    "of names": () => ({
      scope: "files:read",
      where: Object.fromEntries(
        Array.from({ length: MEGABYTE / 20 }, (_, at) => [`name-${at}`, 1]),
      ),
    }),
    "that would fit every limit but the token's": () =>
      Array.from({ length: 50 }, (_, at) => ({
        scope: `files:read.x${at}`,
        where: { path: { prefix: "a".repeat(1000) } },
      })),
  };
  test.each(Object.keys(long))("%s", async (name) => {
    const keys = testKeys();
    const asked = long[name]?.() ?? "";
    expect(await bounded(() => codeOf(() => keys.mint(asked)))).toBe("scope_invalid");
    for (const { call, bodies } of wrappedTools(keys, () => asked)) {
      expect(await bounded(() => call({}))).toBe("scope_invalid");
      expect(bodies()).toBe(0);
    }
    // Nor is it written down.
    expect(JSON.stringify(keys.events).length).toBeLessThan(100_000);
  });

  test("of a request's scope or values, against a key that allows something", async () => {
    const keys = testKeys();
    const { token } = keys.mint({ scope: "files:read", where: { path: { prefix: "a" } } });
    const admit = (scope: string, path: unknown): Promise<string> =>
      keys.verify(token, { request: { scope, values: { path } } }).then(
        () => "served",
        (error: AgentKeyError) => error.code,
      );
    expect(await bounded(() => admit(`files:${"a".repeat(MEGABYTE)}`, "a"))).toBe(
      "insufficient_scope",
    );
    expect(await bounded(() => admit("files:read", "b".repeat(MEGABYTE)))).toBe(
      "constraint_failed",
    );
    const many = Array.from({ length: MEGABYTE }, (_, at) => (at === MEGABYTE - 1 ? "b" : "a"));
    expect(await bounded(() => admit("files:read", many))).toBe("constraint_failed");
    expect(await bounded(() => admit("files:read", "a".repeat(MEGABYTE)))).toBe("served");
  });

  const tokens: Record<string, () => string> = {
    "of letters": () => "A".repeat(MEGABYTE),
    "of dots": () => ".".repeat(MEGABYTE),
    "of parts": () => "A.".repeat(MEGABYTE / 2),
    "in the header": () =>
      desk.forge(undefined, { ...desk.parts().header, kid: "k".repeat(MEGABYTE) }),
    "in the claims": () => desk.forge({ ...desk.parts().claims, call: "c".repeat(MEGABYTE) }),
    "after a good token": () => desk.forge() + "A".repeat(MEGABYTE),
    "before a good token": () => " ".repeat(MEGABYTE) + desk.forge(),
  };
  test.each(Object.keys(tokens))("of a token: %s", async (name) => {
    const token = tokens[name]?.() ?? "";
    expect(await bounded(() => desk.attempt(token))).toEqual(refused());
    const before = process.memoryUsage().heapUsed;
    await bounded(async () => {
      for (let i = 0; i < 200; i += 1) await desk.keys.verify(token).catch(() => undefined);
    });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * MEGABYTE);
  });
});

describe("JSON that is deep", () => {
  const nested = (open: string, close: string, depth: number): string =>
    `${open.repeat(depth)}1${close.repeat(depth)}`;
  const texts = {
    lists: nested("[", "]", 5000),
    objects: nested('{"a":', "}", 1500),
    actors: nested('{"sub":"a","act":', "}", 400),
    "lists that never end": "[".repeat(9000),
  };
  test.each(Object.entries(texts))("%s in a token", async (_, text) => {
    const { header, claims } = desk.parts();
    const whole = JSON.stringify(claims);
    const payloads = [
      text,
      `{"deep":${text},${whole.slice(1)}`,
      whole.replace('{"sub"', `${text}{"sub"`),
    ];
    payloads.push(whole.replace(/"act":\{[^}]*\}/, `"act":${text}`));
    for (const payload of payloads) {
      expect(await bounded(() => desk.attempt(desk.forge(payload)))).toEqual(refused());
      expect(await bounded(() => desk.attempt(desk.forge(claims, payload)))).toEqual(refused());
    }
    const inHeader = JSON.stringify(header).replace("}", `,"crit":${text}}`);
    expect(await bounded(() => desk.attempt(desk.forge(claims, inHeader)))).toEqual(refused());
  });

  test.each([100, 10_000, 100_000])(
    "%i levels in a tool's arguments: a body with a key, or none",
    async (depth) => {
      const keys = testKeys();
      let value: unknown = 1;
      for (let at = 0; at < depth; at += 1) value = at % 2 === 0 ? [value] : { value };
      for (const { call, bodies } of wrappedTools(keys, "files:read")) {
        const came = await bounded(() => call({ value }));
        expect(came).toMatch(/^(ran|input_invalid)$/);
        expect(bodies()).toBe(came === "ran" ? 1 : 0);
      }
      const minted = keys.events.filter(({ type }) => type === "key.minted").length;
      const denied = keys.events.filter(({ type }) => type === "key.denied").length;
      expect(minted + denied).toBe(2);
    },
  );

  test("a megabyte of arguments", async () => {
    const keys = testKeys();
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`m${at}`, at]));
    for (const input of [
      { text: "a".repeat(MEGABYTE) },
      { list: Array(100_000).fill("a") },
      { wide },
    ]) {
      for (const { call, bodies } of wrappedTools(keys, "files:read")) {
        const came = await bounded(() => call(input), 5_000);
        expect(came).toMatch(/^(ran|input_invalid)$/);
        expect(bodies()).toBe(came === "ran" ? 1 : 0);
      }
    }
    expect(JSON.stringify(keys.events).length).toBeLessThan(100_000);
  });
});

test("what is no text is no token", async () => {
  const token = desk.forge();
  const values = [
    undefined,
    null,
    0,
    true,
    {},
    [],
    [token],
    { token },
    new String(token),
    Symbol("t"),
  ];
  const hidden = { toString: () => token, valueOf: () => token, length: token.length };
  for (const value of [...values, hidden, Buffer.from(token), encode(token), () => token]) {
    expect(await desk.attempt(value)).toEqual(refused());
  }
  expect(await desk.attempt(token)).toEqual(SERVED);
});
