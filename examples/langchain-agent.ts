// A LangChain agent whose tools run under keys of their own. The audit goes to stderr.
import { consoleSink, createAgentKeys, requireKey } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/langchain";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, tool } from "langchain";
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

const getTicket = tool(
  async ({ ticketId }) => {
    // Your API here; data: keeps the example offline.
    const response = await fetch(`data:,${ticketId}: the printer is on fire.`, {
      headers: { authorization: `Bearer ${requireKey().token}` },
    });
    return response.text();
  },
  {
    name: "get_ticket",
    description: "Reads a ticket",
    schema: z.object({ ticketId: z.string() }),
  },
);
const reply = tool(({ ticketId }) => `Replied to ${ticketId}.`, {
  name: "reply",
  description: "Replies to a ticket",
  schema: z.object({ ticketId: z.string(), text: z.string() }),
});

const tools = wrapTools([getTicket, reply], {
  keys,
  scopes: {
    get_ticket: "tickets:read",
    reply: ({ ticketId }) => ({ scope: "tickets:reply", where: { ticketId }, uses: 1 }),
  },
});

await using model = await openModel({
  "Help with ticket": [
    { get_ticket: { ticketId: "A-1" } },
    { reply: { ticketId: "A-1", text: "Use the blue bucket." } },
    { reply: { ticketId: "B-1", text: "You too." } },
    (results) => results.join(" "),
  ],
});
const agent = createAgent({
  model: new ChatOpenAI({
    model: model.name,
    apiKey: model.apiKey,
    configuration: { baseURL: model.baseURL },
  }),
  tools,
});
const { messages } = await agent.invoke({
  messages: [{ role: "user", content: "Help with ticket A-1, and tell B-1 the same." }],
});
console.log(messages.at(-1)?.text);
