import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { otelSink } from "@agent-keys/audit/otel";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { wrapTools as wrapAiSdk } from "@agent-keys/ai-sdk";
import { wrapTools as wrapLangchain } from "@agent-keys/langchain";
import { tool as langchainTool } from "@langchain/core/tools";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { tool as aiTool } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { callFacts, writerNamed } from "../../packages/audit/test/sealed.ts";

const spanExporter = new InMemorySpanExporter();
const logExporter = new InMemoryLogRecordExporter();
const tracer = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(spanExporter)],
}).getTracer("test");
const logger = new LoggerProvider({
  processors: [new SimpleLogRecordProcessor({ exporter: logExporter })],
}).getLogger("test");

beforeAll(
  () => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()),
);
afterAll(() => context.disable());
beforeEach(() => {
  spanExporter.reset();
  logExporter.reset();
});

const CANARY = "canary-argument-51xJqo";
const policy = { bot: { allow: [{ scope: "github:*" }] } };
const spans = (): ReadableSpan[] => spanExporter.getFinishedSpans();
const named = (name: string): ReadableSpan[] => spans().filter((span) => span.name === name);
const parentOf = (span: ReadableSpan | undefined): string | undefined =>
  span?.parentSpanContext?.spanId;
const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;

/** A server that does its work inside a span, as instrumented ones do; each request has a path of its own. */
async function serving(work: () => Promise<unknown>, paths: readonly string[]): Promise<void> {
  const server = createServer((request, response) => {
    const span = tracer.startSpan(`GET ${request.url}`);
    const active = trace.setSpan(context.active(), span);
    void context.with(active, async () => {
      await work();
      span.end();
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await Promise.all(paths.map(async (path) => fetch(`http://127.0.0.1:${port}${path}`)));
  server.close();
}

const schema = z.object({ repo: z.string() });

describe.each(["ai-sdk", "langchain"])("%s", (framework) => {
  const setUp = () => {
    const copy = memorySink();
    const keys = createAgentKeys({
      agent: "bot",
      policy,
      audit: [copy, otelSink({ logger, tracer })],
    });
    const inner = async (): Promise<string> => {
      await wait(2);
      return "read";
    };
    const call = (name: string, scope: string, body: () => Promise<string>) => {
      if (framework === "ai-sdk") {
        const tools = { [name]: aiTool({ inputSchema: schema, execute: body }) };
        const wrapped = wrapAiSdk(tools, { keys, scopes: { [name]: scope } });
        const options = { toolCallId: `call_${name}`, messages: [], context: {} };
        return async () => wrapped[name]?.execute?.({ repo: CANARY }, options);
      }
      const tools = [langchainTool(body, { name, schema })];
      const [wrapped] = wrapLangchain(tools, { keys, scopes: { [name]: scope } });
      return async () =>
        wrapped?.invoke({ type: "tool_call", id: `call_${name}`, name, args: { repo: CANARY } });
    };
    return { keys, copy, inner, call };
  };

  test("each call is a span under the request that it was made in, and a nested one under its call", async () => {
    const { keys, copy, inner, call } = setUp();
    const nested = call("read_repo", "github:repos.read", inner);
    const outer = call("ask_agent", "github:issues.read", async () => {
      await nested();
      return "asked";
    });
    const paths = Array.from({ length: 8 }, (_, n) => `/chat/${n}`);
    await serving(outer, paths);
    await keys.flush();
    const [outers, inners] = [named("execute_tool ask_agent"), named("execute_tool read_repo")];
    expect([outers.length, inners.length]).toEqual([8, 8]);
    const servers = paths.map((path) => idOf(named(`GET ${path}`)[0]));
    expect(new Set(outers.map(parentOf))).toEqual(new Set(servers));
    expect(new Set(inners.map(parentOf))).toEqual(new Set(outers.map(idOf)));
    const minted = copy.events.find(
      (event) => event.type === "key.minted" && event.tool?.name === "read_repo",
    );
    const span = inners.find(
      ({ attributes }) =>
        minted?.type === "key.minted" && attributes["agent_keys.key.id"] === minted.keyId,
    );
    expect(span?.kind).toBe(SpanKind.INTERNAL);
    expect(span?.attributes).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "read_repo",
      "gen_ai.tool.call.id": "call_read_repo",
      "gen_ai.agent.name": "bot",
      "agent_keys.outcome": "ok",
      "agent_keys.scopes": ["github:repos.read"],
    });
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    const lines = logExporter.getFinishedLogRecords();
    expect(lines).toHaveLength(32);
    const ofSpan = lines.filter(({ spanContext }) => spanContext?.spanId === idOf(span));
    expect(ofSpan.map(({ eventName }) => eventName)).toEqual([
      "agent_keys.key.minted",
      "agent_keys.key.closed",
    ]);
    for (const { body } of lines)
      expect(JSON.parse(body as string)).toMatchObject({ v: 1, agent: "bot" });
  });

  test("calls that are made at the same moment are each under what was active there", async () => {
    const { keys, inner, call } = setUp();
    const read = call("read_repo", "github:repos.read", inner);
    const parents = Array.from({ length: 8 }, (_, n) => tracer.startSpan(`chat ${n}`));
    await Promise.all(
      parents.map(async (span) => context.with(trace.setSpan(context.active(), span), read)),
    );
    await keys.flush();
    const wanted = new Set(parents.map((span) => span.spanContext().spanId));
    expect(new Set(named("execute_tool read_repo").map(parentOf))).toEqual(wanted);
  });

  test("a call that is refused or fails says so; no argument, token or secret is told", async () => {
    const { keys, call } = setUp();
    let ran = 0;
    const refused = call("send_mail", "mail:send", async () => String((ran += 1)));
    const failing = call("read_repo", "github:repos.read", async () => {
      throw new Error(CANARY);
    });
    await Promise.allSettled([refused(), failing()]);
    let token = "";
    await keys.withAgentKey("github:repos.read", (given) => (token = given));
    await keys.flush();
    expect(ran).toBe(0);
    expect(named("execute_tool send_mail")[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "policy_denied", "gen_ai.tool.call.id": "call_send_mail" },
    });
    expect(named("execute_tool read_repo")[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "error" },
    });
    const told = JSON.stringify([
      spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
      logExporter.getFinishedLogRecords().map(({ body, attributes }) => ({ body, attributes })),
    ]);
    expect(token.length).toBeGreaterThan(100);
    for (const secret of [CANARY, token, token.split(".").at(-1)!])
      expect(told).not.toContain(secret);
  });
});

