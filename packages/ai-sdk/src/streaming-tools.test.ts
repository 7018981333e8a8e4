import { currentKey, requireKey } from "@agent-keys/core";
import { testKeys, type TestKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { callOf, collect, type Major, type ToolPart } from "../test/major.ts";
import { majors } from "../test/majors.ts";
import { story } from "../test/record.ts";
import { type ExecuteOptions, wrapTools } from "./index.ts";

const inputSchema = z.object({ count: z.number() });
type Input = z.infer<typeof inputSchema>;
const turns = [callOf("rows", { count: 2 })];
const CALL: ExecuteOptions = { toolCallId: "call-1", messages: [] };
const OK = ["key.minted rows", "key.closed rows ok"];
const CANCELLED = ["key.minted rows", "key.closed rows cancelled"];

function wrapRows<T>(keys: TestKeys, execute: (input: Input, options: ExecuteOptions) => T) {
  return wrapTools({ rows: { inputSchema, execute } }, { keys, scopes: { rows: "db:read" } });
}

const outputs = (parts: readonly ToolPart[]): unknown[] =>
  parts.map(({ output, preliminary = false }) => ({ output, preliminary }));

describe.each(majors)("$name", (ai: Major) => {
  test.each(["streamText", "agentStream"] as const)(
    "%s keeps a streaming tool's preliminary results; every step of its body runs under the key",
    async (loop) => {
      const keys = testKeys();
      const seen: unknown[] = [];
      const tools = wrapRows(keys, async function* ({ count }) {
        for (let row = 1; row <= count; row += 1) {
          seen.push(requireKey().closed, requireKey().id);
          yield await Promise.resolve({ row });
        }
        seen.push(requireKey().closed, requireKey().id);
      });

      const run = await ai[loop]({ tools, turns });

      expect(outputs(run.chunks)).toEqual([
        { output: { row: 1 }, preliminary: true },
        { output: { row: 2 }, preliminary: true },
        { output: { row: 2 }, preliminary: false },
      ]);
      expect(story(keys)).toEqual(OK);
      const [, id] = seen;
      expect(seen).toEqual([false, id, false, id, false, id]);
    },
  );

  test.each([
    ["a value", (): unknown => "rows"],
    ["a promise", async (): Promise<unknown> => await Promise.resolve("rows")],
    ["nothing", (): unknown => undefined],
  ] as const)(
    "a plain tool that returns %s has no spurious preliminary result",
    async (_, execute) => {
      const keys = testKeys();

      const run = await ai.streamText({ tools: wrapRows<unknown>(keys, execute), turns });

      expect(run.chunks).toHaveLength(1);
      expect(run.chunks[0]).not.toHaveProperty("preliminary");
      expect(story(keys)).toEqual(OK);
    },
  );

  test("a streaming tool in generateText gives its last value", async () => {
    const keys = testKeys();
    const tools = wrapRows(keys, async function* () {
      yield await Promise.resolve("first");
      yield "last";
    });

    const run = await ai.generateText({ tools, turns });

    expect(run.ended.map((part) => part.output)).toEqual(["last"]);
    expect(story(keys)).toEqual(OK);
  });

  test("a streaming tool that throws half-way: its error unchanged, outcome error", async () => {
    const keys = testKeys();
    const boom = new Error("the table is gone");
    const tools = wrapRows(keys, async function* () {
      yield await Promise.resolve("first");
      throw boom;
    });

    const run = await ai.streamText({ tools, turns });

    expect(run.chunks.map((part) => part.output ?? part.error)).toEqual(["first", boom]);
    expect(story(keys)).toEqual(["key.minted rows", "key.closed rows error"]);
  });

  test("abort closes the key as cancelled at once, exactly once, while the body runs on", async () => {
    const keys = testKeys();
    const controller = new AbortController();
    const release = Promise.withResolvers<string>();
    const atAbort: unknown[] = [];
    const tools = wrapRows(keys, async (_, { abortSignal }) => {
      const key = requireKey();
      controller.abort();
      atAbort.push(abortSignal?.aborted, key.closed, story(keys));
      const refused: unknown = await keys.verify(key.token).catch((error: unknown) => error);
      atAbort.push(refused);
      release.resolve("late");
      return await release.promise;
    });

    // Whether the SDK rejects, or ends with what it has, is its own affair.
    await ai.generateText({ tools, turns, abortSignal: controller.signal }).catch(() => undefined);
    await release.promise;

    expect(atAbort).toEqual([
      true,
      true,
      CANCELLED,
      expect.objectContaining({ code: "key_closed" }),
    ]);
    expect(story(keys)).toEqual(CANCELLED);
  });
});

describe("execute, called as the SDK calls it", () => {
  test("keeps the kind of its result exactly", async () => {
    const keys = testKeys();
    const kinds = wrapTools(
      {
        value: { execute: (input: Input) => input.count },
        promise: { execute: async (input: Input) => await Promise.resolve(input.count) },
        generator: {
          async *execute(input: Input) {
            yield await Promise.resolve(input.count);
          },
        },
        iterable: {
          execute: (input: Input): AsyncIterable<number> => ({
            [Symbol.asyncIterator]: async function* () {
              yield await Promise.resolve(input.count);
            },
          }),
        },
      },
      { keys, scopes: { value: "a:b", promise: "a:b", generator: "a:b", iterable: "a:b" } },
    );
    const input = { count: 3 };

    expect(kinds.value.execute(input)).toBe(3);
    expect(kinds.promise.execute(input)).toBeInstanceOf(Promise);
    await expect(kinds.promise.execute(input)).resolves.toBe(3);
    for (const streaming of [kinds.generator, kinds.iterable]) {
      const result = streaming.execute(input);
      expect(result).not.toHaveProperty("then");
      expect(Symbol.asyncIterator in result).toBe(true);
      await expect(collect(result)).resolves.toEqual([3]);
    }
  });

  test.each(["a:b", false] as const)(
    "hands on the tool's own promise, scope %s: another would settle later",
    async (scope) => {
      const keys = testKeys();
      const promise = Promise.resolve(3);
      const { get } = wrapTools(
        { get: { execute: () => promise } },
        { keys, scopes: { get: scope } },
      );

      const result = get.execute();

      expect(result).toBe(promise);
      await result;
      expect(story(keys)).toEqual(scope === false ? [] : ["key.minted get", "key.closed get ok"]);
    },
  );

  test("an early return runs the generator's cleanup under the key, and closes it as cancelled", async () => {
    const keys = testKeys();
    const seen: unknown[] = [];
    const { rows } = wrapRows(keys, async function* () {
      try {
        yield await Promise.resolve("first");
        yield "never";
      } finally {
        seen.push(requireKey().closed);
      }
    });

    for await (const row of rows.execute({ count: 1 }, CALL)) {
      seen.push(row);
      break;
    }

    expect(seen).toEqual(["first", false]);
    expect(story(keys)).toEqual(CANCELLED);
  });

  test("throw() into a generator runs under the key too", async () => {
    const keys = testKeys();
    const { rows } = wrapRows(keys, async function* () {
      try {
        yield await Promise.resolve("first");
      } catch (error) {
        yield [requireKey().closed, error];
      }
    });
    const steps = rows.execute({ count: 1 }, CALL);

    await steps.next();
    const caught = await steps.throw("stop");
    await steps.next();

    expect(caught.value).toEqual([false, "stop"]);
    expect(story(keys)).toEqual(OK);
  });

  test("abort in the middle of a stream, then an early return: closed exactly once", async () => {
    const keys = testKeys();
    const controller = new AbortController();
    const { rows } = wrapRows(keys, async function* () {
      yield await Promise.resolve("first");
      yield "second";
    });
    const steps = rows.execute({ count: 1 }, { ...CALL, abortSignal: controller.signal });

    await steps.next();
    expect(story(keys)).toEqual(["key.minted rows"]);
    controller.abort();
    expect(story(keys)).toEqual(CANCELLED);
    await steps.return();

    expect(story(keys)).toEqual(CANCELLED);
  });

  test("a signal that is aborted already opens no live key", () => {
    const keys = testKeys();
    const { rows } = wrapRows(keys, () => currentKey()?.closed);

    const closed = rows.execute({ count: 1 }, { ...CALL, abortSignal: AbortSignal.abort() });

    expect(closed).toBe(true);
    expect(story(keys)).toEqual(CANCELLED);
  });

  test("a call without options, or with an empty id, is still a call", () => {
    const keys = testKeys();
    const { rows } = wrapRows(keys, () => requireKey().scopes);
    const execute = rows.execute as (input: Input, options?: unknown) => unknown;

    expect(execute({ count: 1 })).toEqual(["db:read"]);
    expect(execute({ count: 1 }, { toolCallId: "", abortSignal: "no signal" })).toEqual([
      "db:read",
    ]);

    expect(story(keys)).toEqual([...OK, ...OK]);
  });
});
