import { createMCPClient } from "@ai-sdk/mcp";
import {
  type AgentKeys,
  createAgentKeys,
  memorySink,
  memoryStore,
  type Policy,
  scopeSegment,
} from "@agent-keys/core";
import { wrapTools as wrapAiSdkTools } from "@agent-keys/ai-sdk";
import { agentKeysAuthProvider } from "@agent-keys/core/mcp";
import { wrapTools as wrapLangChainTools } from "@agent-keys/langchain";
import type { DefaultScopeCall, Scope } from "@agent-keys/core/wrap";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { describe, expect, test, vi } from "vitest";
import { SESSION, startMcpServer, type TestMcpServer } from "./mcp-server.ts";

interface Options {
  readonly keys: AgentKeys;
  readonly sessionScope?: string;
  readonly defaultScope: (call: DefaultScopeCall) => Scope;
}

/** A framework's own MCP client, with its tools wrapped by the adapter. */
interface Toolbox extends AsyncDisposable {
  /** Runs one call as the framework does for the model, and gives what came of it as text. */
  run(name: string, input: object, callId: string): Promise<string>;
}

type Connect = (url: string, options: Options) => Promise<Toolbox>;

const throughLangChain: Connect = async (url, { keys, sessionScope, defaultScope }) => {
  const authProvider = agentKeysAuthProvider({ keys, sessionScope });
  const client = new MultiServerMCPClient({ mcpServers: { tickets: { url, authProvider } } });
  const tools = wrapLangChainTools(await client.getTools(), { keys, defaultScope });
  return {
    async run(name, args, id) {
      const tool = tools.find((one) => one.name === name);
      try {
        return JSON.stringify(await tool?.invoke({ type: "tool_call", name, args, id }));
      } catch (error) {
        return String(error);
      }
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      authProvider[Symbol.dispose]();
    },
  };
};

const throughAiSdk: Connect = async (url, { keys, sessionScope, defaultScope }) => {
  const authProvider = agentKeysAuthProvider({ keys, sessionScope });
  const client = await createMCPClient({ transport: { type: "http", url, authProvider } });
  const tools = wrapAiSdkTools(await client.tools(), { keys, defaultScope });
  return {
    async run(name, input, toolCallId) {
      try {
        const options = { toolCallId, messages: [], context: {} };
        return JSON.stringify(await tools[name]?.execute(input, options));
      } catch (error) {
        return String(error);
      }
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      authProvider[Symbol.dispose]();
    },
  };
};

const policy: Policy = {
  bot: {
    allow: [{ scope: SESSION }, { scope: "tickets:*", where: { ticketId: { prefix: "T-" } } }],
    deny: ["tickets:delete_ticket"],
  },
};

function setUp() {
  const sink = memorySink();
  const store = memoryStore();
  const names = { issuer: "https://agents.example", audience: "https://tickets.example/mcp" };
  const keys = createAgentKeys({ agent: "bot", policy, store, audit: sink, ...names });
  return { keys, sink, accepted: { jwks: keys.jwks(), store, ...names } };
}

const byName = ({ name }: DefaultScopeCall): Scope => `tickets:${scopeSegment(name)}`;

const calls = (server: TestMcpServer) => server.seen.filter(({ what }) => what === "tools/call");

