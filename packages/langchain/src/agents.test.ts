import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import { createReactAgent, ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, tool as langchainTool } from "langchain";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { modelCalling, only, story, toldTo, toolCall } from "./agent.fixture.ts";
import type { ToolCallRuntime } from "./tool-types.ts";
import { wrapTool, wrapTools } from "./wrap-tools.ts";

const schema = z.object({ id: z.string() });
const scope = "tickets:read";
const ask = { messages: [new HumanMessage("go")] };

describe("in an agent", () => {
  test("createAgent: the call's id is on record and in the token's claims", async () => {
    const keys = testKeys();
    let token = "";
    const [get] = wrapTools([tool(() => (token = requireKey().token), { name: "get", schema })], {
      keys,
      scopes: { get: scope },
    });
    const tokenless = wrapTool(
      tool(() => "fine", { name: "other", schema }),
      { keys, scope },
    );
    const model = modelCalling(
      [toolCall("get", { id: "1" }, "call_7")],
      [toolCall("other", { id: "2" }, "call_8")],
    );
    await createAgent({ model, tools: [get!, tokenless] }).invoke(ask);
    const claims = JSON.parse(
      Buffer.from(token.split(".")[1] ?? "", "base64url").toString(),
    ) as object;
    expect(claims).toMatchObject({ call: "call_7", scope });
    expect(only(keys.events, "key.minted").map((event) => event.tool?.callId)).toEqual([
      "call_7",
      "call_8",
    ]);
    await expect(keys.verify(token)).rejects.toMatchObject({ code: "key_closed" });
  });

  test("denied: the model gets the constant text, the body never ran, key.denied is on record", async () => {
    const keys = testKeys({ policy: { "test-agent": { allow: [], deny: [] } } });
    const body = vi.fn<() => string>(() => "secret");
    const tools = wrapTools([tool(body, { name: "get", schema })], {
      keys,
      scopes: { get: scope },
    });
    const model = modelCalling([toolCall("get", { id: "CANARY" })]);
    const { messages } = await createAgent({ model, tools }).invoke(ask);
    expect(toldTo(model)).toEqual([
      {
        status: "error",
        content: `AgentKeyError: Policy does not allow this call (${scope}).\n Please fix your mistakes.`,
      },
    ]);
    expect(messages.at(-1)?.content).toBe("done");
    expect(body).not.toHaveBeenCalled();
    expect(only(keys.events, "key.denied")).toMatchObject([
      { code: "policy_denied", tool: { name: "get", callId: "call_1", framework: "langchain" } },
    ]);
    expect(story(keys.events)).toEqual(["denied"]);
  });

  test("langgraph's createReactAgent and ToolNode", async () => {
    const keys = testKeys();
    const tools = wrapTools(
      [tool(({ id }) => `${id} ${requireKey().scopes.join()}`, { name: "get", schema })],
      {
        keys,
        scopes: { get: ({ id }) => (id === "2" ? "Bad" : scope) },
      },
    );
    const model = modelCalling([
      toolCall("get", { id: "1" }, "a"),
      toolCall("get", { id: "2" }, "b"),
    ]);
    await createReactAgent({ llm: model, tools }).invoke(ask);
    expect(toldTo(model)).toEqual([
      { status: "success", content: `1 ${scope}` },
      {
        status: "error",
        content: "Error: The scope or grant asked for is not valid.\n Please fix your mistakes.",
      },
    ]);
    const message = new AIMessage({ content: "", tool_calls: [toolCall("get", { id: "3" }, "c")] });
    await new ToolNode(tools).invoke({ messages: [message] });
    expect(only(keys.events, "key.minted").map((event) => event.tool?.callId)).toEqual(["a", "c"]);
    expect(only(keys.events, "key.denied").map((event) => event.tool?.callId)).toEqual(["b"]);
  });

  test("scope functions and context get LangChain's own runtime: context, state, tool call id", async () => {
    const keys = testKeys();
    const contextSchema = z.object({ userId: z.string() });
    const states: unknown[] = [];
    const tools = wrapTools([tool(() => `${requireKey().user}`, { name: "get", schema })], {
      keys,
      scopes: {
        get: (_, runtime: ToolCallRuntime<{ messages: unknown[] }, { userId: string }>) => {
          states.push(runtime.state?.messages.length, runtime.toolCallId);
          return scope;
        },
      },
      context: (_, runtime) => ({ user: runtime.context?.userId, txn: "run-1" }),
    });
    const model = modelCalling([toolCall("get", { id: "1" })]);
    await createAgent({ model, tools, contextSchema }).invoke(ask, { context: { userId: "ada" } });
    expect(toldTo(model)[0]?.content).toBe("ada");
    expect(states).toEqual([2, "call_1"]);
    expect(only(keys.events, "key.minted")[0]).toMatchObject({ user: "ada", txn: "run-1" });
  });

  test("parallel calls never see each other's token", async () => {
    const keys = testKeys();
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    const seen: [string, string, string][] = [];
    const tools = wrapTools(
      [
        tool(
          async ({ id }, runtime: ToolCallRuntime) => {
            const before = requireKey().token;
            if (++waiting === 3) both.resolve();
            await both.promise;
            seen.push([String(runtime.toolCallId), before, requireKey().token]);
            return id;
          },
          { name: "get", schema },
        ),
      ],
      { keys, scopes: { get: scope } },
    );
    const calls = ["a", "b", "c"].map((id) => toolCall("get", { id }, `call_${id}`));
    await createAgent({ model: modelCalling(calls), tools }).invoke(ask);
    expect(new Set(seen.map(([, token]) => token)).size).toBe(3);
    for (const [callId, before, after] of seen) {
      expect(after).toBe(before);
      expect(before.split(".")[1]).toBeTypeOf("string");
      expect(JSON.parse(Buffer.from(before.split(".")[1]!, "base64url").toString())).toMatchObject({
        call: callId,
      });
    }
  });

  test("nested: a tool that runs an agent mints under policy like any other, with parentId on record", async () => {
    const keys = testKeys();
    const inner = wrapTool(
      tool(() => requireKey().id, { name: "inner", schema }),
      { keys, scope: "tickets:list", expiresIn: 60 },
    );
    const outer = wrapTool(
      tool(
        async () => {
          const before = requireKey().id;
          const agent = createAgent({
            model: modelCalling([toolCall("inner", { id: "1" }, "call_in")]),
            tools: [inner],
          });
          await agent.invoke(ask);
          return String(before === requireKey().id);
        },
        { name: "outer", schema },
      ),
      { keys, scope, expiresIn: 5 },
    );
    const model = modelCalling([toolCall("outer", { id: "1" }, "call_out")]);
    await createAgent({ model, tools: [outer] }).invoke(ask);
    const [parent, child] = only(keys.events, "key.minted");
    expect(child?.parentId).toBe(parent?.keyId);
    expect(parent?.parentId).toBeUndefined();
    expect(child?.scopes).toEqual(["tickets:list"]);
    expect(Date.parse(child!.expiresAt), "not attenuated by itself").toBeGreaterThan(
      Date.parse(parent!.expiresAt),
    );
    expect(toldTo(model)[0]?.content).toBe("true");
    expect(story(keys.events)).toEqual(["minted", "minted", "closed ok", "closed ok"]);
  });

  test("an ordinary tool error reaches the model as without a key, and is outcome error", async () => {
    const body = (): string => {
      throw new Error("no such ticket");
    };
    const plain = modelCalling([toolCall("get", { id: "1" })]);
    await createAgent({ model: plain, tools: [tool(body, { name: "get", schema })] }).invoke(ask);
    const keys = testKeys();
    const tools = wrapTools([tool(body, { name: "get", schema })], {
      keys,
      scopes: { get: scope },
    });
    const model = modelCalling([toolCall("get", { id: "1" })]);
    await createAgent({ model, tools }).invoke(ask);
    expect(toldTo(model)).toEqual(toldTo(plain));
    expect(story(keys.events)).toEqual(["minted", "closed error"]);
  });
});

