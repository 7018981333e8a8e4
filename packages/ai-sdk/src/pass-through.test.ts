import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { callOf, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { eventsOf, story } from "../test/record.ts";
import { wrapTools } from "./index.ts";

const inputSchema = z.object({ query: z.string() });
const search = callOf("search", { query: "q" });

describe.each(majors)("$name", (ai: Major) => {
  const PROVIDER = ai.name === "ai 5" ? "provider-defined" : "provider";
  const provided = { type: PROVIDER, id: "acme.search", name: "search", args: {}, inputSchema };

  test("a client-side tool passes through by reference, and is not executed here", async () => {
    const keys = testKeys();
    const askUser = { inputSchema, outputSchema: z.string() };
    const tools = wrapTools({ askUser }, { keys });

    const run = await ai.generateText({ tools, turns: [callOf("askUser", { query: "?" })] });

    expect(tools.askUser).toBe(askUser);
    expect(run.ended).toEqual([]);
    expect(keys.events).toEqual([]);
  });

  test("a provider-executed tool passes through by reference, and is not executed here", async () => {
    const keys = testKeys();
    const hosted = { ...provided, isProviderExecuted: true };
    const tools = wrapTools({ search: hosted }, { keys, scopes: { search: false } });
    const [call] = search.calls ?? [];

    const run = await ai.generateText({
      tools,
      turns: [{ calls: [{ ...call!, providerExecuted: true }] }],
    });

    expect(tools.search).toBe(hosted);
    expect(run.ended).toEqual([]);
    expect(keys.events).toEqual([]);
  });

  test("a provider tool with execute is wrapped", async () => {
    const keys = testKeys();
    const execute = (): readonly string[] => requireKey().scopes;
    const local = { ...provided, isProviderExecuted: false, execute };
    const tools = wrapTools({ search: local }, { keys, scopes: { search: "web:search" } });

    const run = await ai.generateText({ tools, turns: [search] });

    expect(run.ended).toMatchObject([{ output: ["web:search"] }]);
    expect(story(keys)).toEqual(["key.minted search", "key.closed search ok"]);
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "a tool named %s is a tool like any other",
    async (name) => {
      const keys = testKeys();
      const named = <T>(value: T): Record<string, T> => Object.fromEntries([[name, value]]);
      const execute = (): readonly string[] => requireKey().scopes;
      const tools = wrapTools(named({ inputSchema, execute }), {
        keys,
        scopes: named("odd:name"),
      });

      const run = await ai.generateText({ tools, turns: [callOf(name, { query: "q" })] });

      expect(Object.keys(tools)).toEqual([name]);
      expect(run.ended).toMatchObject([{ type: "tool-result", output: ["odd:name"] }]);
      expect(eventsOf(keys, "key.minted")).toMatchObject([{ tool: { name } }]);
    },
  );

  test("a name that only the prototype of every object has is no tool, and mints nothing", async () => {
    const keys = testKeys();
    const execute = vi.fn<() => string>(() => "ran");
    const tools = wrapTools(
      { search: { inputSchema, execute } },
      { keys, scopes: { search: "a:b" } },
    );

    const run = await ai
      .generateText({
        tools,
        turns: [callOf("constructor", { query: "q" }), callOf("__proto__", { query: "q" })],
      })
      .catch((error: unknown) => error);

    expect(run).toBeDefined();
    expect(execute).not.toHaveBeenCalled();
    expect(keys.events).toEqual([]);
  });

  test.each(["search", "__proto__"])(
    "an inherited tool, which ai 5 and 6 execute by its name (%s), is refused when tools are wrapped",
    async (name) => {
      const keys = testKeys();
      const execute = vi.fn<() => string>(() => "ran");
      const tool = { inputSchema, execute };
      // As a client makes it that writes `tools[name] = tool` for a server's `__proto__`.
      const tools = (name === "search" ? Object.create({ search: tool }) : { __proto__: tool }) as {
        search: typeof tool;
      };

      const ran = ai.generateText({ tools, turns: [callOf(name, { query: "q" })] });
      await ran.catch(() => undefined);
      expect(execute).toHaveBeenCalledTimes(ai.name === "ai 7" ? 0 : 1);

      expect(() => wrapTools(tools, { keys, defaultScope: () => "a:b" })).toThrow(
        new TypeError(`tools.${name}: is inherited; give each tool as the object's own`),
      );
    },
  );

  test("a tool that is inherited from a record without a prototype is refused too", () => {
    const record = Object.create(null) as Record<string, object>;
    record["search"] = { inputSchema, execute: (): string => "ran" };
    const tools = Object.create(record) as typeof record;
    expect(() => wrapTools(tools, { keys: testKeys(), defaultScope: () => "a:b" })).toThrow(
      "tools.search: is inherited",
    );
  });
});
