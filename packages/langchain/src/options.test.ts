import { inspect } from "node:util";
import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { DynamicStructuredTool, tool } from "@langchain/core/tools";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { only, story, toolCall } from "./agent.fixture.ts";
import { agentKeysMiddleware } from "./middleware.ts";
import { wrapTool, wrapTools } from "./wrap-tools.ts";

const fields = { name: "get", schema: z.object({ id: z.string() }) };
const get = tool(({ id }) => `${id} ${requireKey().scopes.join()}`, fields);
const list = tool(() => requireKey().scopes.join(), { name: "list", schema: z.object({}) });
const scope = "tickets:read";

/** What a developer without types may write. */
const loose = (options: unknown): never => options as never;

describe("wrong options are a TypeError at wrap time, naming the tool or the option", () => {
  const keys = testKeys();
  test.each([
    ["no scope", { keys }, "scopes.get: missing; give the tool a scope, or false for no key"],
    ["an undefined scope", { keys, scopes: { get: undefined } }, "scopes.get: missing"],
    [
      "an unknown tool",
      { keys, scopes: { get: scope, gte: scope } },
      "scopes.gte: there is no such tool",
    ],
    ["a malformed scope", { keys, scopes: { get: "Tickets" } }, "scopes.get: "],
    ["a wildcard", { keys, scopes: { get: "tickets:*" } }, "scopes.get: "],
    ["null", { keys, scopes: { get: null } }, "scopes.get: "],
    ["a misspelt limit", { keys, scopes: { get: { scope, use: 1 } } }, "scopes.get: "],
    [
      "a where that no argument carries",
      { keys, scopes: { get: { scope, where: { ticket: "1" } } } },
      'scopes.get: where names "ticket"',
    ],
    ["scopes as an array", { keys, scopes: [scope] }, "scopes: must be an object"],
    ["defaultScope as text", { keys, defaultScope: scope }, "defaultScope: must be a function"],
    ["an unknown option", { keys, scopes: { get: scope }, expires: 5 }, "expires: not an option"],
    ["an unknown option, inherited from a misreading", { keys, scope }, "scope: not an option"],
    ["no keys", { scopes: { get: scope } }, "keys: must come from createAgentKeys()"],
    [
      "keys of another make",
      { keys: { ...keys }, scopes: { get: scope } },
      "keys: must come from createAgentKeys()",
    ],
    ["a life that is too long", { keys, scopes: { get: scope }, expiresIn: "1h" }, "expiresIn: "],
    [
      "args of no tool",
      { keys, scopes: { get: scope }, args: { owner: "repo" } },
      'args.owner: no wrapped tool has an argument "repo"',
    ],
    [
      "a context that is no function",
      { keys, scopes: { get: scope }, context: { user: "ada" } },
      "context: must be a function",
    ],
    ["no options", undefined, "options: must be an object"],
  ])("%s", (_, options, message) => {
    const wrap = (): unknown => wrapTools([get], loose(options));
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  test("of wrapTool", () => {
    expect(() => wrapTool(get, loose({ keys }))).toThrow(
      new TypeError('scope: missing for tool "get"'),
    );
    expect(() => wrapTool(get, loose({ keys, scope, scopes: {} }))).toThrow(
      "scopes: not an option",
    );
    expect(() =>
      wrapTool(
        loose(() => ""),
        { keys, scope },
      ),
    ).toThrow("tool: must be a tool of LangChain");
    expect(() => wrapTool({ type: "web_search", name: "web" }, { keys, scope })).toThrow(
      `scope: tool "web" is not executed here`,
    );
    expect(wrapTool(get, { keys, scope: false })).not.toBe(get);
  });

  test("two tools of one name, a tool without one, and what is no array or no tool", () => {
    const again = tool(() => "", fields);
    expect(() => wrapTools([get, again], { keys, scopes: { get: scope } })).toThrow(
      new TypeError('tools: two of them are named "get"'),
    );
    expect(() => wrapTools([{ invoke: () => "" }], { keys })).toThrow("tools[0]: has no name");
    expect(() => wrapTools(loose({ get }), { keys })).toThrow("tools: must be an array");
    expect(() => wrapTools(loose([get, null]), loose({ keys, scopes: { get: scope } }))).toThrow(
      "tools[1]: must be a tool of LangChain",
    );
  });

  test("a policy that names a parameter the tool does not have", () => {
    const strict = testKeys({
      policy: { "test-agent": { allow: [{ scope: "tickets:*", where: { ticketId: "1" } }] } },
    });
    expect(() => wrapTools([get], { keys: strict, scopes: { get: scope } })).toThrow(
      'policy: the rule for tickets:* constrains "ticketId"',
    );
    const mapped = wrapTools([get], {
      keys: strict,
      scopes: { get: scope },
      args: { ticketId: "id" },
    });
    return Promise.all([
      expect(mapped[0]!.invoke({ id: "1" })).resolves.toBe(`1 ${scope}`),
      expect(mapped[0]!.invoke({ id: "2" })).rejects.toMatchObject({ code: "constraint_failed" }),
    ]);
  });

  test("of the middleware, before there is any tool", () => {
    expect(() => agentKeysMiddleware(loose({ keys, scope }))).toThrow("scope: not an option");
    expect(() => agentKeysMiddleware(loose({ scopes: {} }))).toThrow("keys: must come from");
    expect(() => agentKeysMiddleware({ keys, scopes: { any: "Bad" } })).toThrow("scopes.any: ");
    expect(() => agentKeysMiddleware(loose({ keys, expiresIn: "1h" }))).toThrow("expiresIn: ");
  });
});

describe("what wrapping returns", () => {
  test("an array in, an array out, in order; the tools given stay as they are", async () => {
    const keys = testKeys();
    const tools = Object.freeze([list, get]);
    const wrapped = wrapTools(tools, { keys, scopes: { get: scope, list: "tickets:list" } });
    expect(wrapped.map((one) => one.name)).toEqual(["list", "get"]);
    expect(wrapped).not.toBe(tools);
    await expect((wrapped[0] as typeof list).invoke({})).resolves.toBe("tickets:list");
    await expect(get.invoke({ id: "1" })).rejects.toMatchObject({ code: "no_key" });
  });

  test("wrapping twice mints once: a tool that scopes names is wrapped anew, by these options alone", async () => {
    const [first, second] = [testKeys(), testKeys()];
    const once = wrapTools([get], { keys: first, scopes: { get: scope } });
    const twice = wrapTools(once, { keys: second, scopes: { get: "tickets:list" } });
    await expect(twice[0]!.invoke({ id: "1" })).resolves.toBe("1 tickets:list");
    await expect(twice[0]!.func({ id: "1" })).resolves.toBe("1 tickets:list");
    expect(story(first.events)).toEqual([]);
    expect(only(second.events, "key.minted")).toHaveLength(2);
    await expect(once[0]!.invoke({ id: "1" })).resolves.toBe(`1 ${scope}`);
    expect(story(first.events)).toEqual(["minted", "closed ok"]);
  });

  test("defaultScope leaves a wrapped tool as it is, and decides for the others", async () => {
    const keys = testKeys();
    const wrapped = wrapTool(get, { keys, scope });
    const calls: unknown[] = [];
    const annotated = new DynamicStructuredTool({
      name: "remote",
      description: "",
      schema: z.object({ id: z.string() }),
      metadata: { annotations: { readOnlyHint: true } },
      func: async () => requireKey().scopes.join(),
    });
    const tools = wrapTools([wrapped, annotated], {
      keys,
      defaultScope: (call) => (calls.push(call), `mcp:${call.name}`),
    });
    expect(tools[0]).toBe(wrapped);
    await expect(tools[1]!.invoke({ id: "7" })).resolves.toBe("mcp:remote");
    expect(calls).toEqual([
      { name: "remote", annotations: { readOnlyHint: true }, input: { id: "7" } },
    ]);
  });
});

describe("names and values that JavaScript has ideas about", () => {
  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "a tool named %s",
    async (name) => {
      const keys = testKeys();
      const body = vi.fn<() => string>(() => requireKey().scopes.join());
      const strange = tool(body, { name, schema: z.object({}) });
      expect(() => wrapTools([strange], { keys, scopes: {} })).toThrow(`scopes.${name}: missing`);
      expect(() =>
        wrapTools([get], loose({ keys, scopes: { get: scope, [name]: scope } })),
      ).toThrow(`scopes.${name}: there is no such tool`);
      const [wrapped] = wrapTools([strange], { keys, scopes: { [name]: scope } });
      await expect(wrapped!.invoke({})).resolves.toBe(scope);
      expect(only(keys.events, "key.minted")[0]?.tool?.name).toBe(name);
    },
  );

  test("a megabyte of scope, deep input and a scope function's promise are refused with a code", async () => {
    const keys = testKeys();
    const body = vi.fn<() => string>(() => "");
    const open = tool(body, { name: "open", schema: z.object({ data: z.unknown() }) });
    let deep: unknown = "end";
    for (let depth = 0; depth < 20_000; depth++) deep = [deep];
    const with_ = (rule: unknown) => wrapTool(open, { keys, scope: rule as never });
    await expect(with_(() => `a:${"b".repeat(1 << 20)}`).invoke({ data: 1 })).rejects.toMatchObject(
      { code: "scope_invalid" },
    );
    await expect(with_(async () => scope).invoke({ data: 1 })).rejects.toMatchObject({
      code: "scope_invalid",
    });
    await expect(with_(scope).invoke({ data: deep })).rejects.toMatchObject({
      code: "input_invalid",
    });
    await expect(
      with_(scope).invoke(toolCall("open", { data: 1 }, "x".repeat(2000))),
    ).rejects.toMatchObject({ code: "input_invalid" });
    expect(body).not.toHaveBeenCalled();
    expect(story(keys.events)).toEqual(["denied", "denied", "denied", "denied"]);
  });

  test("a scope function that throws refuses; its class and place are the cause, not its message", async () => {
    const keys = testKeys();
    const body = vi.fn<() => string>(() => "");
    const wrapped = wrapTool(tool(body, fields), {
      keys,
      scope: ({ id }) => {
        throw new RangeError(`no such team: ${id}`);
      },
    });
    const heard: unknown[] = [];
    const handleToolError = (error: unknown): void => void heard.push(error);
    await expect(
      wrapped.invoke({ id: "CANARY" }, { callbacks: [{ handleToolError }] }),
    ).rejects.toMatchObject({ code: "scope_invalid" });
    const [error] = heard as [Error];
    const { message, stack } = error.cause as Error;
    expect(message).toBe("the scope function threw RangeError");
    expect(stack).toContain("options.test.ts");
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain("CANARY");
    expect(body).not.toHaveBeenCalled();
  });
});