describe.each([
  ["@langchain/mcp-adapters and @agent-keys/langchain", "langchain", throughLangChain],
  ["@ai-sdk/mcp and @agent-keys/ai-sdk", "ai-sdk", throughAiSdk],
])("%s", (_, framework, connect) => {
  test("each call carries its own key, parallel ones too, over one session", async () => {
    const { keys, sink, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using toolbox = await connect(server.url, {
      keys,
      sessionScope: SESSION,
      defaultScope: byName,
    });
    expect(await toolbox.run("getTicket", { ticketId: "T-1" }, "call-1")).toContain("on fire");
    await Promise.all([
      toolbox.run("meetTicket", { ticketId: "T-2" }, "call-2"),
      toolbox.run("meetTicket", { ticketId: "T-3" }, "call-3"),
    ]);
    expect(server.ran).toEqual(["getTicket", "meetTicket", "meetTicket"]);
    expect(calls(server)).toHaveLength(3);
    expect(Object.fromEntries(calls(server).map((call) => [call.callId, call]))).toMatchObject({
      "call-1": { args: { ticketId: "T-1" }, refused: undefined },
      "call-2": { args: { ticketId: "T-2" }, refused: undefined },
      "call-3": { args: { ticketId: "T-3" }, refused: undefined },
    });
    expect(new Set(calls(server).map(({ bearer }) => bearer)).size).toBe(3);
    const others = await vi.waitFor(() => {
      const seen = server.seen.filter(({ what }) => what !== "tools/call");
      expect(seen.map(({ what }) => what)).toEqual(
        expect.arrayContaining(["initialize", "notifications/initialized", "tools/list", "GET"]),
      );
      return seen;
    });
    expect(new Set(others.map(({ bearer }) => bearer)).size).toBe(1);
    const sessions = server.seen.flatMap(({ session }) => session ?? []);
    expect(new Set(sessions).size).toBe(1);

    const closed = sink.events.filter((event) => event.type === "key.closed");
    expect(closed.slice(0, 1)).toMatchObject([
      {
        tool: { name: "getTicket", callId: "call-1", framework },
        scopes: ["tickets:get_ticket"],
        outcome: "ok",
      },
    ]);
    expect(closed).toHaveLength(3);
  });

  test("without sessionScope there are no tools: no_key, and nothing was sent", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await expect(connect(server.url, { keys, defaultScope: byName })).rejects.toThrow(
      "No agent key is running here",
    );
    expect(server.seen).toEqual([]);
  });

  test("a server that refuses the session key is not asked again, nor in another way", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer({ ...accepted, audience: "https://db.example" });
    const connecting = connect(server.url, { keys, sessionScope: SESSION, defaultScope: byName });
    await expect(connecting).rejects.toThrow("The server refused the key");
    expect(server.seen.filter(({ path }) => path === "/mcp")).toMatchObject([
      { refused: "token_invalid" },
    ]);
  });

  test("a call that policy or a constraint denies never reaches the server", async () => {
    const { keys, sink, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using toolbox = await connect(server.url, {
      keys,
      sessionScope: SESSION,
      defaultScope: byName,
    });
    expect(await toolbox.run("deleteTicket", { ticketId: "T-1" }, "call-1")).toBe(
      "AgentKeyError: Policy does not allow this call (tickets:delete_ticket).",
    );
    expect(await toolbox.run("getTicket", { ticketId: "X-1" }, "call-2")).toContain(
      "AgentKeyError: A value of this call is outside what the key may do",
    );
    expect(calls(server)).toEqual([]);
    expect(server.ran).toEqual([]);
    const denied = sink.events.filter((event) => event.type === "key.denied");
    expect(denied).toMatchObject([
      { code: "policy_denied", tool: { callId: "call-1", framework } },
      { code: "constraint_failed", tool: { callId: "call-2", framework } },
    ]);
  });

  test("a tool without a key has the session's, which the server refuses", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using toolbox = await connect(server.url, {
      keys,
      sessionScope: SESSION,
      defaultScope: () => false,
    });
    await toolbox.run("getTicket", { ticketId: "T-1" }, "call-1");
    expect(calls(server)).toMatchObject([{ refused: "insufficient_scope" }]);
    expect(server.ran).toEqual([]);
  });

  test("a call whose key the server refuses ends in one error without a token", async () => {
    const { keys, sink, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using toolbox = await connect(server.url, {
      keys,
      sessionScope: SESSION,
      defaultScope: () => "tickets:get_ticket",
    });
    const answer = await toolbox.run("meetTicket", { ticketId: "T-1" }, "call-1");
    const [call] = calls(server);
    expect(call).toMatchObject({ refused: "insufficient_scope" });
    expect(answer).toMatch(/The server refused the key \(tickets:get_ticket\)|insufficient_scope/);
    expect(answer).not.toContain(call?.bearer);
    expect(server.ran).toEqual([]);
    expect(server.seen.filter(({ path }) => path !== "/mcp")).toEqual([]);
    expect(sink.events.at(-1)).toMatchObject({ type: "key.closed", outcome: "error" });
  });

  test("an isError result is the outcome error", async () => {
    const { keys, sink, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using toolbox = await connect(server.url, {
      keys,
      sessionScope: SESSION,
      defaultScope: byName,
    });
    const answer = await toolbox.run("failTicket", { ticketId: "T-1" }, "call-1");
    expect(answer).toContain("the ticket system says no");
    expect(server.ran).toEqual(["failTicket"]);
    expect(sink.events.at(-1)).toMatchObject({
      type: "key.closed",
      tool: { name: "failTicket", callId: "call-1" },
      outcome: "error",
    });
  });

  test("defaultScope decides from the tool's name, annotations and input", async () => {
    const { keys, accepted } = setUp();
    const asked: DefaultScopeCall[] = [];
    await using server = await startMcpServer(accepted);
    await using toolbox = await connect(server.url, {
      keys,
      sessionScope: SESSION,
      defaultScope: (call) => {
        asked.push(call);
        const { ticketId } = call.input as { ticketId: string };
        const scope = byName(call) as string;
        return call.annotations["readOnlyHint"] === true
          ? scope
          : { scope, where: { ticketId }, uses: 1 };
      },
    });
    await toolbox.run("getTicket", { ticketId: "T-1" }, "call-1");
    await toolbox.run("failTicket", { ticketId: "T-2" }, "call-2");
    expect(asked).toMatchObject([
      { name: "getTicket", annotations: { readOnlyHint: true }, input: { ticketId: "T-1" } },
      { name: "failTicket", annotations: {}, input: { ticketId: "T-2" } },
    ]);
    const [read, fail] = calls(server).map(({ bearer = "" }) => grantsIn(bearer));
    expect(read).toMatchObject([{ actions: ["tickets:get_ticket"] }]);
    expect(read).not.toMatchObject([{ uses: expect.any(Number) as number }]);
    expect(fail).toMatchObject([
      { actions: ["tickets:fail_ticket"], constraints: { ticketId: "T-2" }, uses: 1 },
    ]);
  });
});

function grantsIn(token: string): unknown {
  const [, payload = ""] = token.split(".");
  const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
  return (claims as { authorization_details: unknown }).authorization_details;
}
