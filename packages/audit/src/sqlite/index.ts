/**
 * The audit record in a SQLite file.
 *
 * @module
 */
export type { AuditRecord, RecordLine, RecordQuery } from "../record/audit-record.ts";
export { openSqliteRecord } from "./sqlite-record.ts";
export { sqliteSink } from "./sqlite-sink.ts";
