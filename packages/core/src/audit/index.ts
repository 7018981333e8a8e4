/**
 * The audit record: its schema, its hash chains, and reading it back.
 *
 * @module
 */
export { canonicalJson } from "./canonical.ts";
export { GENESIS, lineHash } from "./chain.ts";
export {
  AUDIT_VERSION,
  type AuditEvent,
  auditEvent,
  auditEventJsonSchema,
  type AuditEventOf,
  type AuditEventType,
  type AuditFact,
  type KeyRecord,
  type Outcome,
  outcomes,
  type RecordedConstraint,
  type RecordedGrant,
  type RequestRecord,
  type Sealed,
  type ToolRef,
} from "./event.ts";
export { durationText, eventText, type TextStyle, tint, truncate } from "./event-text.ts";
export { printable } from "./printable.ts";
export { afterTornLine, parseLine, readLinesBackward, readNewest } from "./read-file.ts";
export type { LogFilter, Sink, SinkInput } from "./sink.ts";
