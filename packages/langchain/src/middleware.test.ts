import { currentKey, requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { HumanMessage } from "@langchain/core/messages";
import { type ClientTool, tool } from "@langchain/core/tools";
import { MemorySaver, interrupt, Command } from "@langchain/langgraph";
import {
  type AgentMiddleware,
  createAgent,
  createMiddleware,
  toolErrorMiddleware,
  toolRetryMiddleware,
} from "langchain";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { modelCalling, only, story, toldTo, toolCall } from "./agent.fixture.ts";
import { agentKeysMiddleware } from "./middleware.ts";
import { wrapTool, wrapTools } from "./wrap-tools.ts";

const schema = z.object({ id: z.string() });
const fields = { name: "get", schema };
const scope = "tickets:read";
const ask = { messages: [new HumanMessage("go")] };
const call = toolCall("get", { id: "1" });

/** LangChain's own type for it does not fit its own createAgent under exactOptionalPropertyTypes. */
function retry(): AgentMiddleware<undefined, undefined, unknown, readonly []> {
  return toolRetryMiddleware({ maxRetries: 3, initialDelayMs: 0 }) as unknown as ReturnType<
    typeof retry
  >;
}

/** Brings a tool into an agent that was built without it. */
function bringing(dynamic: ClientTool) {
  return createMiddleware({
    name: "bringing",
    wrapModelCall: (request, handler) =>
      handler({ ...request, tools: [...request.tools, dynamic] }),
    wrapToolCall: (request, handler) =>
      handler(request.toolCall.name === dynamic.name ? { ...request, tool: dynamic } : request),
  });
}

describe("agentKeysMiddleware", () => {
  test("runs a tool of the agent under its own key, with the call's id and context on record", async () => {
    const keys = testKeys();
    const get = tool(() => requireKey().scopes.join(), fields);
    const model = modelCalling([call]);
    const middleware = agentKeysMiddleware({
      keys,
      scopes: { get: (input: { id: string }) => ({ scope, where: { id: input.id } }) },
      context: (_, runtime) => ({ user: (runtime.context as { userId: string }).userId }),
    });
    const agent = createAgent({
      model,
      tools: [get],
      middleware: [middleware],
      contextSchema: z.object({ userId: z.string() }),
    });
    await agent.invoke(ask, { context: { userId: "ada" } });
    expect(toldTo(model)).toEqual([{ status: "success", content: scope }]);
    expect(only(keys.events, "key.minted")).toMatchObject([
      { tool: { name: "get", callId: "call_1", framework: "langchain" }, user: "ada" },
    ]);
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });

  test("runs a tool that other middleware brings in, when it is last in the array", async () => {
    const keys = testKeys();
    const dynamic = tool(() => String(currentKey()?.scopes.join()), fields);
    const ours = agentKeysMiddleware({ keys, defaultScope: ({ name }) => `mcp:${name}` });
    const last = modelCalling([call]);
    await createAgent({ model: last, tools: [], middleware: [bringing(dynamic), ours] }).invoke(
      ask,
    );
    expect(toldTo(last)[0]?.content).toBe("mcp:get");
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);

    const first = modelCalling([call]);
    await createAgent({ model: first, tools: [], middleware: [ours, bringing(dynamic)] }).invoke(
      ask,
    );
    expect(toldTo(first)[0]?.content, "what comes later exchanges the tool behind its back").toBe(
      "undefined",
    );
    expect(story(keys.events)).toHaveLength(2);
  });

  test("one mint for each retry", async () => {
    const keys = testKeys();
    const seen: string[] = [];
    const get = tool(() => {
      seen.push(requireKey().id);
      if (seen.length < 3) throw new Error("flaky");
      return "fine";
    }, fields);
    const model = modelCalling([call]);
    const middleware = [retry(), agentKeysMiddleware({ keys, scopes: { get: scope } })];
    await createAgent({ model, tools: [get], middleware }).invoke(ask);
    expect(toldTo(model)[0]?.content).toBe("fine");
    expect(new Set(seen).size).toBe(3);
    expect(story(keys.events)).toEqual([
      "minted",
      "closed error",
      "minted",
      "closed error",
      "minted",
      "closed ok",
    ]);
    expect(only(keys.events, "key.minted").map((event) => event.keyId)).toEqual(seen);
  });

  test("a tool without a scope, or with one it cannot have, is refused when it is called", async () => {
    const keys = testKeys();
    const body = vi.fn<() => string>(() => "");
    const get = tool(body, fields);
    for (const scopes of [{}, { get: { scope, where: { ticket: "1" } } }]) {
      const model = modelCalling([call]);
      const agent = createAgent({
        model,
        tools: [get],
        middleware: [agentKeysMiddleware({ keys, scopes })],
      });
      await expect(agent.invoke(ask)).rejects.toMatchObject({
        code: "scope_invalid",
        cause: expect.any(TypeError) as TypeError,
      });
    }
    expect(body).not.toHaveBeenCalled();
    expect(only(keys.events, "key.denied")).toMatchObject([
      { code: "scope_invalid", tool: { name: "get" } },
      { code: "scope_invalid", tool: { name: "get" } },
    ]);
    expect(story(keys.events)).toEqual(["denied", "denied"]);
  });

  test("a tool that the model invented is LangChain's to answer", async () => {
    const keys = testKeys();
    const model = modelCalling([toolCall("constructor", {})]);
    const get = tool(() => "", fields);
    await createAgent({
      model,
      tools: [get],
      middleware: [agentKeysMiddleware({ keys, scopes: { get: scope } })],
    }).invoke(ask);
    expect(toldTo(model)[0]).toMatchObject({ status: "error" });
    expect(String(toldTo(model)[0]?.content)).toContain("constructor is not a valid tool");
    expect(story(keys.events)).toEqual([]);
  });

  test("a tool named constructor has no scope but what is stated or defaulted", async () => {
    const keys = testKeys();
    const strange = tool(() => requireKey().scopes.join(), { name: "constructor", schema });
    const model = modelCalling([toolCall("constructor", { id: "1" })]);
    const middleware = agentKeysMiddleware({ keys, scopes: {}, defaultScope: () => scope });
    await createAgent({ model, tools: [strange], middleware: [middleware] }).invoke(ask);
    expect(toldTo(model)).toEqual([{ status: "success", content: scope }]);
  });

  test("args that are another tool's do not matter to a tool without them", async () => {
    const keys = testKeys({
      policy: { "test-agent": { allow: [{ scope: "tickets:*", where: { ticketId: "1" } }] } },
    });
    const get = tool(({ id }) => id, fields);
    const middleware = agentKeysMiddleware({
      keys,
      scopes: { get: scope },
      args: { ticketId: "id", owner: "repoOwner" },
    });
    const model = modelCalling([call]);
    await createAgent({ model, tools: [get], middleware: [middleware] }).invoke(ask);
    expect(toldTo(model)).toEqual([{ status: "success", content: "1" }]);
  });

  test("with wrapTools as well, a call mints once: the tool's own scope stands, unless scopes names it", async () => {
    const [own, other] = [testKeys(), testKeys()];
    const wrapped = wrapTool(
      tool(() => requireKey().scopes.join(), fields),
      { keys: own, scope },
    );
    const said = async (options: object): Promise<unknown> => {
      const model = modelCalling([call]);
      await createAgent({
        model,
        tools: [wrapped],
        middleware: [agentKeysMiddleware({ keys: other, ...options })],
      }).invoke(ask);
      return toldTo(model)[0]?.content;
    };
    expect(await said({ defaultScope: () => "mcp:any" })).toBe(scope);
    expect(await said({})).toBe(scope);
    expect(story(other.events)).toEqual([]);
    expect(await said({ scopes: { get: "tickets:list" } })).toBe("tickets:list");
    expect(only(own.events, "key.minted")).toHaveLength(2);
    expect(only(other.events, "key.minted")).toHaveLength(1);
  });

  test("an interrupt passes through as outcome interrupted", async () => {
    const keys = testKeys();
    const get = tool(() => String(interrupt("sure?")), fields);
    const model = modelCalling([call]);
    const agent = createAgent({
      model,
      tools: [get],
      middleware: [agentKeysMiddleware({ keys, scopes: { get: scope } })],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: "1" } };
    await agent.invoke(ask, config);
    await agent.invoke(new Command({ resume: "yes" }), config);
    expect(toldTo(model)[0]?.content).toBe("yes");
    expect(story(keys.events)).toEqual(["minted", "closed interrupted", "minted", "closed ok"]);
  });
});

