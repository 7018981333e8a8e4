import { AgentKeyError, currentKey, requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { callOf, type Major } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { eventsOf, story } from "../test/record.ts";
import type { ExecuteOptions } from "./index.ts";
import { wrapTools } from "./index.ts";

const inputSchema = z.object({ ticketId: z.string() });
const turns = [callOf("getTicket", { ticketId: "t-1" }, "call-1")];
const loops = ["generateText", "streamText", "agentGenerate", "agentStream"] as const;

describe.each(majors)("$name", (ai: Major) => {
  test.each(loops)(
    "%s runs each execution under a key of its own, closed after it",
    async (loop) => {
      const keys = testKeys();
      const open: boolean[] = [];
      const seen: string[] = [];
      const getTicket = {
        inputSchema,
        execute: async ({ ticketId }: { ticketId: string }) => {
          const key = requireKey();
          await keys.verify(key.token, {
            request: { scope: "tickets:read", values: { ticketId } },
          });
          open.push(!key.closed);
          seen.push(key.id);
          return { ticketId };
        },
      };
      const tools = wrapTools({ getTicket }, { keys, scopes: { getTicket: "tickets:read" } });

      const run = await ai[loop]({ tools, turns: [...turns, ...turns] });

      expect(run.ended).toMatchObject([
        { type: "tool-result", output: { ticketId: "t-1" } },
        { type: "tool-result", output: { ticketId: "t-1" } },
      ]);
      const round = ["key.minted getTicket", "key.closed getTicket ok"];
      expect(story(keys)).toEqual([...round, ...round]);
      expect(open).toEqual([true, true]);
      expect(new Set(seen).size).toBe(2);
      expect(eventsOf(keys, "key.minted")[0]).toMatchObject({
        keyId: seen[0],
        agent: "test-agent",
        scopes: ["tickets:read"],
        tool: { name: "getTicket", callId: "call-1", framework: "ai-sdk" },
      });
      expect(currentKey()).toBeUndefined();
    },
  );

  test.each(loops)(
    "%s: a denied call never runs the body; the model gets constant text",
    async (loop) => {
      const keys = testKeys({
        policy: { "test-agent": { allow: [{ scope: "tickets:*", where: { ticketId: "t-9" } }] } },
      });
      const execute = vi.fn<() => string>(() => "ran");
      const tools = wrapTools(
        { getTicket: { inputSchema, execute } },
        { keys, scopes: { getTicket: "tickets:read" } },
      );

      const run = await ai[loop]({ tools, turns });

      expect(execute).not.toHaveBeenCalled();
      expect(story(keys)).toEqual(["key.denied getTicket constraint_failed"]);
      const [ended] = run.ended;
      expect(ended?.type).toBe("tool-error");
      expect(ended?.error).toBeInstanceOf(AgentKeyError);
      expect(ended?.error).toMatchObject({ code: "constraint_failed" });
      const text = "A value of this call is outside what the key may do (tickets:read).";
      const told = JSON.stringify(run.prompts.at(-1));
      expect(told).toContain(text);
      // The detail, for the developer, sits in `cause`, and reaches neither model nor browser.
      expect((ended!.error as Error).cause).toMatchObject({ message: "constrained: ticketId" });
      expect(told).not.toContain("constrained:");
      expect(JSON.stringify(run.browser)).not.toContain("constrained:");
    },
  );

  test.each(loops)("%s: invalid input mints nothing: the SDK validates first", async (loop) => {
    const keys = testKeys();
    const execute = vi.fn<() => string>(() => "ran");
    const scope = vi.fn<() => string>(() => "tickets:read");
    const tools = wrapTools(
      { getTicket: { inputSchema, execute } },
      { keys, scopes: { getTicket: scope } },
    );

    const run = await ai[loop]({
      tools,
      turns: [
        callOf("getTicket", { ticketId: 7 }),
        callOf("getTicket", "{not json"),
        callOf("gone", {}),
      ],
    });

    expect(run.ended.map((part) => part.type)).toEqual(["tool-error", "tool-error", "tool-error"]);
    expect(execute).not.toHaveBeenCalled();
    expect(scope).not.toHaveBeenCalled();
    expect(keys.events).toEqual([]);
  });

  test("the scope function sees the input after validation, and the SDK's own options", async () => {
    const keys = testKeys();
    const seen: unknown[] = [];
    const getTicket = {
      inputSchema: z.object({ ticketId: z.string().transform((id) => id.toUpperCase()) }),
      execute: (_: { ticketId: string }, options: ExecuteOptions) => options.toolCallId,
    };
    const tools = wrapTools(
      { getTicket },
      {
        keys,
        scopes: {
          getTicket: ({ ticketId }, call) => {
            seen.push(ticketId, call.toolCallId, call.messages.length);
            return { scope: "tickets:read", where: { ticketId } };
          },
        },
      },
    );

    await ai.generateText({ tools, turns });

    expect(seen).toEqual(["T-1", "call-1", 1]);
    expect(eventsOf(keys, "key.minted")[0]?.grants).toMatchObject([{ where: { ticketId: "T-1" } }]);
  });

  test("the options of execute are passed by reference, the request's context among them", async () => {
    const keys = testKeys();
    const user = { id: "u-1" };
    const handed: unknown[] = [];
    const got: unknown[] = [];
    const execute = (_: unknown, options: ExecuteOptions): string => {
      got.push(options);
      return "fine";
    };
    const tools = wrapTools(
      { getTicket: { inputSchema, execute } },
      {
        keys,
        scopes: { getTicket: (_, call) => (handed.push(call), "tickets:read") },
        context: (_, call) => {
          handed.push(call);
          const { id } = (call.context ?? call.experimental_context) as typeof user;
          return { user: id, txn: call.toolCallId };
        },
      },
    );

    await ai.generateText({ tools, turns, context: user });

    const [options] = got as [Record<string, unknown>];
    expect(handed).toEqual([options, options]);
    expect(handed.every((call) => call === options)).toBe(true);
    expect(options["context"] ?? options["experimental_context"]).toBe(user);
    expect("experimental_sandbox" in options).toBe(ai.name === "ai 7");
    // Per-request facts reach the mint.
    expect(eventsOf(keys, "key.minted")).toMatchObject([{ user: "u-1", txn: "call-1" }]);
  });

  test("parallel calls each see their own key", async () => {
    const keys = testKeys();
    const both = Promise.withResolvers<void>();
    const seen: string[][] = [];
    const getTicket = {
      inputSchema,
      execute: async ({ ticketId }: { ticketId: string }) => {
        const before = requireKey().id;
        seen.push([ticketId, before]);
        if (seen.length === 2) both.resolve();
        await both.promise;
        return { ticketId, same: requireKey().id === before };
      },
    };
    const tools = wrapTools({ getTicket }, { keys, scopes: { getTicket: "tickets:read" } });
    const calls = ["t-1", "t-2"].map((ticketId) => ({
      toolName: "getTicket",
      toolCallId: ticketId,
      input: { ticketId },
    }));

    const run = await ai.generateText({ tools, turns: [{ calls }] });

    expect(run.ended.map((part) => part.output)).toEqual([
      { ticketId: "t-1", same: true },
      { ticketId: "t-2", same: true },
    ]);
    const minted = eventsOf(keys, "key.minted").map((event) => [event.tool?.callId, event.keyId]);
    expect(minted).toEqual(seen);
    expect(new Set(seen.map(([, id]) => id)).size).toBe(2);
  });

  test("an error thrown by the tool passes through unchanged", async () => {
    const keys = testKeys();
    const boom = new Error("no such ticket");
    const fails = { inputSchema, execute: async () => await Promise.reject(boom) };
    const failsAtOnce = {
      inputSchema,
      execute: () => {
        throw boom;
      },
    };
    const tools = wrapTools(
      { fails, failsAtOnce },
      { keys, scopes: { fails: "a:b", failsAtOnce: "a:b" } },
    );

    const run = await ai.generateText({
      tools,
      turns: [callOf("fails", { ticketId: "t" }), callOf("failsAtOnce", { ticketId: "t" })],
    });

    expect(run.ended.map((part) => part.error)).toEqual([boom, boom]);
    expect(run.ended.every((part) => part.error === boom)).toBe(true);
    expect(story(keys)).toEqual([
      "key.minted fails",
      "key.closed fails error",
      "key.minted failsAtOnce",
      "key.closed failsAtOnce error",
    ]);
  });

  test("a result with isError: true is outcome error, and still the result", async () => {
    const keys = testKeys();
    const output = { isError: true, content: [{ type: "text", text: "not found" }] };
    const getTicket = { inputSchema, execute: async () => await Promise.resolve(output) };
    const tools = wrapTools({ getTicket }, { keys, scopes: { getTicket: "tickets:read" } });

    const run = await ai.generateText({ tools, turns });

    expect(run.ended).toMatchObject([{ type: "tool-result", output }]);
    expect(story(keys)).toEqual(["key.minted getTicket", "key.closed getTicket error"]);
  });

  test("scope false runs without a key, on purpose, inside another tool's call too", async () => {
    const keys = testKeys();
    const seen: unknown[] = [];
    const getTime = {
      inputSchema: z.object({}),
      execute: (...args: [object, ExecuteOptions]) => seen.push(currentKey(), args.length),
    };
    const outer = {
      inputSchema,
      execute: (_: unknown, options: ExecuteOptions) => {
        seen.push(currentKey()?.scopes);
        return tools.getTime.execute({}, options);
      },
    };
    const tools: { outer: typeof outer; getTime: typeof getTime } = wrapTools(
      { outer, getTime },
      { keys, scopes: { outer: "a:b", getTime: false } },
    );

    await ai.generateText({
      tools,
      turns: [callOf("getTime", {}), callOf("outer", { ticketId: "t" })],
    });

    expect(seen).toEqual([undefined, 2, ["a:b"], undefined, 2]);
    expect(story(keys)).toEqual(["key.minted outer", "key.closed outer ok"]);
  });

  test("nested calls mint under policy like any other, with the parent key's id, never attenuated", async () => {
    const keys = testKeys({
      policy: { "test-agent": { allow: [{ scope: "tickets:*" }, { scope: "agents:*" }] } },
    });
    const lives: number[] = [];
    const inner = wrapTools(
      {
        getTicket: { inputSchema, execute: () => lives.push(requireKey().expiresAt.getTime()) },
        remove: { inputSchema, execute: () => "ran" },
      },
      { keys, expiresIn: "1m", scopes: { getTicket: "tickets:read", remove: "repos:delete" } },
    );
    const ask = {
      inputSchema,
      execute: async () => {
        lives.push(requireKey().expiresAt.getTime());
        // Past the end of the outer key: a sub-agent outlives the key of the call that started it.
        keys.clock.advance("13s");
        const run = await ai.agentGenerate({
          tools: inner,
          turns: [...turns, callOf("remove", { ticketId: "t" })],
        });
        return run.ended.map((part) => part.type);
      },
    };
    const outer = wrapTools({ ask }, { keys, scopes: { ask: "agents:ask" } });

    const run = await ai.generateText({ tools: outer, turns: [callOf("ask", { ticketId: "t" })] });

    expect(run.ended[0]?.output).toEqual(["tool-result", "tool-error"]);
    const [parent, child] = eventsOf(keys, "key.minted");
    expect(parent).toMatchObject({ tool: { name: "ask" } });
    expect(parent?.parentId).toBeUndefined();
    expect(child).toMatchObject({ tool: { name: "getTicket" }, parentId: parent?.keyId });
    expect(eventsOf(keys, "key.denied")).toMatchObject([
      { tool: { name: "remove" }, parentId: parent?.keyId, code: "policy_denied" },
    ]);
    expect((lives[1] ?? 0) - (lives[0] ?? 0)).toBe(63_000);
  });
});
