import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { requireKey } from "@agent-keys/core";
import { testKeys, type TestKeys } from "@agent-keys/core/testing";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { createAgent } from "langchain";
import { Client } from "langsmith";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import * as z from "zod";
import { modelCalling, only, toldTo, toolCall } from "./agent.fixture.ts";
import { agentKeysMiddleware } from "./middleware.ts";
import { wrapTools } from "./wrap-tools.ts";

const schema = z.object({ id: z.string() });
const ask = { messages: [new HumanMessage("go")] };

let server: Server;
let sent: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      sent.push(Buffer.concat(chunks).toString());
      response.setHeader("content-type", "application/json").end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => server.close());

/** Runs with LangSmith's own tracer, and says everything that was sent and every callback's data. */
async function traced(run: (callbacks: BaseCallbackHandler[]) => Promise<unknown>) {
  sent = [];
  const seen: string[] = [];
  const client = new Client({
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey: "langsmith",
    autoBatchTracing: false,
  });
  const record = (...args: unknown[]): void => void seen.push(JSON.stringify(args));
  const handler = BaseCallbackHandler.fromMethods({
    handleToolStart: record,
    handleToolEnd: record,
    handleToolError: (error: Error, ...rest) => record(error.message, error.stack, error, ...rest),
    handleChainStart: record,
    handleChainEnd: record,
    handleChainError: (error: Error, ...rest) => record(error.message, error.stack, error, ...rest),
  });
  await run([handler, new LangChainTracer({ client })]).catch(() => undefined);
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  return { traces: sent.join("\n"), callbacks: seen.join("\n") };
}

test("no token reaches a LangSmith trace or a callback, from plain, runnable, denied and failing tools", async () => {
  const keys = testKeys({
    policy: {
      "test-agent": { allow: [{ scope: "tickets:*", expiresIn: 60 }], deny: ["tickets:delete"] },
    },
  });
  const tokens: string[] = [];
  const use = (): string => {
    tokens.push(requireKey().token);
    return "used";
  };
  const tools = [
    tool(use, { name: "get", schema }),
    tool(() => use() && String(requireKey()), { name: "show", schema }),
    tool(() => JSON.stringify({ key: requireKey(), used: use() }), { name: "dump", schema }),
    tool(
      (): string => {
        throw Object.assign(new Error(use()), { key: requireKey() });
      },
      { name: "fail", schema },
    ),
    tool(() => use(), { name: "remove", schema }),
    RunnableLambda.from(use).asTool({ name: "lambda", description: "", schema }),
  ];
  const scopes = {
    get: "tickets:read",
    show: "tickets:read",
    dump: "tickets:read",
    fail: "tickets:read",
    remove: "tickets:delete",
    lambda: "tickets:read",
  };
  const calls = Object.keys(scopes).map((name) => toolCall(name, { id: "1" }, `call_${name}`));
  const runs = [
    (callbacks: BaseCallbackHandler[]) =>
      createAgent({ model: modelCalling(calls), tools: wrapTools(tools, { keys, scopes }) }).invoke(
        ask,
        { callbacks },
      ),
    (callbacks: BaseCallbackHandler[]) =>
      createAgent({
        model: modelCalling([calls[0]!, calls[5]!]),
        tools,
        middleware: [agentKeysMiddleware({ keys, scopes })],
      }).invoke(ask, { callbacks }),
  ];
  for (const run of runs) {
    const { traces, callbacks } = await traced(run);
    expect(traces).toContain('"run_type":"tool"');
    expect(traces).toContain("used");
    expect(callbacks).toContain("used");
    for (const text of [traces, callbacks]) expectWithout(text, tokens);
  }
  expect(tokens.length).toBeGreaterThanOrEqual(7);
  expectWithout(JSON.stringify(keys.events), tokens);
});

test("an argument is in no error, audit event or trace that wrapping adds", async () => {
  const keys: TestKeys = testKeys({
    policy: { "test-agent": { allow: [{ scope: "tickets:*", where: { id: { prefix: "T-" } } }] } },
  });
  const canary = "CANARY-ARGUMENT";
  const body = vi.fn<() => string>(() => "");
  const tools = wrapTools([tool(body, { name: "get", schema })], {
    keys,
    scopes: { get: "tickets:read" },
  });
  const model = modelCalling([toolCall("get", { id: canary })]);
  const { callbacks } = await traced((handlers) =>
    createAgent({ model, tools }).invoke(ask, { callbacks: handlers }),
  );
  expect(body).not.toHaveBeenCalled();
  expect(only(keys.events, "key.denied")).toMatchObject([{ code: "constraint_failed" }]);
  expect(JSON.stringify(keys.events)).not.toContain(canary);
  expect(String(toldTo(model)[0]?.content)).not.toContain(canary);
  const failed = callbacks.split("\n").filter((line) => line.includes("AgentKeyError"));
  const errors = sent
    .map((text) => (JSON.parse(text || "{}") as { error?: string }).error ?? "")
    .filter(Boolean);
  expect(failed.length).toBeGreaterThan(0);
  expect(errors.length).toBeGreaterThan(0);
  // LangChain itself traces a call's input; what refused it does not say it again.
  for (const error of errors) expect(error).not.toContain(canary);
});

function expectWithout(text: string, tokens: readonly string[]): void {
  for (const token of tokens) {
    const [, claims = "", signature = ""] = token.split(".");
    const parts = [token, claims, signature];
    for (const part of parts) expect(text.includes(part)).toBe(false);
  }
}
