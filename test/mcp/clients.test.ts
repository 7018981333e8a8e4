import { inspect } from "node:util";
import {
  AgentKeyError,
  type AgentKeys,
  createAgentKeys,
  memorySink,
  memoryStore,
  type Policy,
} from "@agent-keys/core";
import { agentKeysAuthProvider, type AgentKeysAuthProviderOptions } from "@agent-keys/core/mcp";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createMCPClient } from "@ai-sdk/mcp";
import { describe, expect, test, vi } from "vitest";
import { SESSION, startMcpServer, type TestMcpServer } from "./mcp-server.ts";

const issuer = "https://agents.example";
const audience = "https://tickets.example/mcp";

function setUp(policy: Policy | "allow-all" = "allow-all") {
  let nowMs = Date.now();
  const now = () => nowMs;
  const sink = memorySink();
  const store = memoryStore({ now });
  const names = { issuer, audience };
  const keys = createAgentKeys({ agent: "bot", policy, store, now, audit: sink, ...names });
  const advance = (seconds: number) => void (nowMs += seconds * 1000);
  return { keys, store, sink, advance, accepted: { jwks: keys.jwks(), store, now, ...names } };
}

/** What both clients offer, so that each test runs with either. */
interface Connection extends AsyncDisposable {
  call(name: string, ticketId: string): Promise<unknown>;
  listTools(): Promise<unknown>;
}

type Connect = (url: string, options: AgentKeysAuthProviderOptions) => Promise<Connection>;

const sdk: Connect = async (url, options) => {
  const authProvider = agentKeysAuthProvider(options);
  const client = new Client({ name: "test", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  await client.connect(transport);
  return {
    call: (name, ticketId) => client.callTool({ name, arguments: { ticketId } }),
    listTools: () => client.listTools(),
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
      authProvider[Symbol.dispose]();
    },
  };
};

const aiSdk: Connect = async (url, options) => {
  const authProvider = agentKeysAuthProvider(options);
  const client = await createMCPClient({ transport: { type: "http", url, authProvider } });
  return {
    call: (name, ticketId) => client.callTool({ name, arguments: { ticketId } }),
    listTools: () => client.listTools(),
    async [Symbol.asyncDispose]() {
      await client.close();
      authProvider[Symbol.dispose]();
    },
  };
};

const callTicket = (keys: AgentKeys, connection: Connection, tool: string, scope: string) =>
  keys.withAgentKey(scope, async (token) => ({
    token,
    result: await connection.call(tool, "T-1"),
  }));

const bearersOf = (server: TestMcpServer, what: string) =>
  server.seen.filter((request) => request.what === what).map(({ bearer }) => bearer);

/** The client opens the stream of server messages without waiting for it. */
const streamOpened = (server: TestMcpServer) =>
  vi.waitFor(() => expect(bearersOf(server, "GET")).not.toEqual([]));

const oauthSteps = (server: TestMcpServer) =>
  server.seen.filter(({ path }) => path !== "/mcp").map(({ path }) => path);

async function refusal(promise: Promise<unknown>): Promise<AgentKeyError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AgentKeyError);
  return error as AgentKeyError;
}

/** The SDK's client asks its provider after a 403, the AI SDK's does not: it shows the answer. */
const REFUSED = /^The server refused the key|insufficient_scope$/;