test("a broker's requests are client spans under their key's, also after it was closed", async () => {
  const sink = otelSink({ logger: false, tracer });
  const seal = writerNamed("w");
  const write = (fact: Parameters<typeof seal>[0]): void => {
    const { event, line } = seal(fact);
    void sink.write(event, line);
  };
  const [minted, , completed, closed] = callFacts({ keyId: "k1" });
  write(minted!);
  write(closed!);
  write(completed!);
  const [refused] = callFacts({ keyId: "k1" }).slice(1);
  write({
    ...refused!,
    type: "request.refused",
    code: "constraint_failed",
    check: "where",
  } as never);
  const [tool] = named("execute_tool read_repo");
  const requests = named("GET /repos/:owner");
  expect(requests.map(parentOf)).toEqual([idOf(tool), idOf(tool)]);
  expect(requests[0]).toMatchObject({
    kind: SpanKind.CLIENT,
    duration: [0, 3_000_000],
    attributes: {
      "http.request.method": "GET",
      "url.template": "/repos/:owner",
      "http.response.status_code": 200,
    },
  });
  expect(requests[1]).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { "error.type": "constraint_failed" },
  });
  expect(logExporter.getFinishedLogRecords()).toEqual([]);
});

test("keys that are never closed are not kept for ever", () => {
  const sink = otelSink({ logger: false, tracer });
  const seal = writerNamed("w");
  for (let n = 0; n < 10_050; n += 1) {
    const { event, line } = seal(callFacts({ keyId: `k${n}` })[0]!);
    void sink.write(event, line);
  }
  expect(spans()).toHaveLength(50);
  expect(spans()[0]?.attributes).toMatchObject({
    "agent_keys.key.id": "k0",
    "agent_keys.outcome": "unknown",
  });
  expect(() => otelSink({ logger: false, tracer: false })).toThrow(TypeError);
});
