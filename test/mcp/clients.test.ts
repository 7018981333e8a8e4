import { inspect } from "node:util";
import {
  AgentKeyError,
  type AgentKeys,
  createAgentKeys,
  memorySink,
  memoryStore,
} from "@agent-keys/core";
import { agentKeysAuthProvider, type AgentKeysAuthProviderOptions } from "@agent-keys/core/mcp";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createMCPClient } from "@ai-sdk/mcp";
import { describe, expect, test } from "vitest";
import { SESSION, startMcpServer, type TestMcpServer } from "./mcp-server.ts";

const issuer = "https://agents.example";
const audience = "https://tickets.example/mcp";

function setUp(policy: Parameters<typeof createAgentKeys>[0]["policy"] = "allow-all") {
  const sink = memorySink();
  const store = memoryStore();
  const keys = createAgentKeys({ agent: "bot", policy, issuer, audience, store, audit: sink });
  return { keys, store, sink, accepted: { jwks: keys.jwks(), issuer, audience, store } };
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
        store.keys.revoke({ selector: { id: key.id }, iss: issuer, atMs: Date.now() });
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
