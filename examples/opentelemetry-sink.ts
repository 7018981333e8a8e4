// The audit in OpenTelemetry, for whatever collects it: each event as a log record, each tool call as a
// span under what was active. Exporters lose what they cannot send, so this is a copy (`otelSink` is
// optional); the file is the record.
import { otelSink } from "@agent-keys/audit/otel";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/ai-sdk";
import {
  ConsoleLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import {
  BasicTracerProvider,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { tool } from "ai";
import * as z from "zod";

// Yours: OTLP exporters in batch processors, or whatever @opentelemetry/sdk-node has set up; then
// `otelSink()` finds both by itself.
const logs = new LoggerProvider({
  processors: [new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() })],
});
const traces = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
const otel = otelSink({ logger: logs.getLogger("agent"), tracer: traces.getTracer("agent") });

const keys = createAgentKeys({
  agent: "repo-bot",
  policy: { "repo-bot": { allow: [{ scope: "github:repos.read" }] } },
  audit: [fileSink("agent-keys.audit.jsonl"), otel],
});
const readRepo = tool({ inputSchema: z.object({ repo: z.string() }), execute: () => "read" });
const tools = wrapTools({ readRepo }, { keys, scopes: { readRepo: "github:repos.read" } });

await tools.readRepo.execute?.(
  { repo: "web" },
  { toolCallId: "call_1", messages: [], context: {} },
);
await keys.withAgentKey("github:repos.delete", () => "never").catch(() => "denied");
await keys.flush();
await Promise.all([logs.shutdown(), traces.shutdown()]);
