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
export { durationText, eventCells, type EventCells, type Tone } from "./event-cells.ts";
export {
  eventText,
  type EventWidths,
  measureEvents,
  shownId,
  type TextStyle,
  tint,
  wantsColor,
} from "./event-text.ts";
export { printable, printableJson } from "./printable.ts";
export {
  parseLine,
  type ReadEvent,
  readEvent,
  readLinesBackward,
  readNewest,
  readRecordBackward,
} from "./read-file.ts";
export { truncateRoute } from "./route-text.ts";
export { isScopePattern, scopeCovers } from "../scope.ts";
export { segmentsOf } from "./segments.ts";
export type { LogFilter, Sink, SinkInput } from "./sink.ts";
export {
  type LineSplitter,
  lineSplitter,
  MAX_LINE_BYTES,
  type RawLine,
  splitLines,
} from "./split-lines.ts";
export { fit, pad, textWidth, truncate } from "./text-width.ts";
export type { ChainFinding, ChainFindingCode, ChainHead, ChainReport } from "./chain-report.ts";
export {
  chainVerifier,
  type ChainVerifier,
  type Segment,
  type SegmentVerifier,
  verifyChains,
} from "./verify-chains.ts";
