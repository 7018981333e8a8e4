import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import {
  DynamicStructuredTool,
  DynamicTool,
  StructuredTool,
  Tool,
  tool,
} from "@langchain/core/tools";
import { tool as langchainTool } from "langchain";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { only, story } from "./agent.fixture.ts";
import { wrapTool, wrapTools } from "./wrap-tools.ts";

const schema = z.object({ id: z.string() });
const scope = "tickets:read";

describe("every kind of tool runs under its own key", () => {
  test("tool() with an object schema", async () => {
    const keys = testKeys();
    const wrapped = wrapTool(
      tool(({ id }) => `${id} ${requireKey().id}`, { name: "get", schema }),
      { keys, scope },
    );
    const text = await wrapped.invoke({ id: "T-1" });
    const [minted] = only(keys.events, "key.minted");
    expect(text).toBe(`T-1 ${minted?.keyId}`);
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
    expect(minted?.tool).toEqual({ name: "get", framework: "langchain" });
    expect(minted?.scopes).toEqual([scope]);
  });

  test("tool() with a string schema, and DynamicTool: the input is the text itself", async () => {
    const keys = testKeys();
    const inputs: unknown[] = [];
    const decide = (input: unknown): string => {
      inputs.push(input);
      return scope;
    };
    const made = tool((text) => `${text}:${requireKey().scopes[0]}`, {
      name: "a",
      schema: z.string(),
    });
    const dynamic = new DynamicTool({
      name: "b",
      description: "b",
      func: async (text) => `${text}:${requireKey().scopes[0]}`,
    });
    expect(made.constructor).toBe(DynamicTool);
    for (const wrapped of [
      wrapTool(made, { keys, scope: decide }),
      wrapTool(dynamic, { keys, scope: decide }),
    ]) {
      await expect(wrapped.invoke("hello")).resolves.toBe(`hello:${scope}`);
      await expect(wrapped.invoke({ input: "hi" })).resolves.toBe(`hi:${scope}`);
    }
    expect(inputs).toEqual(["hello", "hi", "hello", "hi"]);
  });

  test("a text tool's constraint is on its input", async () => {
    const body = vi.fn<(text: string) => Promise<string>>(async (text) => text);
    const wrapped = wrapTool(new DynamicTool({ name: "say", description: "", func: body }), {
      keys: testKeys(),
      scope: { scope: "speech:say", where: { input: { prefix: "hello" } } },
    });
    await expect(wrapped.invoke("hello you")).resolves.toBe("hello you");
    await expect(wrapped.invoke("bye")).rejects.toMatchObject({ code: "constraint_failed" });
    expect(body).toHaveBeenCalledOnce();
    expect(() =>
      wrapTool(new DynamicTool({ name: "say", description: "", func: body }), {
        keys: testKeys(),
        scope: { scope: "speech:say", where: { text: "hello" } },
      }),
    ).toThrow(
      new TypeError(
        'scope: where names "text", which the tool has no argument for; a scope function states what the tool itself fixes',
      ),
    );
  });

  test("tool() with a JSON Schema", async () => {
    const keys = testKeys();
    const jsonSchema = {
      type: "object" as const,
      properties: { id: { type: "string" as const } },
      required: ["id"],
      additionalProperties: false,
    };
    const body = vi.fn<() => string>(() => requireKey().id);
    const wrapped = wrapTool(tool(body, { name: "get", schema: jsonSchema }), { keys, scope });
    await expect(wrapped.invoke({ id: "T-1" })).resolves.toBeTypeOf("string");
    await expect(wrapped.invoke({ id: 1 })).rejects.toThrow("did not match");
    expect(body).toHaveBeenCalledOnce();
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });

  test("new DynamicStructuredTool, and its func when somebody calls it directly", async () => {
    const keys = testKeys();
    const func = vi.fn<(input: { id: string }) => Promise<string>>(
      async ({ id }) => `${id} ${requireKey().id}`,
    );
    const original = new DynamicStructuredTool({ name: "get", description: "", schema, func });
    const wrapped = wrapTool(original, { keys, scope });
    await wrapped.invoke({ id: "T-1" });
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
    await wrapped.func({ id: "T-2" });
    expect(story(keys.events)).toEqual(["minted", "closed ok", "minted", "closed ok"]);
    expect(original.func).toBe(func);
  });

  test("a class with #private members, getters on them, symbols and non-enumerable members", async () => {
    const mark = Symbol("mark");
    class GetTicket extends StructuredTool {
      readonly schema = schema;
      readonly #prefix = "ticket";
      readonly #calls: string[] = [];
      readonly [mark] = "kept";
      name = "ticket_get";
      get description(): string {
        return this.#calls.join();
      }
      protected override async _call({ id }: { id: string }): Promise<string> {
        this.#calls.push(id);
        return `${this.#prefix} ${id} ${requireKey().id}`;
      }
    }
    const keys = testKeys();
    const original = new GetTicket();
    Object.defineProperty(original, "hidden", { value: 7, enumerable: false });
    const wrapped = wrapTool(original, { keys, scope });
    await expect(wrapped.invoke({ id: "T-1" })).resolves.toMatch(/^ticket T-1 /);
    expect(wrapped).toBeInstanceOf(GetTicket);
    expect(wrapped.name).toBe("ticket_get");
    expect(wrapped.description).toBe("T-1");
    expect(wrapped[mark]).toBe("kept");
    expect(Reflect.getOwnPropertyDescriptor(wrapped, "hidden")).toMatchObject({
      value: 7,
      enumerable: false,
    });
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
    await expect(original.invoke({ id: "T-2" })).rejects.toMatchObject({ code: "no_key" });
    expect(story(keys.events), "the original stays as it was").toHaveLength(2);
  });

  test("a class that extends Tool, and one whose _call is a field", async () => {
    class Echo extends Tool {
      name = "echo";
      description = "";
      protected override _call = async (text: string): Promise<string> =>
        `${text} ${requireKey().scopes.join()}`;
    }
    const keys = testKeys();
    await expect(wrapTool(new Echo(), { keys, scope }).invoke("hi")).resolves.toBe(`hi ${scope}`);
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });

  test("a frozen tool", async () => {
    const keys = testKeys();
    const frozen = Object.freeze(tool(() => requireKey().id, { name: "get", schema }));
    const wrapped = wrapTool(frozen, { keys, scope });
    await wrapped.invoke({ id: "T-1" });
    await wrapped.func({ id: "T-1" });
    expect(story(keys.events)).toEqual(["minted", "closed ok", "minted", "closed ok"]);
  });
});

