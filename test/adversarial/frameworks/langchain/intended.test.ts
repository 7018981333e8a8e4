/** Where a wrapped run is meant to differ from a bare one: what is refused, when a key closes, and how a
 * runnable streams. */
import { AgentKeyError, currentKey, requireKey } from "@agent-keys/core";
import { testKeys, type TestKeys } from "@agent-keys/core/testing";
import { wrapTools } from "@agent-keys/langchain";
import { describe, expect, test } from "vitest";
import { Journal, type Wrap } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { id, type Input, noting, schema } from "./cases.ts";
import { directDrivers } from "./direct-drivers.ts";
import type { Runnable } from "./drivers.ts";
import { agentDrivers, allAgents } from "./graph-drivers.ts";
import { byMiddleware, runOf } from "./observe.ts";
import { versions, withAgents, withMiddleware } from "./versions.ts";

const under =
  (keys: TestKeys): Wrap =>
  (_, wrap) =>
    wrap(keys, "tickets:read");

const refusing = (): TestKeys =>
  testKeys({ policy: { "test-agent": { allow: [{ scope: "other:read" }] } } });

const { message: refusal } = new AgentKeyError("policy_denied", { scopes: ["tickets:read"] });
const denied = {
  type: "key.denied",
  code: "policy_denied",
  tool: { name: "get", callId: "call-get" },
};

describe.each(withAgents)("$name", (lang) => {
  test.each(allAgents)(
    "$name, a refused call: the body never runs, and the model is told by a constant text",
    async (driver) => {
      const keys = refusing();
      const journal = new Journal();
      const run = runOf(lang, driver, {
        tools: () => [noting(lang, journal, "get", (input) => input.id)],
        turns: [callOf("get", { id: "CANARY" })],
      });

      const { wire } = await run(journal, under(keys));

      expect(journal.ran).toEqual([]);
      expect(keys.events).toMatchObject([denied]);
      const { messages } = JSON.parse(wire[1] ?? "{}") as { messages: { content?: unknown }[] };
      // What LangChain makes of any error: createAgent tells its name too.
      const name = driver.name.startsWith("createAgent") ? "AgentKeyError" : "Error";
      expect(messages.at(-1)).toEqual({
        role: "tool",
        tool_call_id: "call-get",
        name: "get",
        content: `${name}: ${refusal}\n Please fix your mistakes.`,
      });
    },
  );
});

describe.each(withMiddleware)("$name", (lang) => {
  test.each(agentDrivers)(
    "$name, a call that the middleware refuses: the body never runs, and the run is rejected",
    async (driver) => {
      const keys = refusing();
      const journal = new Journal();
      const scenario = {
        tools: () => [noting(lang, journal, "get", (input) => input.id)],
        turns: [callOf("get", { id: "CANARY" })],
      };
      const run = runOf(lang, driver, scenario, byMiddleware);

      const { wire, seen } = await run(journal, under(keys));

      expect(journal.ran).toEqual([]);
      expect(keys.events).toMatchObject([denied]);
      expect(wire).toHaveLength(1);
      const { result } = seen as { readonly result: readonly unknown[] };
      const [last] = result.flat().slice(-1) as { rejected?: Error; broke?: Error }[];
      expect((last?.rejected ?? last?.broke)?.message).toContain(refusal);
    },
  );
});

describe.each(versions)("$name", (lang) => {
  const drivers =
    "langchain" in lang ? [...directDrivers.slice(0, 1), ...allAgents] : directDrivers.slice(0, 1);

  test.each(drivers)(
    "$name, an aborted call: its key is closed at once, while the body runs on",
    async (driver) => {
      const keys = testKeys();
      const journal = new Journal();
      const atAbort = Promise.withResolvers<unknown[]>();
      const run = runOf(lang, driver, {
        tools: () => [
          noting(lang, journal, "get", async () => {
            const key = requireKey();
            journal.abort.abort();
            const refused: unknown = await keys.verify(key.token).catch((error: unknown) => error);
            atAbort.resolve([key.closed, refused]);
            return "late";
          }),
        ],
        config: () => ({ signal: journal.abort.signal }),
        turns: [callOf("get", id)],
      });

      await run(journal, under(keys));

      const key_closed: unknown = expect.objectContaining({ code: "key_closed" });
      expect(await atAbort.promise).toEqual([true, key_closed]);
      expect(keys.events).toMatchObject([
        { type: "key.minted" },
        { type: "key.closed", outcome: "cancelled" },
      ]);
    },
  );

  test("a runnable as a tool, streamed by itself: the same in one chunk, and under a key", async () => {
    const keys = testKeys();
    const ran: (string | undefined)[] = [];
    const rows = lang.runnables.RunnableLambda.from(async function* (input: Input) {
      ran.push(currentKey()?.scopes.join());
      yield `${input.id} one`;
      yield ", two";
    });
    const bare = rows.asTool({ name: "rows", description: "rows", schema });
    const [wrapped] = wrapTools([bare], { keys, scopes: { rows: "tickets:read" } });
    const chunks = async (tool: unknown): Promise<unknown[]> => {
      const all: unknown[] = [];
      for await (const chunk of await (tool as Runnable).stream(id)) all.push(chunk);
      return all;
    };

    expect(await chunks(bare)).toEqual(["t-1 one", ", two"]);
    expect(await chunks(wrapped)).toEqual(["t-1 one, two"]);
    expect(ran).toEqual([undefined, "tickets:read"]);
    expect(keys.events.map(({ type }) => type)).toEqual(["key.minted", "key.closed"]);
  });
});
