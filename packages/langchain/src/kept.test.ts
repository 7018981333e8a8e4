import { currentKey, requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { ToolMessage } from "@langchain/core/messages";
import { tool, type ToolRuntime } from "@langchain/core/tools";
import { Command } from "@langchain/langgraph";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { collect, only, story, toolCall } from "./agent.fixture.ts";
import { wrapTool } from "./wrap-tools.ts";

const schema = z.object({ id: z.string() });
const scope = "tickets:read";
const fields = { name: "get", schema };

describe("intercepting at _call keeps what LangChain does in invoke", () => {
  test("artifacts, responseFormat, returnDirect, extras, metadata, tags, default timeout", async () => {
    const keys = testKeys();
    const original = tool(({ id }) => [`content ${id}`, { raw: requireKey().id }], {
      ...fields,
      responseFormat: "content_and_artifact",
      returnDirect: true,
      extras: { cache: true },
      metadata: { team: "a" },
      tags: ["t"],
      defaultConfig: { timeout: 5000 },
      verboseParsingErrors: true,
    });
    const wrapped = wrapTool(original, { keys, scope });
    const message: unknown = await wrapped.invoke(toolCall("get", { id: "T-1" }));
    expect(message).toBeInstanceOf(ToolMessage);
    expect(message).toMatchObject({
      content: "content T-1",
      artifact: { raw: only(keys.events, "key.minted")[0]?.keyId },
      tool_call_id: "call_1",
      status: "success",
      name: "get",
    });
    for (const name of [
      "responseFormat",
      "returnDirect",
      "extras",
      "metadata",
      "tags",
      "defaultConfig",
      "verboseParsingErrors",
      "description",
      "schema",
      "lc_namespace",
      "lc_kwargs",
    ] as const) {
      expect({ [name]: wrapped[name] }).toEqual({ [name]: original[name] });
    }
    expect(wrapped.toJSON()).toEqual(original.toJSON());
  });

  test("callbacks: the same events, with the same data, as without a key", async () => {
    const seen = async (run: (callbacks: BaseCallbackHandler[]) => Promise<unknown>) => {
      const events: unknown[] = [];
      const record = (...args: unknown[]): void =>
        void events.push(JSON.stringify(args.slice(0, 2)));
      const handler = BaseCallbackHandler.fromMethods({
        handleToolStart: (...args) => record("start", args[1], args[6]),
        handleToolEnd: (output) => record("end", output),
        handleToolEvent: (chunk) => record("event", chunk),
        handleToolError: (error: Error) => record("error", error.message),
      });
      await run([handler]).catch(() => undefined);
      return events;
    };
    const bodies = [
      () => "plain",
      () => {
        throw new Error("broken");
      },
      async function* () {
        yield 1;
        yield 2;
        return "end";
      },
    ];
    for (const body of bodies) {
      const original = tool(body as () => string, fields);
      const wrapped = wrapTool(original, { keys: testKeys(), scope });
      const call = toolCall("get", { id: "T-1" });
      const plain = await seen((callbacks) => original.invoke(call, { callbacks }));
      expect(await seen((callbacks) => wrapped.invoke(call, { callbacks }))).toEqual(plain);
      expect(plain.length).toBeGreaterThan(1);
    }
  });

  test("batch, withRetry, stream, pipe and .call() each mint per execution", async () => {
    const keys = testKeys();
    let failures = 1;
    const wrapped = wrapTool(
      tool(() => {
        requireKey();
        if (failures-- > 0) throw new Error("flaky");
        return "fine";
      }, fields),
      { keys, scope },
    );
    await expect(wrapped.withRetry({ stopAfterAttempt: 2 }).invoke({ id: "a" })).resolves.toBe(
      "fine",
    );
    expect(story(keys.events)).toEqual(["minted", "closed error", "minted", "closed ok"]);
    await expect(wrapped.batch([{ id: "a" }, { id: "b" }])).resolves.toEqual(["fine", "fine"]);
    await expect(collect(await wrapped.stream({ id: "a" }))).resolves.toEqual(["fine"]);
    await expect(wrapped.pipe((x: unknown) => x).invoke({ id: "a" })).resolves.toBe("fine");
    await expect(wrapped.call({ id: "a" })).resolves.toBe("fine");
    expect(only(keys.events, "key.minted")).toHaveLength(7);
    expect(only(keys.events, "key.closed")).toHaveLength(7);
  });

  test("a schema's transform is parsed once, and the scope function sees what the body sees", async () => {
    const parse = vi.fn<(id: string) => string>((id) => `${id}!`);
    const inputs: unknown[] = [];
    const wrapped = wrapTool(
      tool(({ id }) => id, { name: "get", schema: z.object({ id: z.string().transform(parse) }) }),
      { keys: testKeys(), scope: (input) => (inputs.push(input), scope) },
    );
    await expect(wrapped.invoke({ id: "T" })).resolves.toBe("T!");
    expect(parse).toHaveBeenCalledOnce();
    expect(inputs).toEqual([{ id: "T!" }]);
  });

  test("invalid input mints nothing", async () => {
    const keys = testKeys();
    const body = vi.fn<() => string>(() => "");
    const decide = vi.fn<() => string>(() => scope);
    const wrapped = wrapTool(tool(body, fields), { keys, scope: decide });
    await expect(wrapped.invoke({ id: 7 } as never)).rejects.toThrow("did not match");
    expect(body).not.toHaveBeenCalled();
    expect(decide).not.toHaveBeenCalled();
    expect(story(keys.events)).toEqual([]);
  });

  test("the second argument is handed on as it is, with nothing of ours in it", async () => {
    const runtimes: Record<string, unknown>[] = [];
    const body = (_: unknown, runtime: ToolRuntime): string => {
      runtimes.push({ ...runtime, callbacks: undefined, runId: undefined });
      return "";
    };
    const original = tool(body, fields);
    const config = {
      configurable: { thread_id: "1" },
      metadata: { a: 1 },
      context: { user: "ada" },
    };
    await original.invoke(toolCall("get", { id: "a" }), config);
    await wrapTool(original, { keys: testKeys(), scope }).invoke(
      toolCall("get", { id: "a" }),
      config,
    );
    expect(runtimes[1]).toEqual(runtimes[0]);
    expect(runtimes[0]).toMatchObject(config);
  });
});

describe("results and outcomes", () => {
  test("Command and ToolMessage pass through untouched", async () => {
    for (const result of [
      new Command({ update: { seen: true } }),
      new ToolMessage({ content: "x", tool_call_id: "call_1", status: "success" }),
    ]) {
      const keys = testKeys();
      const wrapped = wrapTool(
        tool(() => result, fields),
        { keys, scope },
      );
      await expect(wrapped.invoke(toolCall("get", { id: "a" }))).resolves.toBe(result);
      expect(story(keys.events)).toEqual(["minted", "closed ok"]);
    }
  });

  test('a ToolMessage with status "error" is outcome error, beside an artifact too', async () => {
    const failed = new ToolMessage({ content: "no", tool_call_id: "call_1", status: "error" });
    const keys = testKeys();
    const call = toolCall("get", { id: "a" });
    const plain = wrapTool(
      tool(() => failed, fields),
      { keys, scope },
    );
    const pair = wrapTool(
      tool(() => [failed, 1], { ...fields, responseFormat: "content_and_artifact" }),
      { keys, scope },
    );
    await expect(plain.invoke(call)).resolves.toBe(failed);
    await expect(pair.invoke(call)).resolves.toBe(failed);
    expect(story(keys.events)).toEqual(["minted", "closed error", "minted", "closed error"]);
  });

  test("generator tools: every step runs under the key, which closes when the generator ends", async () => {
    const keys = testKeys();
    const seen: unknown[] = [];
    const generate = tool(async function* ({ id }) {
      seen.push(currentKey()?.closed);
      yield id;
      seen.push(currentKey()?.closed);
      yield id;
      return `${currentKey()?.closed}`;
    }, fields);
    await expect(wrapTool(generate, { keys, scope }).invoke({ id: "a" })).resolves.toBe("false");
    expect(seen).toEqual([false, false]);
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });

  test("a generator that throws, and one whose consumer stops early: closed exactly once", async () => {
    const keys = testKeys();
    const failing = tool(async function* () {
      yield 1;
      throw new Error("broken");
    }, fields);
    await expect(wrapTool(failing, { keys, scope }).invoke({ id: "a" })).rejects.toThrow("broken");
    expect(story(keys.events)).toEqual(["minted", "closed error"]);

    let cleanedUnder: string | undefined;
    const endless = tool(async function* () {
      try {
        for (;;) yield 1;
      } finally {
        cleanedUnder = currentKey()?.id;
      }
    }, fields);
    const steps = (await wrapTool(endless, { keys, scope }).func({
      id: "a",
    })) as unknown as AsyncGenerator;
    await steps.next();
    await steps.return(undefined);
    await steps.return(undefined);
    expect(story(keys.events).slice(2)).toEqual(["minted", "closed cancelled"]);
    expect(cleanedUnder).toBe(only(keys.events, "key.minted")[1]?.keyId);
  });

  test("abort: tool() rejects at once while the body runs on, and the key is closed at the rejection", async () => {
    const keys = testKeys();
    const abort = new AbortController();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const late = Promise.withResolvers<boolean | undefined>();
    const wrapped = wrapTool(
      tool(async () => {
        const key = requireKey();
        started.resolve();
        await release.promise;
        late.resolve(key.closed);
        return "late";
      }, fields),
      { keys, scope },
    );
    const run = wrapped.invoke({ id: "a" }, { signal: abort.signal });
    await started.promise;
    abort.abort();
    await expect(run).rejects.toThrow("aborted");
    expect(story(keys.events)).toEqual(["minted", "closed cancelled"]);
    release.resolve();
    await expect(late.promise, "the body sees that its key is closed").resolves.toBe(true);
    expect(story(keys.events)).toHaveLength(2);
  });

  test("a timeout of the config closes the key", async () => {
    const keys = testKeys();
    const wrapped = wrapTool(
      tool(() => new Promise<string>(() => {}), fields),
      { keys, scope },
    );
    await expect(wrapped.invoke({ id: "a" }, { timeout: 10 })).rejects.toThrow("timeout");
    expect(story(keys.events)).toEqual(["minted", "closed cancelled"]);
  });

  test("false: the tool runs without a key, inside an outer key and in a generator's steps too", async () => {
    const keys = testKeys();
    const options = { keys, scope: false } as const;
    const plain = wrapTool(
      tool(() => String(currentKey()), fields),
      options,
    );
    const steps = wrapTool(
      tool(async function* () {
        yield 1;
        return String(currentKey());
      }, fields),
      options,
    );
    const outer = wrapTool(
      tool(
        async () => [
          await plain.invoke({ id: "a" }),
          await steps.invoke({ id: "a" }),
          currentKey()?.closed,
        ],
        fields,
      ),
      { keys, scope },
    );
    await expect(plain.invoke({ id: "a" })).resolves.toBe("undefined");
    await expect(outer.invoke({ id: "a" })).resolves.toEqual(["undefined", "undefined", false]);
    expect(only(keys.events, "key.minted")).toHaveLength(1);
  });
});