describe("what runs elsewhere mints nothing", () => {
  test("a provider's server tool, a plain object, is passed by reference and needs no scope", () => {
    const search = { type: "web_search_20250305", name: "web_search", max_uses: 3 };
    const unnamed = { type: "code_interpreter" };
    const get = tool(() => "", { name: "get", schema });
    const wrapped = wrapTools([search, get, unnamed], { keys: testKeys(), scopes: { get: scope } });
    expect(wrapped[0]).toBe(search);
    expect(wrapped[2]).toBe(unnamed);
    expect(wrapped[1]).not.toBe(get);
    expect(() =>
      wrapTools([search], { keys: testKeys(), scopes: { web_search: "web:search" } }),
    ).toThrow(
      new TypeError(
        `scopes.web_search: tool "web_search" is not executed here, so no key can be minted`,
      ),
    );
    expect(wrapTools([search], { keys: testKeys(), scopes: { web_search: false } })[0]).toBe(
      search,
    );
  });

  test("a headless tool only interrupts: it is passed by reference", () => {
    const headless = langchainTool({ name: "locate", description: "", schema });
    expect(wrapTools([headless], { keys: testKeys() })).toEqual([headless]);
    expect(wrapTools([headless], { keys: testKeys() })[0]).toBe(headless);
    expect(() => wrapTools([headless], { keys: testKeys(), scopes: { locate: scope } })).toThrow(
      `scopes.locate: tool "locate" is not executed here`,
    );
  });
});
