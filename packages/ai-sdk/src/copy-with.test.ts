import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { callOf, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { eventsOf, story } from "../test/record.ts";
import { copyWith } from "./copy-with.ts";
import { type ExecuteOptions, wrapTool, wrapTools } from "./index.ts";

const MARK = Symbol("mark");
const CALL: ExecuteOptions = { toolCallId: "call-1", messages: [] };
const inputSchema = z.object({ query: z.string() });

class Base {
  readonly #prefix = "base";
  get description(): string {
    return `${this.#prefix} description`;
  }
  toModelOutput(): { type: "text"; value: string } {
    return { type: "text", value: `${this.#prefix} for the model` };
  }
}

class Search extends Base {
  readonly inputSchema = inputSchema;
  readonly [MARK] = "symbol";
  #count = 0;
  get count(): number {
    return this.#count;
  }
  set count(count: number) {
    this.#count = count;
  }
  execute({ query }: { query: string }, options: ExecuteOptions): unknown {
    this.#count += 1;
    return { query, scopes: requireKey().scopes, callId: options.toolCallId };
  }
}

describe.each(majors)("$name", (ai: Major) => {
  test("a class instance with #private members, getters and symbols survives, and works", async () => {
    const keys = testKeys();
    const search = new Search();
    Object.defineProperty(search, "hidden", { value: "not enumerable" });

    const tools = wrapTools({ search }, { keys, scopes: { search: "web:search" } });
    const run = await ai.generateText({ tools, turns: [callOf("search", { query: "q" })] });

    expect(run.ended).toMatchObject([{ output: { query: "q", scopes: ["web:search"] } }]);
    // An inherited method and an inherited getter, both reading #private, as the SDK calls them.
    expect(JSON.stringify(run.prompts)).toContain("base for the model");
    expect(tools.search.description).toBe("base description");
    expect(tools.search).toBeInstanceOf(Search);
    expect(tools.search[MARK]).toBe("symbol");
    expect(Object.getOwnPropertyDescriptor(tools.search, "hidden")).toMatchObject({
      value: "not enumerable",
      enumerable: false,
    });
    expect(search.count).toBe(1);
    expect(tools.search.count).toBe(1);
    tools.search.count = 5;
    expect(search.count).toBe(5);
  });

  test("wrapping twice mints once: scopes wrap anew, by the later options alone", async () => {
    const [first, second] = [testKeys(), testKeys()];
    const search = { inputSchema, execute: () => requireKey().scopes };
    const once = wrapTools({ search }, { keys: first, scopes: { search: "web:search" } });
    const twice = wrapTools(once, { keys: second, scopes: { search: "web:list" } });
    // A spread loses what is not enumerable, and must not hide the guard.
    const thrice = {
      search: wrapTool({ ...twice.search }, { keys: second, name: "s", scope: "web:get" }),
    };

    const turns = [callOf("search", { query: "q" })];
    const runs = [
      await ai.generateText({ tools: twice, turns }),
      await ai.generateText({ tools: thrice, turns }),
    ];

    expect(runs.map((run) => run.ended[0]?.output)).toEqual([["web:list"], ["web:get"]]);
    expect(story(second)).toEqual([
      "key.minted search",
      "key.closed search ok",
      "key.minted s",
      "key.closed s ok",
    ]);
    expect(first.events).toEqual([]);
  });
});

test("the tools given are not changed, frozen ones neither", () => {
  const keys = testKeys();
  const execute = (): readonly string[] => requireKey().scopes;
  const search = Object.freeze({ inputSchema, execute });
  const tools = Object.freeze({ search });

  const wrapped = wrapTools(tools, { keys, scopes: { search: "web:search" } });

  expect(wrapped.search.execute()).toEqual(["web:search"]);
  expect(tools.search.execute).toBe(execute);
  expect(Object.keys(wrapped.search)).toEqual(["inputSchema", "execute"]);
});

test("replacing execute on the original later does not get around the guard", () => {
  const keys = testKeys();
  const search = { inputSchema, execute: (): string => "wrapped" };
  const wrapped = wrapTool(search, { keys, name: "search", scope: "web:search" });

  search.execute = () => "unguarded";

  expect(wrapped.execute()).toBe("wrapped");
  expect(eventsOf(keys, "key.minted")).toHaveLength(1);
});

test("defaultScope leaves a wrapped tool as it is, and decides for the others", () => {
  const keys = testKeys();
  const execute = (...args: [object, ExecuteOptions]): unknown => [
    args.length,
    requireKey().scopes,
  ];
  const once = wrapTools({ search: { execute } }, { keys, scopes: { search: "web:search" } });

  const all = wrapTools({ ...once, list: { execute } }, { keys, defaultScope: () => "mcp:call" });

  expect(all.search).toBe(once.search);
  expect(all.search.execute({}, CALL)).toEqual([2, ["web:search"]]);
  expect(all.list.execute({}, CALL)).toEqual([2, ["mcp:call"]]);
  // Nothing is asked of a tool that has its scope.
  expect(wrapTools(once, { keys }).search).toBe(once.search);
});

test("a record keeps its kind: null prototype, order, symbols, what is not enumerable", () => {
  const keys = testKeys();
  const tool = { inputSchema, execute: () => requireKey().scopes };
  const record = Object.create(null, {
    zeta: { value: tool, enumerable: true },
    hidden: { value: tool },
    ["__proto__"]: { value: tool, enumerable: true },
    [MARK]: { value: "kept" },
  }) as Record<string, typeof tool> & { [MARK]: string };

  const wrapped = wrapTools(record, {
    keys,
    defaultScope: ({ name }) => `mcp:${name.replaceAll("_", "")}`,
  });

  expect(Object.getPrototypeOf(wrapped)).toBeNull();
  expect(Object.keys(wrapped)).toEqual(["zeta", "__proto__"]);
  expect(wrapped[MARK]).toBe("kept");
  expect(wrapped["hidden"]?.execute()).toEqual(["mcp:hidden"]);
  expect(wrapped["__proto__"]?.execute()).toEqual(["mcp:proto"]);
});

test("a copy of an object that inherits from a record without a prototype calls on the original", () => {
  const base = Object.create(null) as { who?: () => unknown };
  base.who = function who() {
    return this;
  };
  const original = Object.create(base) as Required<typeof base>;

  const copy = copyWith(original, { added: 1 });

  expect(copy).toHaveProperty("added", 1);
  expect(copy.who()).toBe(original);
});