describe.each([
  ["@modelcontextprotocol/sdk", sdk],
  ["@ai-sdk/mcp", aiSdk],
])("%s", (client, connect) => {
  test("each call carries its own key and the rest the session's, over one session", async () => {
    const { keys, accepted, sink } = setUp();
    await using server = await startMcpServer(accepted);
    let tokens: string[];
    {
      await using connection = await connect(server.url, { keys, sessionScope: SESSION });
      await streamOpened(server);
      await connection.listTools();
      const calls = [
        await callTicket(keys, connection, "getTicket", "tickets:get_ticket"),
        await callTicket(keys, connection, "deleteTicket", "tickets:delete_ticket"),
      ];
      tokens = calls.map(({ token }) => token);
    }
    expect(server.ran).toEqual(["getTicket", "deleteTicket"]);
    expect(bearersOf(server, "tools/call")).toEqual(tokens);
    const session = bearersOf(server, "initialize")[0];
    for (const what of ["initialize", "notifications/initialized", "tools/list", "GET", "DELETE"]) {
      expect([what, ...new Set(bearersOf(server, what))]).toEqual([what, session]);
    }
    const sessions = server.seen.map((request) => request.session).filter((id) => id !== undefined);
    expect(new Set(sessions).size).toBe(1);
    expect(server.seen.filter(({ refused }) => refused !== undefined)).toEqual([]);

    // One session key and two calls' keys, each closed.
    const facts = sink.events.map((event) => [event.type, "scopes" in event && event.scopes]);
    expect(facts.filter(([type]) => type === "key.minted")).toHaveLength(3);
    expect(facts.filter(([type]) => type === "key.closed")).toEqual([
      ["key.closed", ["tickets:get_ticket"]],
      ["key.closed", ["tickets:delete_ticket"]],
      ["key.closed", [SESSION]],
    ]);
  });

  test("parallel calls each carry their own key", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using connection = await connect(server.url, { keys, sessionScope: SESSION });
    const calls = await Promise.all(
      [1, 2].map(() => callTicket(keys, connection, "meetTicket", "tickets:meet_ticket")),
    );
    const sent = new Set(bearersOf(server, "tools/call"));
    expect(sent.size).toBe(2);
    expect(sent).toEqual(new Set(calls.map(({ token }) => token)));
  });

  test("a session outlives its keys", async () => {
    const { keys, accepted, advance } = setUp();
    await using server = await startMcpServer(accepted);
    await using connection = await connect(server.url, { keys, sessionScope: SESSION });
    await streamOpened(server);
    for (let minute = 0; minute < 3; minute++) {
      advance(60);
      await connection.listTools();
      await connection.listTools();
    }
    expect(server.seen.filter(({ refused }) => refused !== undefined)).toEqual([]);
    expect(new Set(bearersOf(server, "tools/list")).size).toBe(3);
  });

  test("without sessionScope connecting is refused before anything is sent", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    const error = await refusal(connect(server.url, { keys }));
    expect(error.code).toBe("no_key");
    expect(server.seen).toEqual([]);
  });

  test("a call with the session key alone is refused by the server", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using connection = await connect(server.url, { keys, sessionScope: SESSION });
    await expect(connection.call("getTicket", "T-1")).rejects.toThrow(REFUSED);
    expect(server.seen.at(-1)).toMatchObject({ what: "tools/call", refused: "insufficient_scope" });
    expect(server.ran).toEqual([]);
    await connection.listTools(); // the session goes on
  });

  test("401 ends in one refusal: nothing is registered, redirected or exchanged", async () => {
    const { keys, accepted } = setUp();
    const { jwks } = setUp().accepted;
    await using server = await startMcpServer({ ...accepted, jwks });
    const error = await refusal(connect(server.url, { keys, sessionScope: SESSION }));
    expect(error.code).toBe("key_refused");
    const sent = server.seen.flatMap(({ bearer }) => bearer ?? []);
    expect(sent).toHaveLength(1);
    for (const token of sent) expect(inspect(error, { depth: 9 })).not.toContain(token);
    // The AI SDK's client reads the resource's own metadata before it asks its provider anything.
    const discovery = client === "@ai-sdk/mcp" ? ["/.well-known/oauth-protected-resource/mcp"] : [];
    expect(oauthSteps(server)).toEqual(discovery);
    expect(server.seen.filter(({ path, bearer }) => path !== "/mcp" && bearer)).toEqual([]);
  });

  test("401 to a call says what is known of its key, and the body never ran", async () => {
    const { keys, accepted, store } = setUp();
    await using server = await startMcpServer(accepted);
    await using connection = await connect(server.url, { keys, sessionScope: SESSION });
    // Ended at the server only: here the key is good.
    const elsewhere = await refusal(
      keys.withAgentKey({ scope: "tickets:get_ticket", uses: 1 }, async () => {
        await connection.call("getTicket", "T-1");
        return connection.call("getTicket", "T-1");
      }),
    );
    expect(elsewhere.code).toBe("key_refused");
    expect(server.seen.filter(({ refused }) => refused === "key_used_up")).toHaveLength(1);
    expect(server.ran).toEqual(["getTicket"]);
    // Revoked while the call runs: it is not even sent.
    const before = server.seen.length;
    const revoked = await refusal(
      keys.withAgentKey("tickets:get_ticket", async (_token, key) => {
        await store.keys.revoke({ selector: { id: key.id }, iss: issuer, atMs: 0 });
        return connection.call("getTicket", "T-1");
      }),
    );
    expect(revoked.code).toBe("key_revoked");
    expect(server.seen).toHaveLength(before);
    expect(server.ran).toEqual(["getTicket"]);
  });

  test("403 for a scope that the call's key lacks starts no flow", async () => {
    const { keys, accepted } = setUp();
    await using server = await startMcpServer(accepted);
    await using connection = await connect(server.url, { keys, sessionScope: SESSION });
    const { token } = await keys.withAgentKey("tickets:get_ticket", async (own) => {
      await expect(connection.call("deleteTicket", "T-1")).rejects.toThrow(
        /refused the key|insufficient_scope/,
      );
      return { token: own };
    });
    expect(bearersOf(server, "tools/call")).toEqual([token]);
    expect(server.ran).toEqual([]);
    expect(oauthSteps(server)).toEqual([]);
  });

  test("a key that policy denies never reaches the server", async () => {
    const { keys, accepted } = setUp({
      bot: { allow: [{ scope: SESSION }, { scope: "tickets:*" }], deny: ["tickets:delete_ticket"] },
    });
    await using server = await startMcpServer(accepted);
    await using connection = await connect(server.url, { keys, sessionScope: SESSION });
    const error = await refusal(
      callTicket(keys, connection, "deleteTicket", "tickets:delete_ticket"),
    );
    expect(error.code).toBe("policy_denied");
    expect(bearersOf(server, "tools/call")).toEqual([]);
  });
});

test("the news that a call was aborted is the session's to tell, for the call's key has ended", async () => {
  const { keys, accepted } = setUp();
  await using server = await startMcpServer(accepted);
  using authProvider = agentKeysAuthProvider({ keys, sessionScope: SESSION });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url), { authProvider }));
  const { signal, abort } = abortable();
  const call = keys.withAgentKey("tickets:meet_ticket", () =>
    client.callTool({ name: "meetTicket", arguments: { ticketId: "T-1" } }, undefined, { signal }),
  );
  await vi.waitFor(() => expect(server.ran).toEqual(["meetTicket"]));
  abort();
  await expect(call).rejects.toThrow("abort");
  await vi.waitFor(() => expect(bearersOf(server, "notifications/cancelled")).toHaveLength(1));
  expect(bearersOf(server, "notifications/cancelled")).toEqual(bearersOf(server, "initialize"));
  expect(server.seen.filter(({ refused }) => refused !== undefined)).toEqual([]);
  await client.close();
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("abort")) };
}
