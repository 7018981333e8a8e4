import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { loadMcpTools } from "@langchain/mcp-adapters";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { only, story, toolCall } from "./agent.fixture.ts";
import { wrapTools } from "./wrap-tools.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function mcpTools(body: (id: string) => string) {
  const server = new McpServer({ name: "tickets", version: "1.0.0" });
  const annotations = { readOnlyHint: true };
  server.registerTool("get", { inputSchema: { id: z.string() }, annotations }, ({ id }) => {
    if (id === "") return { isError: true, content: [{ type: "text", text: "no id" }] };
    return { content: [{ type: "text", text: body(id) }] };
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(theirs), client.connect(ours)]);
  open.push(client, server);
  return await loadMcpTools("tickets", client);
}

test("an MCP server's tools: defaultScope sees their annotations, and an error of the server is outcome error", async () => {
  const keys = testKeys();
  const ran: string[] = [];
  const tools = wrapTools(await mcpTools((id) => (ran.push(id), id)), {
    keys,
    defaultScope: ({ name, annotations, input }) => {
      if ((input as { id: string }).id === "denied") return "Bad";
      return annotations["readOnlyHint"] === true ? `mcp:${name}.read` : `mcp:${name}.write`;
    },
  });
  const [get] = tools;
  await expect(get!.invoke(toolCall("get", { id: "7" }, "call_mcp"))).resolves.toMatchObject({
    content: "7",
  });
  await expect(get!.invoke({ id: "" })).rejects.toThrow("no id");
  await expect(get!.invoke({ id: "denied" })).rejects.toMatchObject({ code: "scope_invalid" });
  expect(ran).toEqual(["7"]);
  expect(only(keys.events, "key.minted")[0]).toMatchObject({
    scopes: ["mcp:get.read"],
    tool: { name: "get", callId: "call_mcp" },
  });
  expect(story(keys.events)).toEqual(["minted", "closed ok", "minted", "closed error", "denied"]);
  expect(requireKey).toThrow("No agent key");
});
