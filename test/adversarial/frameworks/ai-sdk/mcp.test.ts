/** The AI SDK's own MCP client, over a real server in this process. */
import { call, type Journal } from "../compare.ts";
import { startMcpServer } from "../mcp-server.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id } from "./cases.ts";
import type { Tools } from "./observe.ts";
import { type Sdk, sdks } from "./sdks.ts";

async function mcpTools(journal: Journal, { createMcpClient }: Sdk): Promise<Tools> {
  const client = await createMcpClient({ transport: await startMcpServer(journal) });
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
