/**
 * An agent in a process of its own: tools of both frameworks, with vendors' clients that reach them
 * through a broker. It says over IPC what went out by each channel, and stays until it is let go.
 */
import { once } from "node:events";
import { createPrivateKey } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { writeHeapSnapshot } from "node:v8";
import { wrapTools as wrapAiTools } from "@agent-keys/ai-sdk";
import { consoleSink, createAgentKeys, fileSink, keyFetch, requireKey } from "@agent-keys/core";
import { wrapTools as wrapLangchainTools } from "@agent-keys/langchain";
import { OpenTelemetry } from "@ai-sdk/otel";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Octokit } from "@octokit/rest";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { isStepCount, registerTelemetry, simulateReadableStream, streamText } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { createAgent } from "langchain";
import { Client } from "langsmith";
import OpenAI from "openai";
import * as z from "zod";

/** What the test starts it with. */
export interface Start {
  readonly signingKey: string;
  readonly issuer: string;
  readonly agent: string;
  readonly broker: string;
  readonly audit: string;
  /** Where the vendors are believed to be. */
  readonly upstream: string;
  readonly heap: string;
}

/** What it went out by. */
export interface Went {
  readonly channels: Readonly<Record<string, string>>;
  readonly tokens: readonly string[];
  /** Calls of tools that ended well, and that failed. */
  readonly ended: { readonly well: number; readonly failed: number };
}

const received = once(process, "message") as Promise<[Start]>;
process.send?.("loaded");
const [start] = await received;
const everything = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null };
const channels: Record<string, string[]> = {
  "model messages": [],
  "stream parts": [],
  traces: [],
  spans: [],
  errors: [],
};
const tell = (channel: string, ...values: readonly unknown[]): void => {
  for (const value of values) {
    channels[channel]?.push(typeof value === "string" ? value : inspect(value, everything));
  }
};

const keys = createAgentKeys({
  agent: start.agent,
  policy: "allow-all",
  signingKey: createPrivateKey(start.signingKey),
  issuer: start.issuer,
  broker: start.broker,
  audit: [fileSink(start.audit), consoleSink()],
});

const tokens: string[] = [];
const ended = { well: 0, failed: 0 };
const CASES = ["site", "mirror", "broken"] as const;
const WAYS = ["keyFetch", "baseUrl"] as const;
type Way = (typeof WAYS)[number];

/** A client under the running key, in each of the ways that one can be given it. */
async function askGithub(way: Way, repo: string): Promise<unknown> {
  const key = requireKey();
  const octokit =
    way === "keyFetch"
      ? new Octokit({ baseUrl: start.upstream, request: { fetch: keyFetch } })
      : new Octokit({ baseUrl: key.baseUrl("github"), auth: key.token });
  const { data, headers } = await octokit.rest.issues.listForRepo({ owner: "acme", repo });
  return { data, headers };
}

async function askOpenai(way: Way, model: string): Promise<unknown> {
  const key = requireKey();
  const client =
    way === "keyFetch"
      ? new OpenAI({
          apiKey: "agent-keys",
          baseURL: `${start.upstream}/v1`,
          fetch: keyFetch,
          maxRetries: 0,
        })
      : new OpenAI({ apiKey: key.token, baseURL: key.baseUrl("openai"), maxRetries: 0 });
  const { data, response } = await client.chat.completions
    .create({ model, messages: [{ role: "user", content: "hello" }] })
    .withResponse();
  return { data, headers: Object.fromEntries(response.headers) };
}

/** As a tool that logs too much: what it got, and every error whole. */
async function talkative(body: () => Promise<unknown>): Promise<string> {
  tokens.push(requireKey().token);
  try {
    const result = await body();
    ended.well += 1;
    console.log(inspect(result, everything));
    return JSON.stringify(result);
  } catch (error) {
    ended.failed += 1;
    console.error(error, inspect(error, everything));
    tell("errors", error, String(error), JSON.stringify(error), (error as Error).stack);
    throw error;
  }
}

interface Work {
  readonly name: string;
  readonly scope: { readonly scope: string; readonly expiresIn: "5m" };
  readonly run: () => Promise<string>;
}
const all: readonly Work[] = WAYS.flatMap((way) =>
  CASES.flatMap((name) => [
    {
      name: `github_${way}_${name}`,
      scope: { scope: "github:issues.read", expiresIn: "5m" },
      run: () => talkative(() => askGithub(way, name)),
    },
    {
      name: `openai_${way}_${name}`,
      scope: { scope: "openai:chat.completions.create", expiresIn: "5m" },
      run: () => talkative(() => askOpenai(way, name)),
    },
  ]),
);
const scopes = Object.fromEntries(all.map(({ name, scope }) => [name, scope]));
const schema = z.object({});

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
registerTelemetry(new OpenTelemetry({ tracer: provider.getTracer("canary") }));

async function aiSdk(): Promise<void> {
  const tools = wrapAiTools(
    Object.fromEntries(all.map(({ name, run }) => [name, { inputSchema: schema, execute: run }])),
    { keys, scopes },
  );
  const calls = all.map(({ name }) => ({
    type: "tool-call",
    toolCallId: `ai-${name}`,
    toolName: name,
    input: "{}",
  }));
  let turn = 0;
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const model = new MockLanguageModelV4({
    doStream: async ({ prompt }) => {
      tell("model messages", prompt, JSON.stringify(prompt));
      const parts = turn++ === 0 ? calls : [];
      const unified = parts.length > 0 ? "tool-calls" : "stop";
      const end = { type: "finish", finishReason: { unified, raw: undefined }, usage };
      const chunks = [{ type: "stream-start", warnings: [] }, ...parts, end];
      return await Promise.resolve({ stream: simulateReadableStream({ chunks }) } as never);
    },
  });
  const stopWhen = isStepCount(2);
  const result = streamText({ model, tools, prompt: "go", stopWhen, maxRetries: 0 });
  for await (const part of result.fullStream) tell("stream parts", part, JSON.stringify(part));
  tell("model messages", await result.responseMessages);
  for (const { name, attributes, events, status } of exporter.getFinishedSpans()) {
    tell("spans", { name, attributes, events, status });
  }
}

async function langchain(): Promise<void> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      tell("traces", body);
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new Client({
    apiUrl: `http://127.0.0.1:${port}`,
    apiKey: "langsmith",
    autoBatchTracing: false,
  });
  const tools = wrapLangchainTools(
    all.map(({ name, run }) => tool(run, { name, description: name, schema })),
    { keys, scopes },
  );
  const calls = all.map(({ name }) => ({ name, args: {}, id: `lc-${name}` }));
  const model = fakeModel().respondWithTools(calls).respond(new AIMessage("done"));
  const state = await createAgent({ model, tools }).invoke(
    { messages: [new HumanMessage("go")] },
    { callbacks: [new LangChainTracer({ client })] },
  );
  tell("model messages", state.messages, JSON.stringify(state.messages));
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  server.closeAllConnections();
  server.close();
}

await aiSdk();
await langchain();
await keys.flush();
tell("errors", process.env, process.argv, process.execArgv, process.title);
writeHeapSnapshot(start.heap);
const joined: Record<string, string> = {};
for (const [name, said] of Object.entries(channels)) joined[name] = said.join("\n");
const went: Went = { channels: joined, tokens, ended };
process.send?.(went);
// Its memory is looked at, then it is let go.
await once(process, "message");
process.disconnect();
