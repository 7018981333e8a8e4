import {
  type Attributes,
  context,
  type Context,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { AuditEvent, AuditEventOf } from "@agent-keys/core/audit";

/** Spans of tool calls and of the requests they made. */
export interface ToolSpans {
  /** Begins and ends what an event says. @returns Where the event belongs. */
  follow(event: AuditEvent): Context;
}

/** A key whose span is open, or was: a request may be told of after its key was closed. */
interface Known {
  readonly at: SpanContext;
  readonly startMs: number;
  open: Span | undefined;
}

/** Keys that are remembered. Of more, the oldest are forgotten: a process that mints and never closes. */
const REMEMBERED = 10_000;

type KeyEvent = AuditEventOf<"key.minted" | "key.denied" | "key.closed">;
type RequestEvent = AuditEventOf<"request.completed" | "request.refused">;

/** No span yet. */
export function toolSpans(tracer: Tracer): ToolSpans {
  const keys = new Map<string, Known>();

  const around = (iss: string | undefined, keyId: string | undefined): Context => {
    const known = keyId === undefined ? undefined : keys.get(`${iss} ${keyId}`);
    const active = context.active();
    return known === undefined ? active : trace.setSpanContext(active, known.at);
  };
  const remember = (key: string, startMs: number, span: Span): void => {
    keys.set(key, { at: span.spanContext(), startMs, open: span });
    const [oldest] = keys;
    if (keys.size <= REMEMBERED || oldest === undefined) return;
    keys.delete(oldest[0]);
    oldest[1].open?.setAttribute("agent_keys.outcome", "unknown").end();
  };
  const begin = (event: KeyEvent, tool: string): Span =>
    tracer.startSpan(
      `execute_tool ${tool}`,
      { kind: SpanKind.INTERNAL, startTime: new Date(event.time), attributes: ofTool(event) },
      around(event.iss, event.parentId),
    );

  const mint = (event: AuditEventOf<"key.minted">, tool: string): Context => {
    const span = begin(event, tool);
    remember(`${event.iss} ${event.keyId}`, Date.parse(event.time), span);
    return trace.setSpan(context.active(), span);
  };
  const close = (event: AuditEventOf<"key.closed">): Context => {
    const known = keys.get(`${event.iss} ${event.keyId}`);
    const { outcome, durationMs } = event;
    known?.open?.setAttribute("agent_keys.outcome", outcome);
    if (outcome !== "ok" && outcome !== "interrupted") {
      known?.open?.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", outcome);
    }
    // Not the event's own time, which is in whole milliseconds.
    known?.open?.end(known.startMs + durationMs);
    if (known !== undefined) known.open = undefined;
    return around(event.iss, event.keyId);
  };
  const deny = (event: AuditEventOf<"key.denied">, tool: string): Context => {
    // A mint that another sink could not record: its span is open.
    const known = keys.get(`${event.iss} ${event.keyId}`)?.open;
    const span = known ?? begin(event, tool);
    fail(span, event.code);
    span.end(new Date(event.time));
    return trace.setSpan(context.active(), span);
  };
  const request = (event: RequestEvent): Context => {
    const endMs = Date.parse(event.time);
    const startMs = event.type === "request.completed" ? endMs - event.durationMs : endMs;
    const { method = "_OTHER", route } = event;
    const span = tracer.startSpan(
      route === undefined ? method : `${method} ${route}`,
      { kind: SpanKind.CLIENT, startTime: startMs, attributes: ofRequest(event) },
      around(event.iss, event.keyId),
    );
    if (event.type === "request.refused") fail(span, event.code);
    else if (event.status >= 400) fail(span, String(event.status));
    span.end(endMs);
    return trace.setSpan(context.active(), span);
  };

  return {
    follow(event) {
      const tool = "tool" in event ? event.tool : undefined;
      if (event.type === "key.minted" && tool !== undefined) return mint(event, tool.name);
      if (event.type === "key.denied" && tool !== undefined) return deny(event, tool.name);
      if (event.type === "key.closed") return close(event);
      if (event.type === "request.completed") return request(event);
      // Many that were only counted are not one request.
      if (event.type === "request.refused" && event.count === undefined) return request(event);
      const iss = "iss" in event ? event.iss : undefined;
      return around(iss, "keyId" in event ? event.keyId : undefined);
    },
  };
}

function fail(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", type);
}

function ofTool(event: KeyEvent): Attributes {
  const { agent, user, txn, tool, scopes, iss, keyId } = event;
  return given({
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": tool?.name,
    "gen_ai.tool.call.id": tool?.callId,
    "gen_ai.agent.name": agent,
    "enduser.id": user,
    "agent_keys.framework": tool?.framework,
    "agent_keys.issuer": iss,
    "agent_keys.key.id": keyId,
    "agent_keys.txn": txn,
    "agent_keys.scopes": [...scopes],
  });
}

function ofRequest(event: RequestEvent): Attributes {
  const { agent, service, method, route, keyId, scopes } = event;
  return given({
    "http.request.method": method,
    "url.template": route,
    "http.response.status_code": "status" in event ? event.status : undefined,
    "http.response.body.size": "bytes" in event ? event.bytes : undefined,
    "gen_ai.agent.name": agent,
    "agent_keys.service": service,
    "agent_keys.key.id": keyId,
    "agent_keys.scopes": scopes === undefined ? undefined : [...scopes],
  });
}

function given(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
