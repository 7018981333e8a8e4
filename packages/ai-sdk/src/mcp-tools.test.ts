import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { currentKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import type { DefaultScopeCall } from "@agent-keys/core/wrap";
import { createMCPClient as createClient7 } from "@ai-sdk/mcp";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { experimental_createMCPClient as createClient5 } from "mcp5";
import { createMCPClient as createClient6 } from "mcp6";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { callOf, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { eventsOf, story } from "../test/record.ts";
import { wrapTools } from "./index.ts";

interface Client {
  tools(): Promise<Record<string, object>>;
  close(): Promise<void>;
}

let http: Server;
let client: Client;

/** Each major has a client of its own. */
const clients = { "ai 5": createClient5, "ai 6": createClient6, "ai 7": createClient7 };

/** What the server's tools were called with. */
const called: unknown[] = [];

function mcpServer(): McpServer {
  const server = new McpServer({ name: "tickets", version: "1.0.0" });
  const inputSchema = { ticketId: z.string() };
  server.registerTool(
    "getTicket",
    { inputSchema, annotations: { readOnlyHint: true } },
    ({ ticketId }) => {
      called.push(ticketId);
      return { content: [{ type: "text", text: `${ticketId} is open` }] };
    },
  );
  server.registerTool("closeTicket", { inputSchema }, ({ ticketId }) => {
    called.push(ticketId);
    return { isError: true, content: [{ type: "text", text: `${ticketId} is locked` }] };
  });
  return server;
}

beforeAll(async () => {
  http = createServer((request, response) => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    const server = mcpServer();
    response.on("close", () => void server.close());
    server
      // The SDK's own types disagree under exactOptionalPropertyTypes.
      .connect(transport as never)
      .then(() => transport.handleRequest(request, response))
      .catch((error: unknown) => response.destroy(error as Error));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
});

afterAll(() => {
  http.closeAllConnections();
  http.close();
});

const defaultScope = ({ annotations }: DefaultScopeCall): string =>
  annotations["readOnlyHint"] === true ? "tickets:read" : "tickets:write";

describe.each(majors)("$name", (ai: Major) => {
  beforeAll(async () => {
    const { port } = http.address() as AddressInfo;
    const createClient: (config: never) => Promise<unknown> = clients[ai.name];
    const transport = { type: "http", url: `http://127.0.0.1:${port}/mcp` };
    client = (await createClient({ transport } as never)) as Client;
  });

  afterAll(async () => {
    await client.close();
  });

  test("a server's dynamic tools are wrapped by defaultScope, with name, annotations and input", async () => {
    const keys = testKeys();
    const tools = await client.tools();
    const asked: DefaultScopeCall[] = [];
    const wrapped = wrapTools(tools, {
      keys,
      defaultScope: (call) => (asked.push(call), defaultScope(call)),
    });

    const run = await ai.generateText({
      tools: wrapped,
      turns: [callOf("getTicket", { ticketId: "t-1" }), callOf("closeTicket", { ticketId: "t-1" })],
    });

    // A record without a prototype, from the client of 6 on.
    expect(Object.getPrototypeOf(tools)).toBe(ai.name === "ai 5" ? Object.prototype : null);
    expect(Object.getPrototypeOf(wrapped)).toBe(Object.getPrototypeOf(tools));
    expect(Object.keys(wrapped)).toEqual(["getTicket", "closeTicket"]);
    expect(wrapped["getTicket"]).toMatchObject({ type: "dynamic" });
    expect(asked[0]).toEqual({
      name: "getTicket",
      // The client of 5 does not hand them on.
      annotations: ai.name === "ai 5" ? {} : { readOnlyHint: true },
      input: { ticketId: "t-1" },
    });
    expect(asked[1]).toMatchObject({ name: "closeTicket", annotations: {} });
    const [read, close] = run.ended;
    expect(read).toMatchObject({ output: { content: [{ text: "t-1 is open" }] } });
    // The server's error is a result: the model reads it, and the record says what it was.
    expect(close).toMatchObject({ type: "tool-result", output: { isError: true } });
    expect(story(keys)).toEqual([
      "key.minted getTicket",
      "key.closed getTicket ok",
      "key.minted closeTicket",
      "key.closed closeTicket error",
    ]);
    expect(eventsOf(keys, "key.minted").map((event) => event.scopes)).toEqual([
      [ai.name === "ai 5" ? "tickets:write" : "tickets:read"],
      ["tickets:write"],
    ]);
  });

  test("a denied call never reaches the server", async () => {
    const keys = testKeys({
      policy: {
        "test-agent": { allow: [{ scope: "tickets:*", where: { ticketId: { prefix: "A-" } } }] },
      },
    });
    const tools = wrapTools(await client.tools(), { keys, defaultScope });
    called.length = 0;

    const run = await ai.generateText({
      tools,
      turns: [callOf("getTicket", { ticketId: "B-1" }), callOf("getTicket", { ticketId: "A-1" })],
    });

    expect(run.ended.map((part) => part.type)).toEqual(["tool-error", "tool-result"]);
    expect(called).toEqual(["A-1"]);
    expect(story(keys)[0]).toBe("key.denied getTicket constraint_failed");
    expect(currentKey()).toBeUndefined();
  });

  test("without defaultScope a server's tools are refused when they are wrapped", async () => {
    const tools = await client.tools();
    expect(() => wrapTools(tools, { keys: testKeys() })).toThrow(
      new TypeError("scopes.getTicket: missing; give the tool a scope, or false for no key"),
    );
  });
});