describe("why wrapTools comes first: any wrapToolCall middleware turns tool errors into a rejected run", () => {
  const broken = tool((): string => {
    throw new Error("no such ticket");
  }, fields);

  test("without middleware the model is told, and goes on", async () => {
    const model = modelCalling([call]);
    const tools = wrapTools([broken], { keys: testKeys(), scopes: { get: scope } });
    const { messages } = await createAgent({ model, tools }).invoke(ask);
    expect(toldTo(model)).toEqual([
      { status: "error", content: "Error: no such ticket\n Please fix your mistakes." },
    ]);
    expect(messages.at(-1)?.content).toBe("done");
  });

  test("with middleware the run is rejected, with ours or with one that does nothing", async () => {
    const idle = createMiddleware({
      name: "idle",
      wrapToolCall: (request, handler) => handler(request),
    });
    const ours = agentKeysMiddleware({ keys: testKeys(), scopes: { get: scope } });
    for (const middleware of [idle, ours]) {
      const agent = createAgent({
        model: modelCalling([call]),
        tools: [broken],
        middleware: [middleware],
      });
      await expect(agent.invoke(ask)).rejects.toThrow("no such ticket");
    }
  });

  test("toolErrorMiddleware before ours brings the old behaviour back, for denials too", async () => {
    const keys = testKeys({ policy: { "test-agent": { allow: [] } } });
    const body = vi.fn<() => string>(() => "");
    const model = modelCalling([call]);
    const middleware = [
      toolErrorMiddleware({ onError: (error) => (error as Error).message }),
      agentKeysMiddleware({ keys, scopes: { get: scope } }),
    ];
    await createAgent({ model, tools: [tool(body, fields)], middleware }).invoke(ask);
    expect(toldTo(model)).toEqual([
      { status: "error", content: `Policy does not allow this call (${scope}).` },
    ]);
    expect(body).not.toHaveBeenCalled();
  });
});

