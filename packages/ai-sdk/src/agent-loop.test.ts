import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { callOf, everythingIn, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { wrapTools } from "./index.ts";

describe.each(majors)("$name", (ai: Major) => {
  test.each(["generateText", "streamText", "agentGenerate", "agentStream"] as const)(
    "%s runs",
    async (loop) => {
      const keys = testKeys();
      const tokens: string[] = [];
      const getTicket = {
        inputSchema: z.object({ ticketId: z.string() }),
        execute: async ({ ticketId }: { ticketId: string }) => {
          tokens.push(requireKey().token);
          return Promise.resolve({ ticketId });
        },
      };
      const tools = wrapTools({ getTicket }, { keys, scopes: { getTicket: "tickets:read" } });
      const run = await ai[loop]({ tools, turns: [callOf("getTicket", { ticketId: "t-1" })] });
      expect(run.ended).toMatchObject([{ type: "tool-result", output: { ticketId: "t-1" } }]);
      expect(keys.events.map((e) => e.type)).toEqual(["key.minted", "key.closed"]);
      expect(everythingIn(run)).not.toContain(tokens[0]);
    },
  );
});
