/**
 * Both frameworks, with their tracers on, in a process of its own. It says over IPC what went out by
 * each channel. `plant` makes every channel leak on purpose; otherwise nothing may.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { wrapTools as wrapAiTools } from "@agent-keys/ai-sdk";
import {
  type AgentKey,
  consoleSink,
  createAgentKeys,
  fileSink,
  jsonSink,
  requireKey,
} from "@agent-keys/core";
import { wrapTools as wrapLangchainTools } from "@agent-keys/langchain";
import { OpenTelemetry } from "@ai-sdk/otel";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { isStepCount, registerTelemetry, simulateReadableStream, streamText } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { createAgent } from "langchain";
import { Client } from "langsmith";
import * as z from "zod";
import { ARGUMENT, EMAIL, partsOf, SECRET } from "./canaries.ts";

const [, , path = "", mode] = process.argv;
const plant = mode === "plant";
const everything = { depth: null, showHidden: true, maxArrayLength: null, maxStringLength: null };
const show = (value: unknown): string => inspect(value, everything);

const channels: Record<string, unknown[]> = {
  "LangSmith's traces": [],
  "OpenTelemetry's spans": [],
  "LangChain's callbacks": [],
  "stream parts": [],
  messages: [],
  errors: [],
  warnings: [],
  "copies and what other threads get": [],
  "process title, arguments and environment": [],
};
const tell = (channel: string, ...values: readonly unknown[]): void => {
  channels[channel]?.push(
    ...values.map((value) => (typeof value === "string" ? value : show(value))),
  );
};
process.on("warning", (warning) => tell("warnings", warning, warning.stack));

const keys = createAgentKeys({
  agent: "bot",
  policy: { bot: { allow: [{ scope: "mail:*", where: { email: { suffix: "@example.com" } } }] } },
  redact: ["email"],
  audit: [fileSink(path), consoleSink(), jsonSink()],
});
const tokens: string[] = [];
let last: AgentKey | undefined;
const leak = (): string => [...partsOf(tokens[0] ?? ""), SECRET, ARGUMENT, EMAIL].join("_");

/** A body that works with its credential and with its key. */
function work(): string {
  last = requireKey();
  tokens.push(last.token);
  const header = `Bearer ${SECRET} ${last.token}`;
  tell("copies and what other threads get", structuredClone({ last }), posted(last));
  return plant ? leak() : `sent ${header.length} characters`;
}

function posted(value: unknown): unknown {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage({ value });
  const received: unknown = receiveMessageOnPort(port2);
  port1.close();
  return received;
}

const schema = z.object({ email: z.string(), body: z.string() });
const own = ({ email }: z.infer<typeof schema>) => ({ scope: "mail:send", where: { email } });
const scopes = { send: own, fail: own, refuse: () => "vault:open", outside: "mail:send" };
const inputs = {
  send: { email: EMAIL, body: ARGUMENT },
  fail: { email: EMAIL, body: ARGUMENT },
  refuse: { email: EMAIL, body: ARGUMENT },
  outside: { email: `${EMAIL}.evil`, body: ARGUMENT },
};
type Name = keyof typeof inputs;
const names = Object.keys(inputs) as Name[];
const failing = (): never => {
  throw Object.assign(new Error(`failed: ${work()}`), { key: requireKey() });
};
const bodies = { send: work, fail: failing, refuse: work, outside: work };

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
registerTelemetry(new OpenTelemetry({ tracer: provider.getTracer("canary") }));

async function aiSdk(): Promise<void> {
  const executable = (name: Name) => ({
    inputSchema: schema,
    execute: ({ email }: z.infer<typeof schema>): string => (email === "" ? "" : bodies[name]()),
  });
  const tools = wrapAiTools(
    {
      send: executable("send"),
      fail: executable("fail"),
      refuse: executable("refuse"),
      outside: executable("outside"),
    },
    { keys, scopes },
  );
  let turn = 0;
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const calls = names.map((name) => ({
    type: "tool-call",
    toolCallId: `ai-${name}`,
    toolName: name,
    input: JSON.stringify(inputs[name]),
  }));
  const model = new MockLanguageModelV4({
    doStream: async () => {
      const parts = turn++ === 0 ? calls : [];
      const unified = parts.length > 0 ? "tool-calls" : "stop";
      const end = { type: "finish", finishReason: { unified, raw: undefined }, usage };
      const chunks = [{ type: "stream-start", warnings: [] }, ...parts, end];
      return await Promise.resolve({ stream: simulateReadableStream({ chunks }) } as never);
    },
  });
  const result = streamText({
    model,
    tools,
    prompt: "go",
    stopWhen: isStepCount(2),
    maxRetries: 0,
  });
  for await (const part of result.fullStream) {
    tell("stream parts", part, JSON.stringify(part));
    if (part.type === "tool-error") tellError(part.error);
  }
  tell("messages", await result.responseMessages);
  for (const span of exporter.getFinishedSpans()) {
    const { name, attributes, events, status } = span;
    tell("OpenTelemetry's spans", { name, attributes, events, status });
  }
}

function tellError(error: unknown): void {
  const { message, stack, cause } = error as Error;
  tell("errors", error, message, stack, cause, String(error), JSON.stringify(error));
}

async function langchain(): Promise<void> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      tell("LangSmith's traces", body);
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Client({
    apiUrl: `http://127.0.0.1:${port}`,
    apiKey: "langsmith",
    autoBatchTracing: false,
  });
  const hear = (...args: readonly unknown[]): void => tell("LangChain's callbacks", args);
  const handler = BaseCallbackHandler.fromMethods({
    handleToolStart: hear,
    handleToolEnd: hear,
    handleToolError: (error: Error, ...rest) => {
      hear(error, ...rest);
      tellError(error);
    },
    handleChainStart: hear,
    handleChainEnd: hear,
    handleChainError: hear,
  });
  const tools = wrapLangchainTools(
    names.map((name) => tool(bodies[name], { name, description: name, schema })),
    { keys, scopes },
  );
  const calls = names.map((name) => ({ name, args: inputs[name], id: `lc-${name}` }));
  const model = fakeModel().respondWithTools(calls).respond(new AIMessage("done"));
  const state = await createAgent({ model, tools }).invoke(
    { messages: [new HumanMessage("go")] },
    { callbacks: [handler, new LangChainTracer({ client })] },
  );
  tell("messages", state.messages, JSON.stringify(state.messages));
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  server.closeAllConnections();
  server.close();
}

await aiSdk();
await langchain();
if (plant) {
  // Constraint values are on the record unless they are redacted, and so is who acts.
  const open = createAgentKeys({
    agent: leak(),
    policy: "allow-all",
    audit: [fileSink(path), consoleSink(), jsonSink()],
  });
  await open.withAgentKey({ scope: "mail:send", where: { note: leak() } }, () => undefined);
  process.title = leak();
  process.env["LEAK"] = leak();
  tell("copies and what other threads get", structuredClone({ leak: leak() }), posted(leak()));
  process.emitWarning(leak());
}
await new Promise((resolve) => {
  setImmediate(resolve);
});
const { title, argv, env, execArgv } = process;
tell("process title, arguments and environment", title, argv, env, execArgv);
process.send?.({ channels, tokens }, () => {
  // The last thing on stderr is what Node says of a rejection that nobody handles.
  const detail = plant ? { key: last, leak: leak() } : { key: last };
  process.disconnect();
  void Promise.reject(Object.assign(new Error("nobody handles this"), detail));
});
