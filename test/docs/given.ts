/** What a documented snippet takes as given: declared before it, so that it compiles as it stands. */
export const given: Readonly<Record<string, string>> = {
  vercel: `
    import { tool } from "ai";
    import { z } from "zod";
    const getTicket = tool({
      inputSchema: z.object({ ticketId: z.string() }),
      execute: async ({ ticketId }) => ticketId,
    });
    const reply = tool({
      inputSchema: z.object({ ticketId: z.string(), text: z.string() }),
      execute: async ({ text }) => text,
    });
    const getTime = tool({ inputSchema: z.object({}), execute: async () => 0 });
  `,
  request: `
    declare const bearer: string;
    declare const ticketId: string;
  `,
  keys: `
    import type { AgentKeys } from "@agent-keys/core";
    declare const keys: AgentKeys;
  `,
};