describe("control flow", () => {
  test("an interrupt is outcome interrupted and rethrown; the resumed call mints again", async () => {
    const keys = testKeys();
    const tools = wrapTools(
      [tool(() => `${String(interrupt("sure?"))} ${requireKey().id}`, { name: "get", schema })],
      { keys, scopes: { get: scope } },
    );
    const model = modelCalling([toolCall("get", { id: "1" })]);
    const agent = createAgent({ model, tools, checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: "1" } };
    const paused = await agent.invoke(ask, config);
    expect(paused).toMatchObject({ __interrupt__: [{ value: "sure?" }] });
    expect(story(keys.events)).toEqual(["minted", "closed interrupted"]);
    await agent.invoke(new Command({ resume: "yes" }), config);
    const [first, second] = only(keys.events, "key.minted");
    expect(toldTo(model)[0]?.content).toBe(`yes ${second?.keyId}`);
    expect(first?.keyId).not.toBe(second?.keyId);
    expect(story(keys.events).slice(2)).toEqual(["minted", "closed ok"]);
  });

  test("a headless tool interrupts and mints nothing, resumed either", async () => {
    const keys = testKeys();
    const locate = langchainTool({ name: "locate", description: "", schema });
    const tools = wrapTools([locate], { keys, defaultScope: () => scope });
    const model = modelCalling([toolCall("locate", { id: "1" })]);
    const agent = createAgent({ model, tools, checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: "1" } };
    expect(await agent.invoke(ask, config)).toHaveProperty("__interrupt__");
    await agent.invoke(new Command({ resume: "here" }), config);
    expect(toldTo(model)[0]?.content).toBe("here");
    expect(story(keys.events)).toEqual([]);
  });

  test("a Command from a tool reaches the graph", async () => {
    const keys = testKeys();
    const command = new Command({ update: { messages: [new HumanMessage("from the tool")] } });
    const tools = wrapTools([tool(() => command, { name: "get", schema })], {
      keys,
      scopes: { get: scope },
    });
    const model = modelCalling([toolCall("get", { id: "1" })]);
    const { messages } = await createAgent({ model, tools }).invoke(ask);
    expect(messages.map((message) => message.content)).toContain("from the tool");
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });

  test("returnDirect ends the run with the tool's result", async () => {
    const keys = testKeys();
    const tools = wrapTools([tool(() => "final", { name: "get", schema, returnDirect: true })], {
      keys,
      scopes: { get: scope },
    });
    const model = modelCalling([toolCall("get", { id: "1" })]);
    const { messages } = await createAgent({ model, tools }).invoke(ask);
    expect(messages.at(-1)?.content).toBe("final");
    expect(model.callCount).toBe(1);
  });

  test("a run that is aborted closes its tools' keys at once", async () => {
    const keys = testKeys();
    const abort = new AbortController();
    const started = Promise.withResolvers<void>();
    const tools = wrapTools(
      [tool(() => (started.resolve(), new Promise<string>(() => {})), { name: "get", schema })],
      { keys, scopes: { get: scope } },
    );
    const run = createAgent({ model: modelCalling([toolCall("get", { id: "1" })]), tools }).invoke(
      ask,
      { signal: abort.signal },
    );
    await started.promise;
    abort.abort();
    await expect(run).rejects.toThrow("abort");
    expect(story(keys.events)).toEqual(["minted", "closed cancelled"]);
  });
});
