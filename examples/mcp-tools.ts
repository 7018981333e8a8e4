// MCP tools through both frameworks, from a server that accepts nothing but agent keys: each call
// carries a key of its own, over one session. The audit goes to stderr.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { wrapTools as wrapAiSdkTools } from "@agent-keys/ai-sdk";
import {
  AgentKeyError,
  consoleSink,
  createAgentKeys,
  memoryStore,
  scopeSegment,
  verifyKey,
} from "@agent-keys/core";
import { agentKeysAuthProvider } from "@agent-keys/core/mcp";
import { wrapTools as wrapLangChainTools } from "@agent-keys/langchain";
import { createMCPClient } from "@ai-sdk/mcp";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { serve } from "@hono/node-server";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { ChatOpenAI } from "@langchain/openai";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { ToolLoopAgent } from "ai";
import { Hono } from "hono";
import { createAgent } from "langchain";
import * as z from "zod";
import { openModel } from "./demo/model.ts";

// The agents' and the server's names, which both sides must agree on.
const names = { issuer: "https://agents.example", audience: "https://tickets.example/mcp" };

const keys = createAgentKeys({
  agent: "support-bot",
  policy: {
    "support-bot": {
      allow: [
        { scope: "mcp:session" },
        { scope: "tickets:*", where: { ticketId: { prefix: "A-" } } },
      ],
    },
  },
  audit: consoleSink(),
  ...names,
});

// An ordinary MCP server …
const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
async function openSession(): Promise<WebStandardStreamableHTTPServerTransport> {
  const mcp = new McpServer({ name: "tickets", version: "1.0.0" });
  mcp.registerTool("getTicket", { inputSchema: { ticketId: z.string() } }, ({ ticketId }) => ({
    content: [{ type: "text", text: `${ticketId}: the printer is on fire.` }],
  }));
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await mcp.connect(transport);
  return transport;
}

// … behind a check of every request: what it asks for decides which scope its key must have. With
// the issuer elsewhere, `jwks` is the URL where it serves `keys.jwks()`.
const trusted = { jwks: keys.jwks(), store: memoryStore(), ...names };
// One message a request: a list of them would need the scopes of all.
const message = z.looseObject({
  method: z.string().optional(),
  params: z
    .looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })
    .partial()
    .optional(),
});
const app = new Hono();
app.all("/mcp", async (c) => {
  const body = message.parse(c.req.method === "POST" ? await c.req.json() : {});
  const { name = "", arguments: values } = body.params ?? {};
  const request =
    body.method === "tools/call"
      ? { scope: `tickets:${scopeSegment(name)}`, values }
      : { scope: "mcp:session" };
  const token = c.req.header("authorization")?.replace(/^Bearer /, "");
  const key = await verifyKey(token, { ...trusted, request, consume: true });
  console.log(`server: ${request.scope} with key ${key.id}`);
  const session = sessions.get(c.req.header("mcp-session-id") ?? "") ?? (await openSession());
  return session.handleRequest(c.req.raw, { parsedBody: body });
});
app.onError((error, c) =>
  error instanceof AgentKeyError ? c.text(error.code, 401) : c.text("malformed", 400),
);
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;

// The agents' side. A call carries its own key; connecting and listing, a key for `mcp:session`.
using authProvider = agentKeysAuthProvider({ keys, sessionScope: "mcp:session" });
// For whatever tools the server has. Which tickets they may touch is for policy to say.
const defaultScope = ({ name }: { name: string }): string => `tickets:${scopeSegment(name)}`;

const prompt = "Help with tickets A-1 and B-1.";
await using model = await openModel({
  "Help with tickets": [
    { getTicket: { ticketId: "A-1" } },
    { getTicket: { ticketId: "B-1" } },
    (results) => results.join(" "),
  ],
});

const langChainClient = new MultiServerMCPClient({
  mcpServers: { tickets: { url, authProvider } },
});
const agent = createAgent({
  model: new ChatOpenAI({
    model: model.name,
    apiKey: model.apiKey,
    configuration: { baseURL: model.baseURL },
  }),
  tools: wrapLangChainTools(await langChainClient.getTools(), { keys, defaultScope }),
});
const { messages } = await agent.invoke({ messages: [{ role: "user", content: prompt }] });
console.log(`LangChain: ${messages.at(-1)?.text}`);
await langChainClient.close();

const aiSdkClient = await createMCPClient({ transport: { type: "http", url, authProvider } });
const provider = createOpenAICompatible({
  name: "openai",
  baseURL: model.baseURL,
  apiKey: model.apiKey,
});
const loop = new ToolLoopAgent({
  model: provider(model.name),
  tools: wrapAiSdkTools(await aiSdkClient.tools(), { keys, defaultScope }),
});
console.log(`AI SDK: ${(await loop.generate({ prompt })).text}`);
await aiSdkClient.close();

server.close();
