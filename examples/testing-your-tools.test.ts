// How to test your own tools: testKeys() keeps the audit in memory and has a clock that you move.
import { wrapTools } from "@agent-keys/ai-sdk";
import { type Policy, requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { tool } from "ai";
import { expect, test } from "vitest";
import * as z from "zod";

const policy: Policy = {
  "test-agent": { allow: [{ scope: "tickets:reply", where: { ticketId: { prefix: "A-" } } }] },
};
const call = { toolCallId: "call-1", messages: [], context: {} };

function setUp() {
  const keys = testKeys({ policy });
  const sent: { ticketId: string; token: string }[] = [];
  const reply = tool({
    inputSchema: z.object({ ticketId: z.string() }),
    async execute({ ticketId }) {
      sent.push({ ticketId, token: requireKey().token });
      return `Replied to ${ticketId}.`;
    },
  });
  const tools = wrapTools(
    { reply },
    {
      keys,
      scopes: { reply: ({ ticketId }) => ({ scope: "tickets:reply", where: { ticketId } }) },
    },
  );
  const run = async (ticketId: string) => tools.reply.execute?.({ ticketId }, call);
  return { keys, sent, run };
}

test("a reply within policy is sent, under a key for that ticket alone", async () => {
  const { keys, sent, run } = setUp();
  expect(await run("A-1")).toBe("Replied to A-1.");
  expect(sent).toHaveLength(1);
  expect(keys.events).toMatchObject([
    { type: "key.minted", grants: [{ scope: "tickets:reply", where: { ticketId: "A-1" } }] },
    { type: "key.closed", outcome: "ok" },
  ]);
});

test("a reply outside policy is refused, and nothing is sent", async () => {
  const { keys, sent, run } = setUp();
  await expect(run("B-1")).rejects.toMatchObject({ code: "policy_denied" });
  expect(sent).toEqual([]);
  expect(keys.events).toMatchObject([{ type: "key.denied", tool: { callId: "call-1" } }]);
});

test("a key is of no use after its call, nor after its time", async () => {
  const { keys, sent, run } = setUp();
  await run("A-1");
  await expect(keys.verify(sent[0]!.token)).rejects.toMatchObject({ code: "key_closed" });

  const key = keys.mint({ scope: "tickets:reply", where: { ticketId: "A-1" }, expiresIn: "10s" });
  keys.clock.advance("13s");
  await expect(keys.verify(key.token)).rejects.toMatchObject({ code: "key_expired" });
});
