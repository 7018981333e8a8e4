/**
 * The audit in OpenTelemetry. Needs `@opentelemetry/api` and `@opentelemetry/api-logs`.
 *
 * @module
 */
export { otelSink, type OtelSinkOptions } from "./otel-sink.ts";