describe("retry middleware leaves denials alone", () => {
  const denying = { policy: { "test-agent": { allow: [] } } };

  test.each(["wrapTools", "agentKeysMiddleware"])("of %s", async (by) => {
    const keys = testKeys(denying);
    const body = vi.fn<() => string>(() => "");
    const options = { keys, scopes: { get: scope } };
    const tools = [tool(body, fields)];
    const model = modelCalling([call]);
    const agent =
      by === "wrapTools"
        ? createAgent({ model, tools: wrapTools(tools, options), middleware: [retry()] })
        : createAgent({ model, tools, middleware: [retry(), agentKeysMiddleware(options)] });
    await agent.invoke(ask);
    expect(story(keys.events)).toEqual(["denied"]);
    expect(toldTo(model)).toEqual([
      { status: "error", content: "Tool 'get' failed after 1 attempt with AgentKeyError" },
    ]);
    expect(body).not.toHaveBeenCalled();
  });

  test("the mark is LangChain's own; what may pass, and what the body throws, is not marked", async () => {
    const retryable = Symbol.for("langchain.errors.retryable");
    const mark = (error: unknown): unknown => Object.getOwnPropertyDescriptor(error, retryable);
    const denied = await wrapTool(
      tool(() => "", fields),
      { keys: testKeys(denying), scope },
    )
      .invoke({ id: "1" })
      .catch((error: unknown) => error);
    expect(mark(denied)).toMatchObject({ value: false, enumerable: false });

    const failing = testKeys({
      audit: () => {
        throw new Error("disk full");
      },
    });
    const unavailable = await wrapTool(
      tool(() => "", fields),
      { keys: failing, scope },
    )
      .invoke({ id: "1" })
      .catch((error: unknown) => error);
    expect(unavailable).toMatchObject({ code: "audit_unavailable", retryable: true });
    expect(mark(unavailable)).toBeUndefined();

    const thrown = await wrapTool(
      tool((): string => {
        throw new Error("x");
      }, fields),
      { keys: testKeys(), scope },
    )
      .invoke({ id: "1" })
      .catch((error: unknown) => error);
    expect(mark(thrown)).toBeUndefined();
  });
});
