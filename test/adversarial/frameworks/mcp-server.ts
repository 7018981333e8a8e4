import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import type { Journal } from "./compare.ts";

/** A real MCP server in this process; returned is the client's end. Its tools write into the journal. */
export async function startMcpServer(journal: Journal): Promise<InMemoryTransport> {
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
  return here;
}
