// An agent of the AI SDK whose tools run under keys of their own. The audit goes to stderr.
import { wrapTools } from "@agent-keys/ai-sdk";
import { consoleSink, createAgentKeys, requireKey } from "@agent-keys/core";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { tool, ToolLoopAgent } from "ai";
import * as z from "zod";
import { openModel } from "./demo/model.ts";

const keys = createAgentKeys({
  agent: "support-bot",
  // The ceiling: reading any ticket, replying to those of one project.
  policy: {
    "support-bot": {
      allow: [
        { scope: "tickets:read" },
        { scope: "tickets:reply", where: { ticketId: { prefix: "A-" } } },
      ],
    },
  },
  audit: consoleSink(),
});

const getTicket = tool({
  description: "Reads a ticket",
  inputSchema: z.object({ ticketId: z.string() }),
  async execute({ ticketId }) {
    // Your API here; data: keeps the example offline.
    const response = await fetch(`data:,${ticketId}: the printer is on fire.`, {
      headers: { authorization: `Bearer ${requireKey().token}` },
    });
    return response.text();
  },
});
const reply = tool({
  description: "Replies to a ticket",
  inputSchema: z.object({ ticketId: z.string(), text: z.string() }),
  execute: ({ ticketId }) => `Replied to ${ticketId}.`,
});
const getTime = tool({
  description: "Tells the time",
  inputSchema: z.object({}),
  execute: () => new Date().toISOString(),
});

const tools = wrapTools(
  { getTicket, reply, getTime },
  {
    keys,
    scopes: {
      getTicket: "tickets:read",
      reply: ({ ticketId }) => ({ scope: "tickets:reply", where: { ticketId }, uses: 1 }),
      // No key, on purpose. A tool that is forgotten here is an error.
      getTime: false,
    },
  },
);

await using model = await openModel({
  "Help with ticket": [
    { getTicket: { ticketId: "A-1" } },
    { reply: { ticketId: "A-1", text: "Use the blue bucket." } },
    { reply: { ticketId: "B-1", text: "You too." } },
    (results) => results.join(" "),
  ],
});
const provider = createOpenAICompatible({
  name: "openai",
  baseURL: model.baseURL,
  apiKey: model.apiKey,
});
const agent = new ToolLoopAgent({ model: provider(model.name), tools });
const { text } = await agent.generate({ prompt: "Help with ticket A-1, and tell B-1 the same." });
console.log(text);
