// The audit as OpenTelemetry log records, for whatever collects them. Exporters batch and retry on
// their own, so this is a copy (`optional`); the file is the record.
import { createAgentKeys, fileSink, type Sink } from "@agent-keys/core";
import { type Logger, SeverityNumber } from "@opentelemetry/api-logs";
import {
  ConsoleLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";

const exporter = new ConsoleLogRecordExporter(); // yours: OTLPLogExporter in a BatchLogRecordProcessor
const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });

function openTelemetrySink(logger: Logger): Sink {
  return {
    optional: true,
    write: (event, line) =>
      logger.emit({
        eventName: `agent_keys.${event.type}`,
        timestamp: new Date(event.time),
        severityNumber: event.type === "key.denied" ? SeverityNumber.WARN : SeverityNumber.INFO,
        body: line, // the exact bytes that `event.hash` covers
      }),
    flush: () => provider.forceFlush(),
  };
}

const keys = createAgentKeys({
  agent: "repo-bot",
  policy: { "repo-bot": { allow: [{ scope: "github:repos.read" }] } },
  audit: [fileSink("agent-keys.audit.jsonl"), openTelemetrySink(provider.getLogger("agent-keys"))],
});

await keys.withAgentKey("github:repos.read", () => "read");
await keys.withAgentKey("github:repos.delete", () => "never").catch(() => "denied");
await keys.flush();
await provider.shutdown();
