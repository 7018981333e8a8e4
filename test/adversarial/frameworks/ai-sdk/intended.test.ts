/** Where a wrapped run is meant to differ from a bare one: what is refused, and when a key closes. */
import { AgentKeyError, requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { wrapTools } from "@agent-keys/ai-sdk";
import { describe, expect, test } from "vitest";
import { Journal } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { id, noting } from "./cases.ts";
import { loops, runOf } from "./observe.ts";
import { sdks } from "./sdks.ts";

describe.each(sdks)("$name", (sdk) => {
  describe.each(loops)("%s", (loop) => {
    test("a refused call: the body never runs, and the model is told by a constant text", async () => {
      const keys = testKeys({ policy: { "test-agent": { allow: [{ scope: "other:read" }] } } });
      const journal = new Journal();
      const run = runOf(sdk, loop, {
        tools: () => ({ get: noting(journal, "get", (input) => input.id) }),
        turns: [callOf("get", { id: "CANARY" })],
      });

      const { wire } = await run(
        journal,
        (tools) =>
          wrapTools(tools as Record<string, object>, {
            keys,
            defaultScope: () => "tickets:read",
          }) as never,
      );

      expect(journal.ran).toEqual([]);
      expect(keys.events).toMatchObject([
        { type: "key.denied", code: "policy_denied", tool: { name: "get", callId: "call-get" } },
      ]);
      const { message } = new AgentKeyError("policy_denied", { scopes: ["tickets:read"] });
      const told = JSON.parse(wire[1] ?? "{}") as {
        messages: { role?: string; content?: unknown }[];
      };
      const { role, content } = told.messages.at(-1) ?? {};
      // ai 7 puts the error's name before it.
      expect([role, String(content).replace("AgentKeyError: ", "")]).toEqual(["tool", message]);
    });

    test("an aborted call: its key is closed at once, while the body runs on", async () => {
      const keys = testKeys();
      const journal = new Journal();
      const atAbort = Promise.withResolvers<unknown[]>();
      const run = runOf(sdk, loop, {
        tools: () => ({
          get: noting(journal, "get", async () => {
            const key = requireKey();
            journal.abort.abort();
            const refused: unknown = await keys.verify(key.token).catch((error: unknown) => error);
            atAbort.resolve([key.closed, refused]);
            return "late";
          }),
        }),
        turns: [callOf("get", id)],
        aborted: true,
      });

      await run(
        journal,
        (tools) =>
          wrapTools(tools as Record<string, object>, {
            keys,
            defaultScope: () => "tickets:read",
          }) as never,
      );

      expect(await atAbort.promise).toEqual([
        true,
        expect.objectContaining({ code: "key_closed" }),
      ]);
      expect(keys.events.map(({ type }) => type)).toEqual(["key.minted", "key.closed"]);
      expect(keys.events[1]).toMatchObject({ outcome: "cancelled" });
    });
  });
});
