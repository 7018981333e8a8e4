import { requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { callOf, everythingIn, type Finished, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { type ExecuteOptions, wrapTools } from "./index.ts";

const inputSchema = z.object({ ticketId: z.string() });
const SECRET_ARGUMENT = "canary-argument";
const turns = ["works", "fails", "streams", "works", "denied"].map((name, index) =>
  callOf(name, { ticketId: SECRET_ARGUMENT }, `call-${index}`),
);
const loops = ["generateText", "streamText", "agentGenerate", "agentStream"] as const;

describe.each(majors)("$name", (ai: Major) => {
  test.each(loops)(
    "%s: no token in results, messages, prompts, stream parts, callbacks or telemetry spans",
    async (loop) => {
      const { keys, tokens, run, handed } = await runWith(ai, loop, () => ({ fine: true }));

      expect(new Set(tokens).size).toBe(4);
      const left = everythingIn(run, handed, keys.events);
      for (const token of tokens) {
        expect(left).not.toContain(token);
        // Nor in parts: the claims, or the signature.
        for (const part of token.split(".").slice(1)) expect(left).not.toContain(part);
      }
      // The record has no raw argument either, and no error of ours says one.
      expect(everythingIn(keys.events)).not.toContain(SECRET_ARGUMENT);
      const errors = run.ended.map((part) => part.error).filter((error) => error !== undefined);
      expect(errors).toHaveLength(2);
      expect(everythingIn(errors)).not.toContain(SECRET_ARGUMENT);
    },
  );

  test.each(loops)(
    "%s: a tool that leaks its token would be found in every one of them",
    async (loop) => {
      const { tokens, run } = await runWith(ai, loop, () => ({ leak: requireKey().token }));

      const [token] = tokens;
      expect(everythingIn(run.ended)).toContain(token);
      expect(everythingIn(run.content)).toContain(token);
      expect(everythingIn(run.messages)).toContain(token);
      expect(everythingIn(run.prompts)).toContain(token);
      const heard = (names: readonly string[]): unknown[] =>
        run.heard.filter((fact) =>
          Object.keys(fact as object).some((name) => names.includes(name)),
        );
      expect(everythingIn(heard(["onStepFinish"]))).toContain(token);
      expect(everythingIn(heard(["span", "startSpan", "executeTool", "onStepEnd"]))).toContain(
        token,
      );
      if (!loop.toLowerCase().includes("stream")) return;
      expect(everythingIn(run.chunks)).toContain(token);
      expect(everythingIn(run.browser)).toContain(token);
    },
  );

  test("a key that a tool returns by mistake goes out without its token", async () => {
    const { tokens, run } = await runWith(ai, "streamText", () => requireKey());

    expect(run.ended[0]?.output).toBeDefined();
    expect(JSON.stringify([run.browser, run.prompts])).toContain("AgentKey(");
    const left = everythingIn(run);
    for (const token of tokens) expect(left).not.toContain(token);
  });
});

/** Runs tools that succeed, fail, stream and are denied, and collects the tokens they saw. */
async function runWith(ai: Major, loop: (typeof loops)[number], result: () => unknown) {
  const tokens: string[] = [];
  const handed: unknown[] = [];
  const keys = testKeys({
    policy: { "test-agent": { allow: [{ scope: "tickets:*" }] } },
    auditKey: Buffer.alloc(32, 7),
  });
  const seeToken = (options: ExecuteOptions): void => {
    handed.push(options);
    tokens.push(requireKey().token);
  };
  const tools = wrapTools(
    {
      works: {
        inputSchema,
        execute: async (_: unknown, options: ExecuteOptions) => {
          seeToken(options);
          return await Promise.resolve(result());
        },
      },
      fails: {
        inputSchema,
        execute: (_: unknown, options: ExecuteOptions): never => {
          seeToken(options);
          throw new Error("no such ticket");
        },
      },
      streams: {
        inputSchema,
        async *execute(_: unknown, options: ExecuteOptions) {
          seeToken(options);
          yield await Promise.resolve("first");
          yield result();
        },
      },
      denied: { inputSchema, execute: (): string => "ran" },
    },
    {
      keys,
      scopes: {
        works: "tickets:read",
        fails: "tickets:read",
        streams: "tickets:list",
        denied: "repos:read",
      },
    },
  );
  const run: Finished = await ai[loop]({ tools, turns });
  return { keys, tokens, run, handed };
}
