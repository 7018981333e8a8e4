import type { AgentKeys } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/langchain";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, tool } from "langchain";
import * as z from "zod";
import type { Model } from "./model.ts";
import type { CallTickets } from "./tickets-client.ts";

/** A LangChain agent that answers tickets. Returns a function that asks it something. */
export function supportAgent(keys: AgentKeys, model: Model, tickets: CallTickets) {
  const ticketId = z.string();

  const getTicket = tool(
    ({ ticketId }) => tickets("GET", `/tickets/${encodeURIComponent(ticketId)}`),
    { name: "get_ticket", description: "Reads a ticket", schema: z.object({ ticketId }) },
  );
  const deleteTicket = tool(
    ({ ticketId }) => tickets("DELETE", `/tickets/${encodeURIComponent(ticketId)}`),
    { name: "delete_ticket", description: "Deletes a ticket", schema: z.object({ ticketId }) },
  );
  const reply = tool(
    ({ ticketId, text }) =>
      tickets("POST", `/tickets/${encodeURIComponent(ticketId)}/replies`, text),
    {
      name: "reply",
      description: "Replies to a ticket",
      schema: z.object({ ticketId, text: z.string() }),
    },
  );

  const tools = wrapTools([getTicket, deleteTicket, reply], {
    keys,
    scopes: {
      get_ticket: "tickets:read",
      delete_ticket: "tickets:delete",
      reply: ({ ticketId }) => ({
        scope: "tickets:reply",
        where: { ticketId },
        uses: 1,
        expiresIn: "30s",
      }),
    },
  });

  const agent = createAgent({
    model: new ChatOpenAI({
      model: model.name,
      apiKey: model.apiKey,
      configuration: { baseURL: model.baseURL },
    }),
    tools,
    systemPrompt: "You answer support tickets. Read the ticket, then reply to it.",
  });

  return async (prompt: string): Promise<string> => {
    const { messages } = await agent.invoke({ messages: [{ role: "user", content: prompt }] });
    return messages.at(-1)?.text ?? "";
  };
}
