import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { callOf, type Major } from "../test/major.ts";
import { withApproval } from "../test/majors.ts";
import { story } from "../test/record.ts";
import { wrapTools } from "./index.ts";

const inputSchema = z.object({ query: z.string() });
const search = callOf("search", { query: "q" });

describe.each(withApproval)("$name", (ai: Major) => {
  const perTool = { name: "needsApproval", tool: { needsApproval: true }, settings: {} };
  const perCall = {
    name: "toolApproval",
    tool: {},
    settings: { toolApproval: { search: "user-approval" } },
  };

  describe.each(ai.name === "ai 7" ? [perTool, perCall] : [perTool])("$name", (asked) => {
    test.each([
      [true, ["key.minted search", "key.closed search ok"]],
      [false, []],
    ])(
      "approved: %s; nothing is minted until the approved second call",
      async (approved, record) => {
        const keys = testKeys();
        const execute = vi.fn<() => string>(() => "found");
        const scope = vi.fn<() => string>(() => "web:search");
        const tools = wrapTools(
          { search: { inputSchema, execute, ...asked.tool } },
          { keys, scopes: { search: scope } },
        );
        const { settings } = asked;

        const first = await ai.generateText({ tools, turns: [search], settings });

        const request = first.content.find((part) => part.type === "tool-approval-request");
        expect(request?.approvalId).toBeTypeOf("string");
        expect(scope).not.toHaveBeenCalled();
        expect(keys.events).toEqual([]);

        const { approvalId } = request!;
        const answer = { type: "tool-approval-response", approvalId, approved };
        const messages = [
          { role: "user", content: "go" },
          ...first.messages,
          { role: "tool", content: [answer] },
        ];
        await ai.generateText({ tools, turns: [], messages, settings });

        expect(execute).toHaveBeenCalledTimes(approved ? 1 : 0);
        expect(story(keys)).toEqual(record);
      },
    );
  });
});
