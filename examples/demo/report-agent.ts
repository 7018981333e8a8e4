import { setTimeout as sleep } from "node:timers/promises";
import { wrapTools } from "@agent-keys/ai-sdk";
import type { AgentKeys } from "@agent-keys/core";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { stepCountIs, streamText, tool, ToolLoopAgent } from "ai";
import * as z from "zod";
import type { Model } from "./model.ts";
import type { CallTickets } from "./tickets-client.ts";

/** Longer than the 1 s that its key lives and the 2 s that clocks may differ. */
const SLOW_MS = 3_300;

/** An agent of the AI SDK that reports on tickets: as a loop, and as one `streamText`. */
export function reportAgent(keys: AgentKeys, { name, ...provider }: Model, tickets: CallTickets) {
  const ticketId = z.string();

  const getTicket = tool({
    description: "Reads a ticket",
    inputSchema: z.object({ ticketId }),
    execute: ({ ticketId }) => tickets("GET", `/tickets/${encodeURIComponent(ticketId)}`),
  });
  const listTickets = tool({
    description: "Lists all tickets",
    inputSchema: z.object({}),
    execute: () => tickets("GET", "/tickets"),
  });
  const exportTickets = tool({
    description: "Exports all tickets",
    inputSchema: z.object({}),
    async execute() {
      await sleep(SLOW_MS);
      return tickets("GET", "/tickets");
    },
  });
  const notify = tool({
    description: "Sends a note to a ticket's customer",
    inputSchema: z.object({ ticketId, text: z.string() }),
    async execute({ ticketId, text }) {
      const path = `/tickets/${encodeURIComponent(ticketId)}/replies`;
      await tickets("POST", path, text);
      // The bug: it sends again what was sent already.
      return tickets("POST", path, text);
    },
  });

  const tools = wrapTools(
    { getTicket, listTickets, exportTickets, notify },
    {
      keys,
      scopes: {
        getTicket: ({ ticketId }) => ({ scope: "tickets:read", where: { ticketId } }),
        listTickets: "tickets:read",
        exportTickets: { scope: "tickets:read", expiresIn: 1 },
        notify: { scope: "tickets:reply", uses: 1 },
      },
    },
  );

  const model = createOpenAICompatible({ name: "openai", ...provider })(name);
  const agent = new ToolLoopAgent({ model, tools });

  return {
    ask: async (prompt: string): Promise<string> => (await agent.generate({ prompt })).text,
    stream: async (prompt: string): Promise<string> => {
      let text = "";
      const { textStream } = streamText({ model, tools, prompt, stopWhen: stepCountIs(5) });
      for await (const piece of textStream) text += piece;
      return text;
    },
  };
}
