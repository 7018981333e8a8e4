import { type Attributes, trace, type Tracer } from "@opentelemetry/api";
import { type Logger, logs, SeverityNumber } from "@opentelemetry/api-logs";
import type { AuditEvent, Sink } from "@agent-keys/core/audit";
import { toolSpans } from "./tool-spans.ts";

/** Where events go. */
export interface OtelSinkOptions {
  /** Takes each event as a log record. Default: that of the global provider; `false`: none does. */
  readonly logger?: Logger | false | undefined;
  /** Makes a span of each tool call. Default: that of the global provider; `false`: none does. */
  readonly tracer?: Tracer | false | undefined;
}

const NAME = "agent-keys";

/**
 * Hands events to OpenTelemetry: each as a log record, whose body is the exact line, and each tool call
 * as a span, from the mint of its key to its close, with the names of the GenAI semantic conventions
 * 0.1.0 (`execute_tool {tool}`, `gen_ai.tool.name`, `gen_ai.tool.call.id`, `gen_ai.agent.name`; in
 * development, so they may change). Its parent is what was active at the mint, or the span of the call
 * around it. What a broker sent is a client span under it. No token, secret or argument is in either.
 *
 * Optional: it stops nothing, and what an exporter loses is lost. Put it beside a sink that keeps.
 *
 * @throws TypeError when there is neither a logger nor a tracer.
 */
export function otelSink({ logger, tracer }: OtelSinkOptions = {}): Sink {
  if (logger === false && tracer === false) {
    throw new TypeError("otelSink: neither a logger nor a tracer");
  }
  const log = logger === false ? undefined : (logger ?? logs.getLogger(NAME));
  const spans = tracer === false ? undefined : toolSpans(tracer ?? trace.getTracer(NAME));
  return {
    optional: true,
    write(event, line) {
      const where = spans?.follow(event);
      log?.emit({
        eventName: `agent_keys.${event.type}`,
        timestamp: new Date(event.time),
        severityNumber: isWarning(event) ? SeverityNumber.WARN : SeverityNumber.INFO,
        body: line,
        attributes: attributesOf(event),
        ...(where === undefined ? {} : { context: where }),
      });
    },
  };
}

function isWarning({ type }: AuditEvent): boolean {
  return type === "key.denied" || type === "request.refused" || type === "audit.repaired";
}

function attributesOf(event: AuditEvent): Attributes {
  const tool = "tool" in event ? event.tool : undefined;
  const attributes = {
    "agent_keys.event.id": event.id,
    "agent_keys.key.id": "keyId" in event ? event.keyId : undefined,
    "agent_keys.code": "code" in event ? event.code : undefined,
    "gen_ai.agent.name": "agent" in event ? event.agent : undefined,
    "gen_ai.tool.name": tool?.name,
    "gen_ai.tool.call.id": tool?.callId,
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
