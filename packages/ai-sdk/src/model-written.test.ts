import type { Grant } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { callOf, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { story } from "../test/record.ts";
import { wrapTools } from "./index.ts";

const loops = ["generateText", "streamText", "agentGenerate", "agentStream"] as const;
const loose = z.record(z.string(), z.any());

/** Copies as LangGraph does, and as a transform of a developer's may. */
const copied = loose.transform((input) => {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) copy[name] = value as unknown;
  const inherited: unknown = copy["proto"];
  return typeof inherited === "object"
    ? Object.assign(Object.create(inherited) as object, copy)
    : copy;
});

/** A scope function that was written for a text. */
const echo = (input: unknown): Grant => {
  const { ticketId } = input as { ticketId: string };
  return { scope: "a:b", where: { ticketId } };
};

describe.each(majors)("$name", (ai: Major) => {
  describe.each(loops)("%s:", (loop) => {
    test.each([
      ["only", { scope: "a:b", only: true, where: { owner: "acme" } }],
      ["optional", { scope: "a:b", where: { region: { in: ["eu"], optional: true } } }],
    ] as const)("a model's __proto__ does not pass %s", async (_, rule) => {
      const keys = testKeys({ policy: { "test-agent": { allow: [rule] } } });
      const execute = vi.fn<() => string>(() => "ran");
      const tools = wrapTools(
        { take: { inputSchema: loose, execute } },
        { keys, scopes: { take: "a:b" } },
      );
      const input = '{"owner":"acme","__proto__":{"region":"evil"}}';
      // The SDK's own parser refuses such a text; should it not, the guard does.
      await ai[loop]({ tools, turns: [callOf("take", input)] }).catch(() => undefined);
      expect(execute).not.toHaveBeenCalled();
      expect(story(keys).filter((event) => event.includes("minted"))).toEqual([]);
    });

    test("nor do members that a transform made inherited", async () => {
      const keys = testKeys({ policy: "allow-all" });
      const execute = vi.fn<() => string>(() => "ran");
      const tools = wrapTools(
        { take: { inputSchema: copied, execute } },
        { keys, scopes: { take: "a:b" } },
      );
      const input = { owner: "acme", proto: { region: "evil" } };
      await ai[loop]({ tools, turns: [callOf("take", input)] });
      expect(execute).not.toHaveBeenCalled();
      expect(story(keys)).toEqual(["key.denied take input_invalid"]);
    });

    test("a model's operator is no value for a scope function that echoes it", async () => {
      const keys = testKeys({ policy: "allow-all" });
      const execute = vi.fn<() => string>(() => "ran");
      const tools = wrapTools(
        { take: { inputSchema: loose, execute } },
        {
          keys,
          scopes: { take: echo },
        },
      );
      await ai[loop]({ tools, turns: [callOf("take", { ticketId: { any: true } })] });
      expect(execute).not.toHaveBeenCalled();
      expect(story(keys)).toEqual(["key.denied take scope_invalid"]);
    });
  });
});
