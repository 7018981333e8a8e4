/** The AI SDK's own MCP client, over a real server in this process. */
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { call, type Journal } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id } from "./cases.ts";
import type { Tools } from "./observe.ts";
import { type Sdk, sdks } from "./sdks.ts";

async function mcpTools(journal: Journal, { createMcpClient }: Sdk): Promise<Tools> {
  const server = new McpServer({ name: "tickets", version: "1.0.0" });
  const inputSchema = { id: z.string() };
  const text = (said: string) => [{ type: "text" as const, text: said }];
  server.registerTool(
    "get",
    { description: "gets", title: "Get", inputSchema, annotations: { readOnlyHint: true } },
    (input) => {
      journal.note("get", input);
      return { content: text(input.id) };
    },
  );
  server.registerTool("fails", { inputSchema }, (input) => {
    journal.note("fails", input);
    return { content: text("the ticket system says no"), isError: true };
  });
  server.registerTool("throws", { inputSchema }, (input) => {
    journal.note("throws", input);
    throw new Error("the server is broken");
  });
  server.registerTool("structured", { inputSchema, outputSchema: { id: z.string() } }, (input) => {
    journal.note("structured", input);
    return { content: text("see there"), structuredContent: input };
  });
  const [there, here] = InMemoryTransport.createLinkedPair();
  await server.connect(there);
  const client = await createMcpClient({ transport: here });
  return await client.tools();
}

const cases: readonly Case[] = [
  {
    name: "results, errors that are results, and structured content",
    tools: mcpTools,
    turns: [callOf("get", id), callOf("fails", id), callOf("throws", id), callOf("structured", id)],
    audit: [
      ...call("get"),
      ...call("fails", "error"),
      ...call("throws", "error"),
      ...call("structured"),
    ],
  },
  {
    name: "input that the server's schema refuses",
    tools: mcpTools,
    turns: [callOf("get", { id: 7 }, "call-invalid"), callOf("get", id)],
    // The client knows the schema as JSON Schema only, so it is the server that refuses.
    audit: [...call("get", "error", "call-invalid"), ...call("get")],
  },
];

compareCases(cases, { sdks });
