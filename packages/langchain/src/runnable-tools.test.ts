import { currentKey, requireKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { RunnableLambda, type RunnableConfig } from "@langchain/core/runnables";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { collect, only, story, toolCall } from "./agent.fixture.ts";
import { wrapTool } from "./wrap-tools.ts";

const schema = z.object({ id: z.string().transform((id) => id.toUpperCase()) });
const scope = "tickets:read";

function asTool(body: (input: { id: string }, config: RunnableConfig) => unknown) {
  return RunnableLambda.from(body).asTool({ name: "get", description: "", schema });
}

describe("RunnableToolLike has no _call: its invoke runs under a key", () => {
  test("with a tool call: its id is on record, the input is parsed once, the result is the runnable's", async () => {
    const keys = testKeys();
    const inputs: unknown[] = [];
    const wrapped = wrapTool(
      asTool(({ id }) => [id, requireKey().id]),
      {
        keys,
        scope: (input) => {
          inputs.push(input);
          return { scope, where: { id: input.id } };
        },
      },
    );
    const [minted, result] = [
      only(keys.events, "key.minted"),
      await wrapped.invoke(toolCall("get", { id: "t-1" })),
    ];
    expect(minted).toEqual([]);
    const [event] = only(keys.events, "key.minted");
    expect(result).toEqual(["T-1", event?.keyId]);
    expect(inputs).toEqual([{ id: "T-1" }]);
    expect(event?.tool).toEqual({ name: "get", framework: "langchain", callId: "call_1" });
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });

  test("invalid input mints nothing", async () => {
    const keys = testKeys();
    const body = vi.fn<() => string>(() => "");
    const wrapped = wrapTool(asTool(body), { keys, scope });
    await expect(wrapped.invoke(toolCall("get", { id: 7 }))).rejects.toThrow("did not match");
    expect(keys.events.filter((event) => event.type.startsWith("key."))).toEqual([]);
    expect(body).not.toHaveBeenCalled();
  });

  test("a denial: the body never ran", async () => {
    const keys = testKeys({ policy: { "test-agent": { allow: [] } } });
    const body = vi.fn<() => string>(() => "");
    const wrapped = wrapTool(asTool(body), { keys, scope });
    await expect(wrapped.invoke(toolCall("get", { id: "t-1" }))).rejects.toMatchObject({
      code: "policy_denied",
    });
    expect(body).not.toHaveBeenCalled();
    expect(story(keys.events)).toEqual(["denied"]);
  });

  test.each([
    ["batch", (t: Wrapped) => t.batch([{ id: "a" }, { id: "b" }])],
    ["stream", async (t: Wrapped) => collect(await t.stream({ id: "a" }))],
    ["transform", (t: Wrapped) => collect(t.transform(once({ id: "a" }), {}))],
    ["withRetry", (t: Wrapped) => t.withRetry().invoke({ id: "a" })],
    ["withConfig", (t: Wrapped) => t.withConfig({ tags: ["x"] }).invoke({ id: "a" })],
    ["withListeners", (t: Wrapped) => t.withListeners({}).invoke({ id: "a" })],
    ["pipe", (t: Wrapped) => t.pipe((x: unknown) => x).invoke({ id: "a" })],
    ["streamEvents", (t: Wrapped) => collect(t.streamEvents({ id: "a" }, { version: "v2" }))],
  ])("%s does not pass the guard by", async (_, run) => {
    const keys = testKeys();
    const seen: unknown[] = [];
    const wrapped = wrapTool(
      asTool(() => {
        seen.push(currentKey()?.id);
        return "x";
      }),
      { keys, scope },
    );
    await run(wrapped);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(only(keys.events, "key.minted").map((event) => event.keyId));
    expect(only(keys.events, "key.closed").every((event) => event.outcome === "ok")).toBe(true);
  });

  test.each([
    ["batch", (t: Wrapped) => t.batch(calls), ["call_1", "call_2"]],
    ["batch, a config for each", (t: Wrapped) => t.batch(calls, [{}, {}]), ["call_1", "call_2"]],
    ["stream", async (t: Wrapped) => collect(await t.stream(calls[0]!)), ["call_1"]],
    [
      "streamEvents",
      (t: Wrapped) => collect(t.streamEvents(calls[0]!, { version: "v2" })),
      ["call_1"],
    ],
  ])("%s puts each call's id on record", async (_, run, ids) => {
    const keys = testKeys();
    await run(
      wrapTool(
        asTool(({ id }) => id),
        { keys, scope },
      ),
    );
    expect(only(keys.events, "key.minted").map(({ tool }) => tool?.callId)).toEqual(ids);
  });

  test("wrapping twice mints once, by the later options", async () => {
    const keys = testKeys();
    const once = wrapTool(
      asTool(() => requireKey().scopes),
      { keys, scope },
    );
    const twice = wrapTool(once, { keys, scope: "tickets:list" });
    await expect(twice.invoke(toolCall("get", { id: "a" }))).resolves.toEqual(["tickets:list"]);
    await expect(once.invoke(toolCall("get", { id: "a" }))).resolves.toEqual([scope]);
    expect(story(keys.events)).toEqual(["minted", "closed ok", "minted", "closed ok"]);
  });

  test("an object that only has invoke", async () => {
    class Plain {
      readonly name = "plain";
      readonly #secret = "private";
      async invoke(input: unknown): Promise<string> {
        return `${this.#secret} ${JSON.stringify(input)} ${requireKey().scopes.join()}`;
      }
    }
    const keys = testKeys();
    const wrapped = wrapTool(new Plain(), { keys, scope });
    await expect(wrapped.invoke({ a: 1 })).resolves.toBe(`private {"a":1} ${scope}`);
    await wrapped.invoke(toolCall("plain", { a: 1 }, "call_9"));
    expect(only(keys.events, "key.minted")[1]?.tool?.callId).toBe("call_9");
    const [first, second] = only(keys.events, "key.minted");
    expect(second?.argsDigest, "the arguments are the input, not the call").toBe(first?.argsDigest);
  });
});

const calls = [toolCall("get", { id: "a" }), toolCall("get", { id: "b" }, "call_2")];

type Wrapped = ReturnType<typeof asTool>;

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
