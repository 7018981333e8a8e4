import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { dynamicTool, experimental_toolCaller, type Tool, tool, toolSearch } from "ai";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { ai7 } from "../test/ai7.ts";
import { callOf } from "../test/major.ts";
import { eventsOf, story } from "../test/record.ts";
import { wrapTool, wrapTools } from "./index.ts";

const inputSchema = z.object({ query: z.string() });
const search = callOf("search", { query: "q" });

describe("ai 7 only", () => {
  const unbound = async (): Promise<unknown> => await Promise.reject(new Error("unbound"));
  const lookUp = tool({ inputSchema, execute: () => requireKey().id });

  /** What code mode does: a fresh tool for the tools it may call, which it executes directly. */
  const caller = (): Tool & { readonly execute: () => unknown } =>
    experimental_toolCaller(tool({ inputSchema, execute: unbound }), {
      type: "local",
      bind: (bound) =>
        dynamicTool({
          description: "runs programs",
          inputSchema,
          execute: async (input, options) => ({
            own: requireKey().id,
            inner: (await bound["lookUp"]?.execute?.(input, options)) as string,
          }),
        }),
    }) as never;

  test("experimental_toolCaller is kept, and what its bind builds runs under the guard", async () => {
    const keys = testKeys();
    const tools = wrapTools(
      { run: caller(), lookUp },
      { keys, scopes: { run: "code:run", lookUp: "web:search" } },
    );

    const run = await ai7.generateText({
      tools,
      turns: [callOf("run", { query: "q" })],
      settings: { experimental_toolCallers: { lookUp: ["run"] } },
    });

    const [outer, inner] = eventsOf(keys, "key.minted");
    expect(run.ended).toMatchObject([{ output: { own: outer?.keyId, inner: inner?.keyId } }]);
    expect(inner).toMatchObject({ tool: { name: "lookUp" }, parentId: outer?.keyId });
    expect(story(keys)).toEqual([
      "key.minted run",
      "key.minted lookUp",
      "key.closed lookUp ok",
      "key.closed run ok",
    ]);
    expect(Object.keys(tools.run)).not.toContain("experimental_toolCaller");
  });

  test("a denied caller never binds its program to anything that runs", async () => {
    const keys = testKeys({
      policy: { "test-agent": { allow: [{ scope: "web:search" }] } },
    });
    const tools = wrapTools(
      { run: caller(), lookUp },
      { keys, scopes: { run: "code:run", lookUp: "web:search" } },
    );

    const run = await ai7.generateText({
      tools,
      turns: [callOf("run", { query: "q" })],
      settings: { experimental_toolCallers: { lookUp: ["run"] } },
    });

    expect(run.ended).toMatchObject([{ type: "tool-error", error: { code: "policy_denied" } }]);
    expect(story(keys)).toEqual(["key.denied run policy_denied"]);
  });

  test("a caller that is wrapped twice, bound and executed, mints once", async () => {
    const keys = testKeys();
    const once = wrapTool(caller(), { keys, name: "run", scope: "code:run" });
    const tools = wrapTools({ run: once }, { keys, scopes: { run: "code:run" } });

    await ai7.generateText({ tools, turns: [callOf("run", { query: "q" })] });

    expect(eventsOf(keys, "key.minted")).toHaveLength(1);
  });

  test("a provider's caller is kept by reference; the SDK's spread of what it calls is still guarded", async () => {
    const keys = testKeys();
    const definition = {
      type: "provider" as const,
      prepareProviderOptions: () => ({ acme: { allowed: true } }),
    };
    const hosted = experimental_toolCaller(
      {
        type: "provider",
        id: "acme.code",
        args: {},
        inputSchema,
        isProviderExecuted: true,
      },
      definition,
    );
    const tools = wrapTools({ hosted, lookUp }, { keys, scopes: { lookUp: "web:search" } });

    const run = await ai7.generateText({
      tools,
      turns: [callOf("lookUp", { query: "q" })],
      settings: { experimental_toolCallers: { lookUp: ["hosted"] } },
    });

    expect(tools.hosted).toBe(hosted);
    expect(run.ended).toMatchObject([{ output: eventsOf(keys, "key.minted")[0]?.keyId }]);
  });

  test("toolSearch() passes through by reference: the SDK executes it itself", async () => {
    const keys = testKeys();
    const find = toolSearch();
    const tools = wrapTools(
      { find, lookUp: { ...lookUp, description: "look up", deferLoading: true } },
      { keys, scopes: { lookUp: "web:search" } },
    );

    const run = await ai7.generateText({
      tools,
      turns: [callOf("find", { query: "look up" }), callOf("lookUp", { query: "q" })],
    });

    expect(tools.find).toBe(find);
    expect(run.ended.map((part) => part.type)).toEqual(["tool-result", "tool-result"]);
    expect(story(keys)).toEqual(["key.minted lookUp", "key.closed lookUp ok"]);
    expect(() => wrapTools({ find }, { keys, scopes: { find: "web:search" } })).toThrow(
      'scopes.find: tool "find" is not executed here',
    );
  });

  test("not an enforcement point: an executeTool integration is skipped when telemetry is off", async () => {
    const executeTool = vi.fn<() => never>();
    const keys = testKeys({ policy: { "test-agent": { allow: [{ scope: "a:b" }] } } });
    const execute = vi.fn<() => string>(() => "ran");
    const bare = { search: { inputSchema, execute } };
    const settings = {
      experimental_telemetry: { isEnabled: false, integrations: { executeTool } },
      // Nor is this one: what it throws is swallowed.
      onToolExecutionStart: () => {
        throw new Error("no");
      },
    };

    await ai7.generateText({ tools: bare, turns: [search], settings });
    expect(executeTool).not.toHaveBeenCalled();
    expect(execute).toHaveBeenCalledOnce();

    const tools = wrapTools(bare, { keys, scopes: { search: "web:search" } });
    const run = await ai7.generateText({ tools, turns: [search], settings });
    expect(run.ended).toMatchObject([{ type: "tool-error", error: { code: "policy_denied" } }]);
    expect(execute).toHaveBeenCalledOnce();
  });
});
